"""What an instance says and believes under each mode of auth_hmac."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Literal

import msgspec
import pytest

from vrrp.instance.messaging import Conversation
from vrrp.instance.sequence import SequenceNumbers
from vrrp.model.configuration import HmacAuthentication, HmacKey, InstanceConfiguration, Secret
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
    """A transport that keeps what is sent, and fails for some."""

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

    def drain(self) -> None:
        raise AssertionError


class Side:
    """A conversation, the clock it goes by, and the incidents it had."""

    def __init__(self, mode: Mode | None, *keys: HmacKey) -> None:
        self.now = SENT
        self.steady = 0
        self.incidents: Counter[str] = Counter()
        self.overheard: list[str] = []
        self.conversation = Conversation(
            configured(mode, *keys),
            SequenceNumbers(lambda: self.now, lambda: self.steady),
            self._happened,
            lambda _advertisement, source: self.overheard.append(str(source)),
        )

    def hears(self, payload: bytes) -> bool:
        datagram = Datagram(THEIRS, GROUP, 255, payload)
        return self.conversation.hear(datagram, OURS) is not None

    def _happened(self, event: str, kind: str, **fields: object) -> None:
        self.incidents[kind] += 1


def configured(mode: Mode | None, *keys: HmacKey) -> InstanceConfiguration:
    keys = keys or (KEY_7,)
    return InstanceConfiguration(
        name="web",
        interface="eth0",
        virtual_router_id=51,
        virtual_addresses=("10.99.0.100/32",),
        authentication=mode
        and HmacAuthentication(mode=mode, send_key=keys[0].key_id, keys=keys, window=5.0),
    )


def test_enforce_drops_what_is_not_authentic_and_counts_it() -> None:
    """A bare message, a replayed one, and one under an unknown key."""
    side = Side("enforce")
    assert side.hears(MESSAGE + TRAILER)
    assert not side.hears(MESSAGE + TRAILER)
    assert not side.hears(MESSAGE)
    side.conversation.change(configured("enforce", KEY_8))
    assert not side.hears(MESSAGE + TRAILER)
    assert side.incidents == {
        "dropped_hmac_replay": 1,
        "dropped_hmac_missing": 1,
        "dropped_hmac_key": 1,
    }


def test_who_is_not_believed_is_overheard_unless_it_was_long_ago() -> None:
    """A director with a wrong key may well be ACTIVE; a replayed advertisement says nothing."""
    side = Side("enforce")
    assert not side.hears(MESSAGE)
    assert side.hears(MESSAGE + TRAILER)
    assert not side.hears(MESSAGE + TRAILER)
    assert side.overheard == [str(THEIRS), str(THEIRS)]


@pytest.mark.parametrize("mode", ["receive_only", "permissive"])
def test_the_modes_before_enforce_count_what_enforce_would_drop(mode: Mode) -> None:
    """So that an operator sees when it is safe to go on."""
    side = Side(mode)
    assert side.hears(MESSAGE)
    assert side.hears(MESSAGE + bytes(28))
    assert side.hears(MESSAGE + TRAILER)
    assert side.incidents == {"tolerated_hmac_missing": 1, "tolerated_hmac_malformed": 1}


@pytest.mark.parametrize("mode", ["receive_only", "permissive", "enforce", None])
def test_bytes_that_are_no_trailer_are_dropped_in_every_mode(mode: Mode | None) -> None:
    """27 and 29 bytes are; without auth_hmac so is a trailer, as in keepalived 2.2.7."""
    side = Side(mode)
    assert not side.hears(MESSAGE + TRAILER[1:])
    assert not side.hears(MESSAGE + TRAILER + b"x")
    if mode is None:
        assert not side.hears(MESSAGE + TRAILER)
    assert set(side.incidents) == {"dropped_trailing_bytes"}


# Priority 255, the other address 10.99.0.200, and an interval of 3 s instead of 1 s.
STRANGE = bytes.fromhex("3133ff01012cc373 0a6300c8")


def test_what_is_believed_and_probably_a_mistake_is_told() -> None:
    """Other addresses, a second owner, and another interval (RFC 9568 7.1, 8.3.2)."""
    side = Side(None)
    side.conversation.change(msgspec.structs.replace(configured(None), priority=255))
    assert side.hears(STRANGE)
    assert side.incidents == {
        "address_list_differs": 1,
        "second_owners": 1,
        "advert_interval_differs": 1,
    }
    usual = Side(None)
    assert usual.hears(MESSAGE)
    assert usual.incidents == {}


def test_an_instance_remembers_whom_it_heard_when_its_keys_change() -> None:
    """A rotation opens no door for yesterday's packets."""
    side = Side("enforce")
    assert side.hears(MESSAGE + TRAILER)
    side.conversation.change(configured("enforce", KEY_8, KEY_7))
    assert not side.hears(MESSAGE + TRAILER)
    assert side.incidents == {"dropped_hmac_replay": 1}


