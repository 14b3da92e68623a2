"""Which advertisements an instance sends and accepts, in each mode of auth_hmac."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Literal

import msgspec
import pytest

from tests.builders import an_instance
from vrrp.instance.messaging import Messaging, Reception
from vrrp.instance.sequence import SequenceNumbers
from vrrp.model.configuration import (
    HmacAuthentication,
    HmacKey,
    InstanceConfiguration,
    Secret,
    Unicast,
)
from vrrp.protocol.packet import Address, Datagram

Mode = Literal["receive_only", "permissive", "enforce"]

OURS, THEIRS = IPv4Address("10.99.0.2"), IPv4Address("10.99.0.1")
GROUP = IPv4Address("224.0.0.18")
# keepalived 2.4.3, key 7, at 0x6b037ca9
MESSAGE = bytes.fromhex("31339601006442ad0a630064")
TRAILER = bytes.fromhex("010700006b037ca9fdc500003eb7efec218cfad37c64fb05e5659602")
NEXT_TRAILER = bytes.fromhex("010700006b037caaff100000d1b65878eeb5dd266e9034b7d1c4ed87")
SECOND = 1_000_000_000
SENT = 0x6B037CA9 * SECOND
KEY_7 = HmacKey(7, Secret(bytes(range(32))))
KEY_8 = HmacKey(8, Secret(bytes(32)))


class Wire:
    """A transport that stores the messages, and fails for the destinations in ``broken``."""

    def __init__(self, *destinations: str) -> None:
        self.source: Address = THEIRS
        self.destinations: Sequence[Address] = tuple(map(IPv4Address, destinations))
        self.sent: dict[str, bytes] = {}
        self.broken: set[str] = set()
        self.lost = 0

    def send(self, payload: bytes, destination: Address) -> None:
        if str(destination) in self.broken:
            raise OSError("unreachable")
        self.sent[str(destination)] = payload

    def drain(self) -> bool:
        raise AssertionError


class Side:
    """The messaging of one instance, with its clocks, and counts of the problems it reported."""

    def __init__(self, mode: Mode | None, *keys: HmacKey) -> None:
        self.now = SENT
        self.steady = 0
        self.problems: Counter[str] = Counter()
        self.fields: dict[str, dict[str, object]] = {}
        self.messaging = Messaging(
            configured(mode, *keys),
            SequenceNumbers(lambda: self.now, lambda: self.steady, lambda: 3600 * SECOND, 7),
            self._note_problem,
        )

    def receive(self, payload: bytes) -> Reception:
        return self.messaging.receive(Datagram(THEIRS, GROUP, 255, payload), OURS)

    def accepts(self, payload: bytes) -> bool:
        return self.receive(payload).dropped is None

    def _note_problem(self, event: str, counter: str, **fields: object) -> None:
        self.problems[counter] += 1
        self.fields[counter] = fields


def configured(mode: Mode | None, *keys: HmacKey) -> InstanceConfiguration:
    keys = keys or (KEY_7,)
    return an_instance(
        authentication=mode
        and HmacAuthentication(mode=mode, send_key=keys[0].key_id, keys=keys, window=5.0)
    )


def test_enforce_drops_and_counts_messages_that_are_not_authentic() -> None:
    """A replay, a message without a trailer, and a message with an unknown key."""
    side = Side("enforce")
    assert side.accepts(MESSAGE + TRAILER)
    assert not side.accepts(MESSAGE + TRAILER)
    assert not side.accepts(MESSAGE)
    side.messaging.configure(configured("enforce", KEY_8))
    assert not side.accepts(MESSAGE + TRAILER)
    assert side.problems == {
        "dropped_hmac_replay": 1,
        "dropped_hmac_missing": 1,
        "dropped_hmac_key": 1,
    }


def test_a_dropped_advertisement_may_show_an_active_peer() -> None:
    """A director with a wrong key may be ACTIVE. A replay and broken bytes prove nothing."""
    side = Side("enforce")
    bare, signed = side.receive(MESSAGE), side.receive(MESSAGE + TRAILER)
    assert bare.advertisement == signed.advertisement
    assert (bare.dropped, bare.shows_active_peer) == ("hmac_missing", True)
    assert (signed.dropped, signed.shows_active_peer) == (None, True)
    replayed = side.receive(MESSAGE + TRAILER)
    assert (replayed.dropped, replayed.shows_active_peer) == ("hmac_replay", False)
    broken = side.receive(MESSAGE[:-1])
    assert (broken.advertisement, broken.shows_active_peer) == (None, False)
    assert broken.dropped == "truncated"


@pytest.mark.parametrize("mode", ["receive_only", "permissive"])
def test_the_modes_before_enforce_tolerate_a_missing_trailer_only(mode: Mode) -> None:
    """So an operator sees when the mode `enforce` is safe. keepalived drops the other cases too."""
    side = Side(mode)
    assert side.accepts(MESSAGE)
    assert not side.accepts(MESSAGE + bytes(28))
    assert side.accepts(MESSAGE + TRAILER)
    side.messaging.configure(configured(mode, KEY_8))
    assert not side.accepts(MESSAGE + NEXT_TRAILER)
    assert side.problems == {
        "tolerated_hmac_missing": 1,
        "dropped_hmac_malformed": 1,
        "dropped_hmac_key": 1,
    }


@pytest.mark.parametrize("mode", ["receive_only", "permissive", "enforce", None])
def test_bytes_that_are_not_a_trailer_are_dropped_in_every_mode(mode: Mode | None) -> None:
    """27 and 29 bytes, and without auth_hmac also 28 bytes that are not the form of a trailer."""
    side = Side(mode)
    assert not side.accepts(MESSAGE + TRAILER[1:])
    assert not side.accepts(MESSAGE + TRAILER + b"x")
    if mode is None:
        assert not side.accepts(MESSAGE + bytes(28))
    assert set(side.problems) == {"dropped_trailing_bytes"}


def test_a_peer_that_signs_is_dropped_without_auth_hmac_and_shows_an_active_peer() -> None:
    """As in keepalived 2.2.7. Otherwise both would be ACTIVE without an alarm."""
    side = Side(None)
    heard = side.receive(MESSAGE + TRAILER)
    assert (heard.dropped, heard.shows_active_peer) == ("hmac_unexpected", True)
    assert side.problems == {"dropped_hmac_unexpected": 1}


def test_a_configured_peer_with_a_low_ttl_is_dropped_and_shows_an_active_peer() -> None:
    """Keepalived sends IPv6 unicast with hop limit 64."""
    side = Side(None)
    unicast = Unicast(source=str(OURS), peers=(str(THEIRS),))
    side.messaging.configure(msgspec.structs.replace(configured(None), transport=unicast))
    # Without the pseudo-header, so the same bytes are valid for every destination.
    heard = side.messaging.receive(Datagram(THEIRS, OURS, 64, RFC_9568), OURS)
    assert (heard.dropped, heard.shows_active_peer) == ("peer_ttl", True)
    other = IPv4Address("10.99.0.66")
    stranger = side.messaging.receive(Datagram(other, OURS, 64, RFC_9568), OURS)
    assert (stranger.dropped, stranger.shows_active_peer) == ("not_a_peer", False)


def test_a_peer_with_the_other_form_of_the_checksum_is_reported() -> None:
    side = Side(None)
    assert side.accepts(RFC_9568)
    assert side.problems == {"checksum_form_differs": 1}


def test_the_drop_of_a_stale_message_is_reported_with_the_seconds() -> None:
    side = Side("enforce")
    side.now += 3600 * SECOND
    stale = side.receive(MESSAGE + TRAILER)
    assert (stale.dropped, stale.seconds_ahead) == ("hmac_stale", 0xFDC5 / 65536 - 3600)
    assert side.fields["dropped_hmac_stale"]["clock_ahead_seconds"] == -3599.0


# The message of keepalived with the checksum of RFC 9568, without the pseudo-header.
RFC_9568 = bytes.fromhex("3133960100642da00a630064")

# Priority 255, the other address 10.99.0.200, and an interval of 3 s instead of 1 s.
STRANGE = bytes.fromhex("3133ff01012cc373 0a6300c8")


def test_probable_mistakes_in_the_configuration_of_a_peer_are_reported() -> None:
    """Other addresses, a second address owner, and another interval (RFC 9568 7.1, 8.3.2)."""
    side = Side(None)
    side.messaging.configure(msgspec.structs.replace(configured(None), priority=255))
    assert side.accepts(STRANGE)
    assert side.problems == {
        "address_list_differs": 1,
        "second_owners": 1,
        "advert_interval_differs": 1,
        "checksum_form_differs": 1,
    }
    usual = Side(None)
    assert usual.accepts(MESSAGE)
    assert usual.problems == {}


def test_a_change_of_the_keys_does_not_permit_replays() -> None:
    side = Side("enforce")
    assert side.accepts(MESSAGE + TRAILER)
    side.messaging.configure(configured("enforce", KEY_8, KEY_7))
    assert not side.accepts(MESSAGE + TRAILER)
    assert side.problems == {"dropped_hmac_replay": 1}


def test_each_peer_gets_its_own_checksum_and_all_get_the_same_trailer() -> None:
    """The bytes are those of keepalived's unicast to .2. An error for one peer affects no other."""
    wire = Wire("10.99.0.9", "10.99.0.2", "10.99.0.3")
    wire.broken.add("10.99.0.9")
    side = Side("enforce")
    assert side.messaging.send(150, wire) == 2
    assert wire.sent["10.99.0.2"][:12] == bytes.fromhex("313396010064185b0a630064")
    assert wire.sent["10.99.0.3"][:12] == bytes.fromhex("313396010064185a0a630064")
    assert wire.sent["10.99.0.2"][12:] == wire.sent["10.99.0.3"][12:]
    assert wire.sent["10.99.0.2"][12:24] == bytes.fromhex("010700006b037ca900000700")
    assert side.problems == {"send_errors": 1}


