"""An instance handles each advertisement once: one decision about alarms, one about its group."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import cast

import msgspec
import pytest

from tests.builders import an_instance
from vrrp.addresses.announcement_listener import AnnouncementListener
from vrrp.instance.instance import Instance
from vrrp.instance.sequence import SequenceNumbers
from vrrp.instance.sync_group import SyncGroup
from vrrp.model.configuration import InstanceConfiguration, PassAuthentication, Secret
from vrrp.model.report import Notice, Report, State
from vrrp.protocol.packet import Address, Datagram
from vrrp.router.alarms import AlarmChanged, Alarms
from vrrp.router.event import Event
from vrrp.router.sync_group import MemberStatus, decide
from vrrp.transport.frames import FrameSocket

OURS, THEIRS = IPv4Address("10.99.0.2"), IPv4Address("10.99.0.1")
GROUP = IPv4Address("224.0.0.18")
WEB = an_instance(virtual_addresses=("127.0.0.100/32",))
# keepalived 2.4.3: priority 150, one advertisement a second, address 10.99.0.100
MESSAGE = bytes.fromhex("31339601006442ad0a630064")


class Wire:
    """A transport that loses every message."""

    def __init__(self) -> None:
        self.source: Address = OURS
        self.destinations: Sequence[Address] = (GROUP,)
        self.lost = 0

    def send(self, payload: bytes, destination: Address) -> None:
        pass

    def drain(self) -> bool:
        return True


class Calls(list[str]):
    """The decisions that were made, in their order: ``alarms`` and ``group``."""

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        settle = Alarms.settle

        def note_alarms(alarms: Alarms, *arguments: object, **named: object) -> list[AlarmChanged]:
            self.append("alarms")
            return settle(alarms, *arguments, **named)  # type: ignore[arg-type]  # passed through

        def note_group(members: Sequence[MemberStatus]) -> dict[str, Event]:
            self.append("group")
            return decide(members)

        monkeypatch.setattr(Alarms, "settle", note_alarms)
        monkeypatch.setattr("vrrp.instance.sync_group.decide", note_group)


def instance(configuration: InstanceConfiguration, reports: list[Report]) -> Instance:
    """An instance that is attached to a transport, and so BACKUP."""
    made = Instance(
        configuration,
        reports.append,
        SequenceNumbers(),
        FrameSocket(),
        cast("AnnouncementListener", None),
    )
    made.attach(Wire())
    assert made.router.state is State.BACKUP
    return made


def receive(made: Instance, payload: bytes) -> None:
    made.receive(Datagram(THEIRS, GROUP, 255, payload))


async def test_an_accepted_advertisement_settles_alarms_and_group_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, calls = instance(WEB, []), Calls()
    calls.watch(monkeypatch)
    receive(made, MESSAGE)
    assert calls == ["alarms", "group"]
    receive(made, MESSAGE)
    assert calls == ["alarms", "group", "alarms", "group"]
    assert made.router.following.address == THEIRS


async def test_a_dropped_advertisement_of_the_virtual_router_settles_only_the_alarms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its sender may be ACTIVE. Here the interval of its configuration differs (version 2)."""
    version_2 = msgspec.structs.replace(WEB, version=2, advert_interval=2.0)
    made, calls = instance(version_2, []), Calls()
    calls.watch(monkeypatch)
    receive(made, bytes.fromhex("2133960100013e030a6300640000000000000000"))
    assert calls == ["alarms"]
    assert made.router.following.address is None
    assert made.status().counters == {"transitions": 1, "dropped_advert_interval": 1}


async def test_other_packets_settle_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken bytes, and an advertisement of another virtual router."""
    made, calls = instance(WEB, []), Calls()
    calls.watch(monkeypatch)
    receive(made, MESSAGE[:-1])
    receive(made, bytes.fromhex("31349601006442ac0a630064"))
    assert calls == []
    assert made.status().counters == {
        "transitions": 1,
        "dropped_truncated": 1,
        "dropped_virtual_router_id": 1,
    }


async def test_in_initialize_an_advertisement_is_dropped_but_may_raise_an_alarm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, calls = instance(WEB, []), Calls()
    made.detach("link_down")
    calls.watch(monkeypatch)
    receive(made, MESSAGE)
    assert calls == ["alarms"]
    assert made.status().counters["dropped_not_taking_part"] == 1


async def test_an_advertisement_that_makes_a_group_backup_settles_each_alarm_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The group decides about the other member, and then once more that nothing is left to do."""
    web = instance(msgspec.structs.replace(WEB, sync_group="both"), [])
    mail = instance(msgspec.structs.replace(WEB, name="mail", sync_group="both"), [])
    web.sync_group = mail.sync_group = SyncGroup([web, mail])
    for member in (web, mail):
        member.router.deadline = None  # as if the Active_Down_Timer had expired
    web.sync_group.settle()
    assert [web.router.state, mail.router.state] == [State.ACTIVE, State.ACTIVE]

    calls = Calls()
    calls.watch(monkeypatch)
    receive(web, MESSAGE)

    assert [web.router.state, mail.router.state] == [State.BACKUP, State.BACKUP]
    assert calls == ["alarms", "group", "alarms", "group"]


async def test_an_alarm_is_reported_when_an_advertisement_raises_it() -> None:
    reports: list[Report] = []
    made = instance(WEB, reports)
    made.configure(msgspec.structs.replace(WEB, max_learned_interval=0.5), {})
    reports.clear()
    receive(made, MESSAGE)
    detail = "10.99.0.1 advertises every 1s, expected at most 0.5s"
    fields = {"instance": "web", "detail": detail}
    assert [report for report in reports if isinstance(report, Notice)][-1] == Notice(
        "error", "learned_interval_too_long", dict(fields)
    )


async def test_its_repr_is_one_line_without_secrets() -> None:
    password = PassAuthentication(Secret(b"secret"))
    made = instance(msgspec.structs.replace(WEB, version=2, authentication=password), [])
    made.router.deadline = 1003.609375
    text = "<Instance 'web' on eth0: VRID 51 BACKUP, priority 100, deadline 1003.609>"
    assert repr(made) == text


async def test_the_status_has_the_own_address_and_the_packets_of_each_sender() -> None:
    made = instance(WEB, [])
    receive(made, MESSAGE)
    receive(made, MESSAGE[:-1])
    made.detach("link_down")
    receive(made, MESSAGE)
    status = made.status()
    assert status.own_address == "10.99.0.2"
    [sender] = status.senders
    assert (sender.address, sender.received) == ("10.99.0.1", 1)
    assert sender.dropped == {"truncated": 1, "not_taking_part": 1}