def test_each_peer_gets_its_own_checksum_and_all_get_the_same_trailer() -> None:
    """E5 of keepalived's unicast for .2; a peer that fails does not keep it from the others."""
    wire = Wire("10.99.0.9", "10.99.0.2", "10.99.0.3")
    wire.broken.add("10.99.0.9")
    side = Side("enforce")
    assert side.conversation.say(150, wire) == 2
    assert wire.sent["10.99.0.2"][:12] == bytes.fromhex("313396010064185b0a630064")
    assert wire.sent["10.99.0.3"][:12] == bytes.fromhex("313396010064185a0a630064")
    assert wire.sent["10.99.0.2"][12:] == wire.sent["10.99.0.3"][12:]
    assert wire.sent["10.99.0.2"][12:24] == bytes.fromhex("010700006b037ca900000000")
    assert side.incidents == {"send_errors": 1}


def test_receive_only_and_no_auth_hmac_send_the_bare_message() -> None:
    modes: tuple[Mode | None, ...] = ("receive_only", None)
    for mode in modes:
        wire = Wire(str(GROUP))
        Side(mode).conversation.say(150, wire)
        assert wire.sent[str(GROUP)] == MESSAGE


def test_a_clock_stepped_back_is_reported_and_time_runs_on() -> None:
    """What is sent stays as fresh as it was, and the operator hears of the clock."""
    wire = Wire(str(GROUP))
    side = Side("enforce")
    side.conversation.say(150, wire)
    side.now -= 9 * SECOND
    side.steady += SECOND
    side.conversation.say(150, wire)
    assert wire.sent[str(GROUP)][16:24] == bytes.fromhex("6b037caa00000000")
    assert side.incidents == {"clock_stepped_back": 1}
    side.now += 11 * SECOND
    side.conversation.say(150, wire)
    assert wire.sent[str(GROUP)][16:24] == bytes.fromhex("6b037cab00000000")
    assert side.incidents == {"clock_stepped_back": 1}


def test_a_backup_whose_clock_is_stepped_back_still_hears_its_peer() -> None:
    """It would take over otherwise, and be believed by nobody."""
    side = Side("enforce")
    side.now += SECOND
    assert side.hears(MESSAGE + TRAILER)
    side.now -= 3600 * SECOND
    assert side.hears(MESSAGE + NEXT_TRAILER)
    assert side.incidents == {}


def test_numbers_that_cannot_be_kept_are_reported() -> None:
    """They go on in memory."""
    side = Side("enforce")
    changed = HmacAuthentication(
        mode="enforce", send_key=7, keys=(KEY_7,), window=5, sequence_file="/missing/sequence"
    )
    configuration = InstanceConfiguration(
        name="web",
        interface="eth0",
        virtual_router_id=51,
        virtual_addresses=("10.99.0.100/32",),
        authentication=changed,
    )
    side.conversation.change(configuration)
    assert side.incidents == {"sequence_not_kept": 1}
    assert side.conversation.say(150, Wire(str(GROUP))) == 1