def test_receive_only_and_no_auth_hmac_send_the_bare_message() -> None:
    modes: tuple[Mode | None, ...] = ("receive_only", None)
    for mode in modes:
        wire = Wire(str(GROUP))
        Side(mode).messaging.send(150, wire)
        assert wire.sent[str(GROUP)] == MESSAGE


def test_a_clock_stepped_back_is_reported_and_time_runs_on() -> None:
    """The sequence numbers stay recent, and the operator gets a report."""
    wire = Wire(str(GROUP))
    side = Side("enforce")
    side.messaging.send(150, wire)
    side.now -= 9 * SECOND
    side.steady += SECOND
    side.messaging.send(150, wire)
    assert wire.sent[str(GROUP)][16:24] == bytes.fromhex("6b037caa00000700")
    assert side.problems == {"clock_stepped_back": 1}
    side.now += 11 * SECOND
    side.messaging.send(150, wire)
    assert wire.sent[str(GROUP)][16:24] == bytes.fromhex("6b037cab00000700")
    assert side.problems == {"clock_stepped_back": 1}


def test_a_backup_whose_clock_is_stepped_back_still_accepts_its_peer() -> None:
    """Otherwise it would take over, and every peer would drop its advertisements."""
    side = Side("enforce")
    side.now += SECOND
    assert side.accepts(MESSAGE + TRAILER)
    side.now -= 3600 * SECOND
    assert side.accepts(MESSAGE + NEXT_TRAILER)
    assert side.problems == {}


def test_numbers_that_cannot_be_kept_are_reported() -> None:
    """They continue in memory."""
    side = Side("enforce")
    changed = HmacAuthentication(
        mode="enforce", send_key=7, keys=(KEY_7,), window=5, sequence_file="/missing/sequence"
    )
    configuration = an_instance(authentication=changed)
    side.messaging.configure(configuration)
    assert side.problems == {"sequence_not_kept": 1}
    assert side.messaging.send(150, Wire(str(GROUP))) == 1
