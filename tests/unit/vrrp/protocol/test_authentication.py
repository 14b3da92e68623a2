"""auth_hmac, compared with trailers that keepalived 2.4.3 sent."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrrp.model.configuration import HmacAuthentication, HmacKey, PassAuthentication, Secret
from vrrp.protocol.authentication import (
    Clocks,
    authenticate,
    is_trailer,
    read_key,
    sign,
    split_trailer,
)
from vrrp.protocol.packet import Address, DropReason, PacketError, decode, with_trailer
from vrrp.protocol.sequence import SequenceMemory

KEY = Secret(bytes(range(32)))
SOURCE = IPv4Address("10.99.0.1")
GROUP = IPv4Address("224.0.0.18")
LINK_LOCAL = IPv6Address("fe80::ff:fe00:1")
GROUP_6 = IPv6Address("ff02::12")

# Message, trailer; key 7 is 00 01 .. 1f. IPv6: its message ends where the trailer begins too.
V3 = "31339601 006442ad 0a630064", "01070000 6b037ca9 fdc50000 3eb7efec218cfad37c64fb05e5659602"
V3_NEXT = V3[0], "01070000 6b037caa ff100000 d1b65878eeb5dd266e9034b7d1c4ed87"
V3_LAST = (
    "31330001 0064d8ad 0a630064",
    "01070000 6b037cad 8e930000 70802bfd3337c337dff0ad3298a0f408",
)
V2 = (
    "21339601 00013e03 0a630064 0000000000000000",
    "01070000 6b037cb2 8f890000 466651afe4d396b69810b44267e5eefc",
)
V6 = (
    "31339602 0064cb55 fe800000000000000000000000990100 20010db8009900000000000000000100",
    "01070000 6b037cbb 1a390000 6ba1066ce4c668bfa017dd4584377c31",
)
# The same advertisement as V6 without a trailer (keepalived 2.2.7, other capture).
V6_BARE = V6[0].replace("cb55", "0bcb")

SECOND = 1_000_000_000
V3_SENT = 0x6B037CA9 * SECOND  # and 0xfdc5 / 65536 s, 0.991 s
BOOT = V3_SENT - 86_400 * SECOND


def enforcing(*keys: HmacKey, window: float = 5.0) -> HmacAuthentication:
    return HmacAuthentication(
        mode="enforce", send_key=7, keys=keys or (HmacKey(7, KEY),), window=window
    )


def verdict(
    wire: tuple[str, str],
    memory: SequenceMemory | None = None,
    *,
    source: Address = SOURCE,
    utc_ns: int = V3_SENT,
    authentication: HmacAuthentication | None = None,
) -> DropReason | None:
    return authenticate(
        bytes.fromhex(wire[0]),
        bytes.fromhex(wire[1]),
        source,
        authentication=authentication or enforcing(),
        memory=memory or SequenceMemory(4),
        clocks=Clocks(utc_ns, utc_ns, BOOT),
    ).dropped


@pytest.mark.parametrize(
    ("wire", "source", "sequence"),
    [
        (V3, SOURCE, 0x6B037CA9FDC50000),
        (V3_NEXT, SOURCE, 0x6B037CAAFF100000),
        (V2, SOURCE, 0x6B037CB28F890000),
        (V6, LINK_LOCAL, 0x6B037CBB1A390000),
    ],
    ids=["v3", "v3 next", "v2", "v3 IPv6"],
)
def test_we_sign_as_keepalived_does(wire: tuple[str, str], source: Address, sequence: int) -> None:
    """The same message, key and moment make the same 28 bytes."""
    message, trailer = map(bytes.fromhex, wire)
    assert sign(message, source, 7, KEY, sequence) == trailer
    assert verdict(wire, source=source, utc_ns=(sequence >> 32) * SECOND) is None


def test_the_trailer_follows_the_message() -> None:
    """In IPv4 the checksum does not change. In IPv6 it covers the whole payload."""
    message, trailer = map(bytes.fromhex, V3)
    assert with_trailer(message, trailer, SOURCE, GROUP) == message + trailer
    message, trailer = map(bytes.fromhex, V6)
    bare = bytes.fromhex(V6_BARE)
    assert with_trailer(bare, trailer, LINK_LOCAL, GROUP_6) == message + trailer


@pytest.mark.parametrize(
    ("wire", "source", "destination"),
    [(V3, SOURCE, GROUP), (V2, SOURCE, GROUP), (V6, LINK_LOCAL, GROUP_6)],
)
def test_a_payload_is_split_into_message_and_trailer(
    wire: tuple[str, str], source: Address, destination: Address
) -> None:
    """The header has the length of the message. The 28 bytes after it are a trailer."""
    message, trailer = map(bytes.fromhex, wire)
    assert split_trailer(message + trailer, source) == (message, trailer)
    assert decode(message, source, destination, trailer).priority == 150
    assert split_trailer(message, source) == (message, b"")
    assert split_trailer(message + trailer + b"x", source) == (message + trailer + b"x", b"")
    with pytest.raises(PacketError, match="trailing_bytes"):
        decode(message + trailer, source, destination)


def test_a_trailer_is_recognized_without_a_key() -> None:
    assert is_trailer(bytes.fromhex(V3[1]))
    assert not is_trailer(bytes.fromhex(V3[1])[1:])
    assert not is_trailer(bytes(28))
    assert not is_trailer(b"")


def changed(trailer: str, place: int, value: str) -> tuple[str, str]:
    data = bytearray.fromhex(trailer)
    data[place : place + 1] = bytes.fromhex(value)
    return V3[0], data.hex()


REFUSED = [
    ((V3[0], ""), DropReason.HMAC_MISSING),
    (changed(V3[1], 0, "02"), DropReason.HMAC_MALFORMED),
    (changed(V3[1], 3, "01"), DropReason.HMAC_MALFORMED),
    (changed(V3[1], 1, "08"), DropReason.HMAC_KEY),
    (changed(V3[1], 11, "01"), DropReason.HMAC_TAG),
    (changed(V3[1], 27, "03"), DropReason.HMAC_TAG),
    ((V3_LAST[0], V3[1]), DropReason.HMAC_TAG),
    (V2, DropReason.HMAC_STALE),
    (V3_NEXT, DropReason.HMAC_REPLAY),
    (V3, DropReason.HMAC_REPLAY),
]


@pytest.mark.parametrize(("wire", "reason"), REFUSED)
def test_every_fault_of_a_signed_message_has_its_own_reason(
    wire: tuple[str, str], reason: DropReason
) -> None:
    """V3_NEXT was received before. The message of version 2 was sent 9 s later."""
    memory = SequenceMemory(4)
    assert verdict(V3_NEXT, memory) is None
    assert verdict(wire, memory) is reason
    assert verdict(V3_LAST, memory) is None


def test_every_reason_of_auth_hmac_has_a_row_above() -> None:
    reasons = {reason for reason in DropReason if reason.startswith("hmac_")}
    reasons.remove(DropReason.HMAC_UNEXPECTED)  # without auth_hmac: test_messaging.py
    assert reasons == {row[-1] for row in REFUSED}


def test_another_sender_or_virtual_router_cannot_use_a_trailer() -> None:
    """The HMAC covers source, VRID and version, which are not in the trailer."""
    assert verdict(V3, source=IPv4Address("10.99.0.2")) is DropReason.HMAC_TAG
    assert verdict(("31349601 006442ac 0a630064", V3[1])) is DropReason.HMAC_TAG
    assert verdict(("313396010064 2da0 0a630064", V3[1])) is None, "the checksum is not covered"


@pytest.mark.parametrize(
    ("seconds", "heard"),
    [(-4.0, None), (-4.1, DropReason.HMAC_STALE), (5.9, None), (6.0, DropReason.HMAC_STALE)],
)
def test_the_window_reaches_both_ways(seconds: float, heard: DropReason | None) -> None:
    """V3 was sent 0.991 s after V3_SENT; 5 s is the window."""
    assert verdict(V3, utc_ns=V3_SENT + round(seconds * SECOND)) is heard


def test_it_is_enough_to_be_recent_for_one_of_two_times() -> None:
    """The second time is for a wall clock that was stepped back."""
    message, trailer = map(bytes.fromhex, V3)
    heard = authenticate(
        message,
        trailer,
        SOURCE,
        authentication=enforcing(),
        memory=SequenceMemory(4),
        clocks=Clocks(V3_SENT - 3600 * SECOND, V3_SENT, BOOT),
    )
    assert heard.dropped is None
    assert heard.seconds_ahead == 0xFDC5 / 65536


def test_a_wider_window_accepts_a_slower_clock() -> None:
    late = V3_SENT + 60 * SECOND
    assert verdict(V3, utc_ns=late, authentication=enforcing(window=60)) is None


def test_every_key_is_accepted_on_receipt() -> None:
    """During a rotation, some routers sign with the old key and others with the new one."""
    both = enforcing(HmacKey(8, Secret(bytes(32))), HmacKey(7, KEY))
    assert verdict(V3, authentication=both) is None
    assert verdict(V3, authentication=enforcing(HmacKey(8, KEY))) is DropReason.HMAC_KEY


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (bytes(range(32)), bytes(range(32))),
        (b"k" * 64 + b"\n", b"k" * 64),
        (b"k" * 64 + b"\r\n", b"k" * 64),
        (b"k" * 64 + b"\n\r\n\n", b"k" * 64),
        (b"hex:" + b"0aFf" * 16 + b"\r\n", b"\x0a\xff" * 16),
        (b"hex:" + b"0aFf" * 16 + b"\n", b"\x0a\xff" * 16),
    ],
)
def test_a_key_file_holds_bytes_or_hexadecimal_digits(content: bytes, key: bytes) -> None:
    assert read_key(content) == Secret(key)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the key has 0 bytes, expected 32 to 64"),
        (b"k" * 31 + b"\n", "the key has 31 bytes, expected 32 to 64"),
        (b"k" * 65, "the key has 65 bytes, expected 32 to 64"),
        (b"hex:" + b"00" * 31, "the key has 31 bytes, expected 32 to 64"),
        (b"hex:" + b"0" * 65, "expected pairs of hexadecimal digits after hex:"),
        (b"hex:" + b"\xc3\xa4" * 32, "expected pairs of hexadecimal digits after hex:"),
    ],
)
def test_a_bad_key_file_is_explained_without_its_content(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        read_key(content)
    assert str(caught.value) == message
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_no_representation_shows_a_secret() -> None:
    """A configuration may appear in a traceback or a log line."""
    assert repr(HmacKey(7, Secret(b"hunter2"))) == "HmacKey(key_id=7, secret=Secret())"
    assert "hunter2" not in repr(PassAuthentication(Secret(b"hunter2")))
    assert Secret(b"hunter2").__rich_repr__() == []


@given(payload=st.binary(max_size=90), start=st.sampled_from(["", *V3[:1], *V2[:1], *V6[:1]]))
def test_any_bytes_with_any_trailer_are_an_advertisement_or_a_named_drop(
    payload: bytes, start: str
) -> None:
    """The only exception is PacketError, and no message is authentic."""
    data = bytes.fromhex(start) + payload
    for source, destination in ((SOURCE, GROUP), (LINK_LOCAL, GROUP_6)):
        message, trailer = split_trailer(data, source)
        assert message + trailer == data
        with suppress(PacketError):
            decode(message, source, destination, trailer)
            heard = authenticate(
                message,
                trailer,
                source,
                authentication=enforcing(),
                memory=SequenceMemory(4),
                clocks=Clocks(V3_SENT, V3_SENT, BOOT),
            )
            assert isinstance(heard.dropped, DropReason)
