"""The VRRP codec, compared with bytes that keepalived 2.2.7 sent, and the drop reasons."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrrp.model.configuration import (
    InstanceConfiguration,
    PassAuthentication,
    Secret,
    UdpUnicast,
    Unicast,
)
from vrrp.protocol.packet import (
    Address,
    Advertisement,
    ChecksumForm,
    DropReason,
    PacketError,
    decode,
    encode,
    parse_datagram,
)
from vrrp.protocol.validation import lists_other_addresses, own_advertisement, validate

SOURCE = IPv4Address("10.99.0.1")
US = IPv4Address("10.99.0.2")
GROUP = IPv4Address("224.0.0.18")
VIRTUAL = IPv4Address("10.99.0.100")
LINK_LOCAL = IPv6Address("fe80::ff:fe00:1")
GROUP_6 = IPv6Address("ff02::12")

V3 = "313396010064 42ad 0a630064"
V2 = "213396010001 3e03 0a630064 0000000000000000"


def advertisement(
    version: int = 3,
    *,
    priority: int = 150,
    centiseconds: int = 100,
    addresses: tuple[Address, ...] = (VIRTUAL,),
    form: ChecksumForm | None = "rfc5798",
    auth_type: int = 0,
    auth_data: bytes = bytes(8),
    virtual_router_id: int = 51,
) -> Advertisement:
    return Advertisement(
        version=2 if version == 2 else 3,
        virtual_router_id=virtual_router_id,
        priority=priority,
        advert_interval_centiseconds=centiseconds,
        family=6 if any(address.version == 6 for address in addresses) else 4,
        listed=b"".join(address.packed for address in addresses),
        checksum_form=None if version == 2 else form,
        auth_type=auth_type,
        auth_data=auth_data,
    )


def configuration(version: int = 3, **changes: object) -> InstanceConfiguration:
    fields: dict[str, object] = {
        "name": "web",
        "interface": "eth0",
        "virtual_router_id": 51,
        "virtual_addresses": ("10.99.0.100/32",),
        "version": version,
    }
    return InstanceConfiguration(**{**fields, **changes})  # type: ignore[arg-type]  # test's own


ON_THE_WIRE = [
    pytest.param(V2, SOURCE, GROUP, advertisement(2), id="v2"),
    pytest.param(
        "213300010001 d403 0a630064 0000000000000000",
        SOURCE,
        GROUP,
        advertisement(2, priority=0),
        id="v2 resignation",
    ),
    pytest.param(
        "213396010101 cfb6 0a630064 7333637265743132",
        SOURCE,
        GROUP,
        advertisement(2, auth_type=1, auth_data=b"s3cret12"),
        id="v2 with the password s3cret12",
    ),
    pytest.param(V3, SOURCE, GROUP, advertisement(), id="v3"),
    pytest.param(
        "313364010064 74ac 0a630064", US, GROUP, advertisement(priority=100), id="v3 other router"
    ),
    pytest.param(
        "313300010032 d8df 0a630064",
        SOURCE,
        GROUP,
        advertisement(priority=0, centiseconds=50),
        id="v3 resignation at 500 ms",
    ),
    pytest.param("313396010064 185b 0a630064", SOURCE, US, advertisement(), id="v3 unicast"),
    pytest.param(
        "313396010064 2da0 0a630064",
        SOURCE,
        GROUP,
        advertisement(form="rfc9568"),
        id="v3 without pseudo-header, computed by hand, dropped by keepalived 2.2.7",
    ),
    pytest.param(
        "313396020064 0bcb fe800000000000000000000000990100 20010db8009900000000000000000100",
        LINK_LOCAL,
        GROUP_6,
        advertisement(
            addresses=(IPv6Address("fe80::99:100"), IPv6Address("2001:db8:99::100")), form=None
        ),
        id="v3 IPv6",
    ),
]


@pytest.mark.parametrize(("wire", "source", "destination", "value"), ON_THE_WIRE)
def test_keepalived_bytes_and_values_are_each_others_image(
    wire: str, source: Address, destination: Address, value: Advertisement
) -> None:
    assert decode(bytes.fromhex(wire), source, destination) == value
    assert encode(value, source, destination) == bytes.fromhex(wire)


def test_reserved_bits_and_v2_authentication_data_are_ignored_on_receipt() -> None:
    """RFC 9568 5.2.6, RFC 3768 5.3.10."""
    reserved = bytes.fromhex("31339601f064 52ac 0a630064")
    assert decode(reserved, SOURCE, GROUP) == advertisement()
    authentication = bytes.fromhex("213396010001 3e02 0a630064 0000000000000001")
    assert decode(authentication, SOURCE, GROUP) == advertisement(2)


def test_the_interval_is_twelve_bits_of_centiseconds() -> None:
    longest = encode(advertisement(centiseconds=4095), SOURCE, GROUP)
    assert longest[4:6] == b"\x0f\xff"
    assert decode(longest, SOURCE, GROUP).advert_interval == 40.95


MALFORMED = [
    ("", DropReason.TRUNCATED),
    ("31339601006442", DropReason.TRUNCATED),
    ("313396010064 42ad 0a6300", DropReason.TRUNCATED),
    ("213396010001 3e03 0a630064", DropReason.TRUNCATED),
    ("313396020064 42ac 0a630064", DropReason.TRUNCATED),
    (V3 + "00000000", DropReason.TRAILING_BYTES),
    (V2 + "00", DropReason.TRAILING_BYTES),
    ("413396010064 32ad 0a630064", DropReason.VERSION),
    ("323396010064 41ad 0a630064", DropReason.TYPE),
    ("313396010064 42ae 0a630064", DropReason.CHECKSUM),
    ("213396010001 3e04 0a630064 0000000000000000", DropReason.CHECKSUM),
    ("313396010000 4311 0a630064", DropReason.ADVERT_INTERVAL_ZERO),
    ("213396010000 3e04 0a630064 0000000000000000", DropReason.ADVERT_INTERVAL_ZERO),
]


@pytest.mark.parametrize(("wire", "reason"), MALFORMED)
def test_a_malformed_message_is_dropped_for_its_own_reason(wire: str, reason: DropReason) -> None:
    with pytest.raises(PacketError) as caught:
        decode(bytes.fromhex(wire), SOURCE, GROUP)
    assert caught.value.reason is reason


def test_version_2_does_not_exist_over_ipv6() -> None:
    with pytest.raises(PacketError, match="version"):
        decode(bytes.fromhex(V2), LINK_LOCAL, GROUP_6)


def test_an_ipv6_message_without_pseudo_header_in_its_sum_is_dropped() -> None:
    wire = bytes.fromhex("313396010064 29e8 fe80000000000000" + "0000000000990100")
    with pytest.raises(PacketError, match="checksum"):
        decode(wire, LINK_LOCAL, GROUP_6)


HEADER = "45c0 0020 0001 0000 ff70 d036 0a630001 e0000012"  # in front of V3, keepalived 2.2.7


def test_the_datagram_of_a_raw_socket_is_decoded() -> None:
    datagram = parse_datagram(bytes.fromhex(HEADER + V3))
    assert (datagram.source, datagram.destination) == (SOURCE, GROUP)
    assert (datagram.ttl, datagram.payload) == (255, bytes.fromhex(V3))


def test_ip_options_and_link_padding_are_not_part_of_the_message() -> None:
    """A router-alert option, and an Ethernet frame filled up to 60 bytes."""
    with_option = "46c0 0024 0001 0000 ff70 0000 0a630001 e0000012 94040000"
    padded = bytes.fromhex(with_option + V3) + bytes(10)
    assert parse_datagram(padded).payload == bytes.fromhex(V3)


BAD_HEADERS = [
    ("45c0", DropReason.IP_TRUNCATED),
    (HEADER, DropReason.IP_TRUNCATED),
    (HEADER.replace("45c0", "65c0") + V3, DropReason.IP_VERSION),
    (HEADER.replace("45c0", "44c0") + V3, DropReason.IP_HEADER_LENGTH),
    (HEADER.replace("0020", "0013") + V3, DropReason.IP_TOTAL_LENGTH),
    (HEADER.replace("45c0", "4fc0") + V3, DropReason.IP_TOTAL_LENGTH),
    (HEADER.replace("ff70", "ff71") + V3, DropReason.IP_PROTOCOL),
]


@pytest.mark.parametrize(("wire", "reason"), BAD_HEADERS)
def test_a_bad_ip_header_is_dropped_for_its_own_reason(wire: str, reason: DropReason) -> None:
    with pytest.raises(PacketError) as caught:
        parse_datagram(bytes.fromhex(wire))
    assert caught.value.reason is reason


def with_password(auth_data: bytes) -> Advertisement:
    return advertisement(2, auth_type=1, auth_data=auth_data)


OTHER = IPv4Address("10.99.0.200")
LOCKED = configuration(2, authentication=PassAuthentication(Secret(b"abc")))
PEERS = Unicast(source="10.99.0.2", peers=("10.99.0.1",))
NO_SOURCE = Unicast(peers=("10.99.0.1",))
ROUTED = Unicast(source="10.99.0.2", peers=("10.99.0.1",), ttl_min=253)
UDP = UdpUnicast(source="10.99.0.2", peers=("10.99.0.1",))
# The advertisement, how it arrives, the configuration, and the drop reason.
VALIDATED = [
    (advertisement(), {}, configuration(), None),
    (advertisement(2), {}, configuration(2), None),
    (advertisement(), {"source": US}, configuration(), DropReason.OWN_PACKET),
    (advertisement(), {"source": IPv4Address("0.0.0.0")}, configuration(), DropReason.SOURCE),
    (advertisement(), {"source": GROUP}, configuration(), DropReason.SOURCE),
    (advertisement(), {"source": IPv4Address(2**32 - 1)}, configuration(), DropReason.SOURCE),
    (advertisement(), {"source": IPv6Address("::")}, configuration(), DropReason.SOURCE),
    (advertisement(), {"source": GROUP_6}, configuration(), DropReason.SOURCE),
    (advertisement(), {"ttl": 254}, configuration(), DropReason.TTL),
    (advertisement(), {"destination": US}, configuration(), DropReason.DESTINATION),
    (advertisement(2), {}, configuration(3), DropReason.VERSION),
    (advertisement(), {}, configuration(2), DropReason.VERSION),
    (advertisement(virtual_router_id=52), {}, configuration(), DropReason.VIRTUAL_ROUTER_ID),
    (advertisement(addresses=()), {}, configuration(), DropReason.NO_ADDRESSES),
    (advertisement(), {"ttl": None, "destination": US}, configuration(transport=UDP), None),
    (
        advertisement(),
        {"ttl": None, "source": OTHER},
        configuration(transport=UDP),
        DropReason.NOT_A_PEER,
    ),
    (advertisement(), {"destination": US}, configuration(transport=PEERS), None),
    (advertisement(), {}, configuration(transport=PEERS), DropReason.DESTINATION),
    (advertisement(), {"destination": US}, configuration(transport=NO_SOURCE), None),
    (advertisement(), {}, configuration(transport=NO_SOURCE), DropReason.DESTINATION),
    (
        advertisement(),
        {"destination": US, "source": OTHER},
        configuration(transport=PEERS),
        DropReason.NOT_A_PEER,
    ),
    (
        advertisement(),
        {"destination": US, "ttl": 254},
        configuration(transport=PEERS),
        DropReason.PEER_TTL,
    ),
    (advertisement(), {"destination": US, "ttl": 253}, configuration(transport=ROUTED), None),
    (
        advertisement(),
        {"destination": US, "ttl": 252},
        configuration(transport=ROUTED),
        DropReason.PEER_TTL,
    ),
    # Version 3 learns the interval of the peer and ignores its list; version 2 requires both.
    (advertisement(centiseconds=30), {}, configuration(), None),
    (advertisement(2, centiseconds=200), {}, configuration(2), DropReason.ADVERT_INTERVAL),
    (advertisement(addresses=(OTHER,)), {}, configuration(), None),
    (advertisement(2, addresses=(OTHER,)), {}, configuration(2), DropReason.ADDRESS_LIST),
    (advertisement(2, addresses=(OTHER, VIRTUAL)), {}, configuration(2), DropReason.ADDRESS_LIST),
    (advertisement(2, addresses=(OTHER,), priority=255), {}, configuration(2), None),
    (advertisement(2, auth_type=1), {}, configuration(2), DropReason.AUTH_TYPE),
    (advertisement(2), {}, LOCKED, DropReason.AUTH_TYPE),
    (with_password(b"abc\0\0\0\0\0"), {}, LOCKED, None),
    (with_password(b"abcd\0\0\0\0"), {}, LOCKED, DropReason.AUTH_PASSWORD),
    (with_password(b"abc\0\0\0\0x"), {}, LOCKED, DropReason.AUTH_PASSWORD),
]


@pytest.mark.parametrize(("value", "path", "configured", "verdict"), VALIDATED)
def test_an_instance_listens_only_to_what_concerns_it(
    value: Advertisement,
    path: dict[str, object],
    configured: InstanceConfiguration,
    verdict: DropReason | None,
) -> None:
    """RFC 9568 7.1 and RFC 3768 7.1, which accepts other addresses from an address owner."""
    usual: dict[str, object] = {"source": SOURCE, "destination": GROUP, "ttl": 255}
    arrival = {**usual, **path}
    heard = validate(value, own_address=US, configuration=configured, **arrival)  # type: ignore[arg-type]  # mixed table
    assert heard is verdict


def test_a_peer_whose_first_address_is_not_link_local_is_accepted() -> None:
    """This deviates from erratum 8300 of RFC 9568: keepalived 2.2.7 sends and accepts it."""
    listed = ("fe80::99:100", "2001:db8:99::100")
    swapped = advertisement(addresses=tuple(IPv6Address(each) for each in listed[::-1]), form=None)
    configured = configuration(virtual_addresses=tuple(f"{each}/128" for each in listed))
    heard = validate(
        swapped,
        source=LINK_LOCAL,
        destination=GROUP_6,
        ttl=255,
        own_address=IPv6Address("fe80::1"),
        configuration=configured,
    )
    assert heard is None
    assert not lists_other_addresses(swapped, configured)


def test_every_drop_reason_has_a_row_above() -> None:
    """Except those of auth_hmac (test_authentication.py) and the last one (test_vrrp_udp.py)."""
    rows = [row[-1] for row in (*MALFORMED, *BAD_HEADERS, *VALIDATED)]
    reasons = {reason for reason in DropReason if not reason.startswith("hmac_")}
    reasons.remove(DropReason.NOT_TAKING_PART)
    assert reasons == {reason for reason in rows if isinstance(reason, DropReason)}


def test_another_address_list_is_noticed_in_any_order() -> None:
    configured = configuration(virtual_addresses=("10.99.0.100/32", "10.99.0.200/24"))
    assert not lists_other_addresses(advertisement(addresses=(OTHER, VIRTUAL)), configured)
    assert lists_other_addresses(advertisement(addresses=(VIRTUAL,)), configured)


def test_what_is_sent_follows_the_configuration() -> None:
    assert own_advertisement(configuration(), 150) == advertisement()
    assert own_advertisement(configuration(2), 0) == advertisement(2, priority=0)
    assert own_advertisement(LOCKED, 150) == with_password(b"abc\0\0\0\0\0")
    without = configuration(checksum="rfc9568", advert_interval=0.3)
    assert own_advertisement(without, 1) == advertisement(
        priority=1, centiseconds=30, form="rfc9568"
    )
    six = configuration(virtual_addresses=("fe80::1/64",))
    assert own_advertisement(six, 150).checksum_form is None


ipv4 = st.integers(min_value=1, max_value=2**32 - 1).map(IPv4Address)


@given(
    version=st.sampled_from([2, 3]),
    priority=st.integers(0, 255),
    seconds=st.integers(1, 40),
    addresses=st.lists(ipv4, min_size=1, max_size=20).map(tuple),
    path=st.tuples(ipv4, ipv4),
)
def test_what_is_encoded_is_decoded(
    version: int,
    priority: int,
    seconds: int,
    addresses: tuple[Address, ...],
    path: tuple[IPv4Address, IPv4Address],
) -> None:
    sent = advertisement(
        version, priority=priority, centiseconds=seconds * 100, addresses=addresses
    )
    assert decode(encode(sent, *path), *path) == sent


@given(data=st.binary(max_size=80))
def test_any_bytes_are_an_advertisement_or_a_named_drop(data: bytes) -> None:
    with suppress(PacketError):
        decode(data, SOURCE, GROUP)
    with suppress(PacketError):
        decode(data, LINK_LOCAL, GROUP_6)
    with suppress(PacketError):
        parse_datagram(data)


@given(data=st.binary(max_size=60), kind=st.sampled_from([b"\x21", b"\x31"]))
def test_any_bytes_with_a_valid_first_byte_and_checksum_are_handled(
    data: bytes, kind: bytes
) -> None:
    """Random bytes rarely have a valid checksum, so the test writes it."""
    message = bytearray(kind + data.ljust(19, b"\0"))
    message += bytes(len(message) % 2)
    message[6:8] = b"\0\0"
    total = sum(int.from_bytes(message[at : at + 2]) for at in range(0, len(message), 2))
    message[6:8] = (0xFFFF - total % 0xFFFF).to_bytes(2)
    with suppress(PacketError):
        assert len(decode(bytes(message), SOURCE, GROUP).addresses) == message[3]


def test_no_single_damaged_byte_passes() -> None:
    for place in range(12):
        for flip in range(1, 256):
            damaged = bytearray.fromhex(V3)
            damaged[place] ^= flip
            with pytest.raises(PacketError):
                decode(bytes(damaged), SOURCE, GROUP)
