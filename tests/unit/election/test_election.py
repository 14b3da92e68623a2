"""The director's side of the vrrp process, in particular after a crash."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hadirector.election import election
from hadirector.election.election import Election, ResumeOverdue
from hadirector.processes.messages import ConfigureVrrp, RequestHandover
from tests.builders import an_instance
from vrrp.addresses.addresses import AddressError
from vrrp.model.configuration import InstanceConfiguration, Placement
from vrrp.model.report import InstanceStatus, State, Transition
from vrrp.model.static_items import StaticItems

WEB = an_instance(virtual_addresses=("192.0.2.10/32",))
MAIL = an_instance(
    name="mail",
    virtual_router_id=52,
    virtual_addresses=("192.0.2.11/32",),
    advert_interval=0.1,
)
STATUS = InstanceStatus(
    "mail",
    State.ACTIVE,
    100,
    52,
    "eth0",
    ("192.0.2.11/32",),
    handing_over=False,
    yielding=False,
    active_router=None,
    active_down_interval=0.36,
    counters={},
    sent_at=999.0,
)


NOW = 1000.0


class Sent(list[msgspec.Struct]):
    """Replaces the channel to the child, and stores the messages."""

    def send(self, message: msgspec.Struct) -> bool:
        self.append(message)
        return True


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The instances whose addresses the director removed after a crash."""
    calls: list[str] = []

    async def remove(instance: InstanceConfiguration) -> None:
        calls.append(instance.name)

    monkeypatch.setattr(election, "remove", remove)
    return calls


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def two(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> Election:
    """Two instances, web ACTIVE and mail BACKUP."""

    async def tell(event: Any) -> None:
        raise AssertionError(event)

    made = Election((WEB, MAIL), frozenset(), tell)
    made.begin()
    monkeypatch.setattr(made.child, "send", sent.send)
    made.states = {"web": State.ACTIVE, "mail": State.BACKUP}
    made._reported_at = {"web": NOW - 1.0, "mail": NOW - 1.0}
    return made


async def test_a_transition_is_followed(two: Election) -> None:
    await two.handle(Transition("mail", State.BACKUP, State.ACTIVE, "silence"))
    assert two.states["mail"] is State.ACTIVE
    assert two.withheld == frozenset()


async def test_the_addresses_of_a_backup_are_withheld(two: Election) -> None:
    assert two.withheld == {"192.0.2.11"}


async def test_a_new_process_has_two_intervals_to_resume_an_active_instance(two: Election) -> None:
    """There is no timeout for an instance that was BACKUP."""
    assert two.note_crash(NOW) == [(2.0, ResumeOverdue("web", 1))]
    assert two.withheld == {"192.0.2.11"}


async def test_an_instance_without_a_recent_report_is_not_resumed(
    two: Election, sent: Sent, removed: list[str]
) -> None:
    """This director was suspended, and a peer may have the addresses: they are removed at once.

    A report of a living process is up to 2 s old, and two intervals of web are 2 s.
    """
    [(delay, overdue)] = two.note_crash(NOW + 3.1)
    two.configure_child()
    assert sent == [ConfigureVrrp((WEB, MAIL))]
    assert (delay, overdue) == (0.0, ResumeOverdue("web", 1))
    await two.handle(overdue)
    assert removed == ["web"]
    assert two.states["web"] is State.INITIALIZE


async def test_a_report_that_waited_while_the_director_was_suspended_is_old(
    two: Election, sent: Sent
) -> None:
    """Its age counts from when it was sent."""
    await two.handle(Transition("mail", State.BACKUP, State.ACTIVE, "silence", NOW - 30.0))
    two.note_crash(NOW)
    two.configure_child()
    assert sent == [ConfigureVrrp((WEB, MAIL), frozenset({"web"}))]


async def test_the_next_process_gets_the_instances_to_resume(two: Election, sent: Sent) -> None:
    two.note_crash(NOW)
    two.configure_child()
    assert sent == [ConfigureVrrp((WEB, MAIL), frozenset({"web"}))]


async def test_a_process_that_resumed_in_time_keeps_the_addresses(
    two: Election, removed: list[str]
) -> None:
    [(_, overdue)] = two.note_crash(NOW)
    two.configure_child()
    await two.handle(Transition("web", State.INITIALIZE, State.ACTIVE, "resumed", NOW))
    await two.handle(overdue)
    assert removed == []
    assert two.states["web"] is State.ACTIVE


async def test_without_a_new_process_in_time_the_addresses_are_removed(
    two: Election, removed: list[str], sent: Sent
) -> None:
    """A process that starts later starts as BACKUP."""
    [(_, overdue)] = two.note_crash(NOW)
    await two.handle(overdue)
    assert removed == ["web"]
    assert two.withheld == {"192.0.2.10", "192.0.2.11"}
    two.configure_child()
    assert sent == [ConfigureVrrp((WEB, MAIL))]


async def test_the_timeout_of_an_earlier_crash_has_no_effect(
    two: Election, removed: list[str]
) -> None:
    [(_, first)] = two.note_crash(NOW)
    await two.handle(Transition("web", State.INITIALIZE, State.ACTIVE, "resumed", NOW))
    two.note_crash(NOW)
    await two.handle(first)
    assert removed == []


async def test_repeated_crashes_do_not_delay_the_removal(
    two: Election, removed: list[str], sent: Sent
) -> None:
    [(_, overdue)] = two.note_crash(NOW)
    assert two.note_crash(NOW) == []
    assert two.note_crash(NOW) == []
    two.configure_child()
    assert sent == [ConfigureVrrp((WEB, MAIL), frozenset({"web"}))]
    await two.handle(overdue)
    assert removed == ["web"]


async def test_a_reload_before_the_new_process_starts_keeps_the_instances_to_resume(
    two: Election, sent: Sent
) -> None:
    two.note_crash(NOW)
    two.configure((WEB,))
    assert sent == [ConfigureVrrp((WEB,), frozenset({"web"}))]


async def test_an_instance_that_came_back_by_reload_does_not_resume(
    two: Election, sent: Sent
) -> None:
    two.note_crash(NOW)
    two.configure((MAIL,))
    two.configure((WEB, MAIL))
    assert sent[-1] == ConfigureVrrp((WEB, MAIL))


async def test_the_kernel_refusing_a_removal_does_not_stop_the_director(
    two: Election, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(instance: InstanceConfiguration) -> None:
        raise AddressError("EPERM")

    monkeypatch.setattr(election, "remove", refuse)
    [(_, overdue)] = two.note_crash(NOW)
    await two.handle(overdue)
    assert two.states["web"] is State.INITIALIZE


async def test_a_status_replaces_a_lost_transition(two: Election) -> None:
    assert await two.handle(STATUS)
    assert two.states["mail"] is State.ACTIVE
    assert two.statuses["mail"] == STATUS
    assert not await two.handle(STATUS)


async def test_no_instance_is_shown_as_active_after_its_process_was_given_up(
    two: Election, removed: list[str]
) -> None:
    """Although the latest status has ACTIVE, and no other status will come."""
    await two.handle(STATUS)
    alarms = two.note_crash(NOW)
    for _, overdue in alarms:
        await two.handle(overdue)
    assert two.statuses["mail"].state is State.INITIALIZE


async def test_an_instance_that_stops_after_a_reload_is_not_shown(two: Election) -> None:
    """It stops within 5 s after the reload, and sends reports until then."""
    two.configure((WEB,))
    assert not await two.handle(STATUS)
    assert not await two.handle(Transition("mail", State.BACKUP, State.INITIALIZE, "left"))
    assert two.statuses == {}
    assert two.states == {"web": State.ACTIVE}


def not_begun(monkeypatch: pytest.MonkeyPatch, sent: Sent, static: StaticItems) -> Election:
    async def put(_message: object) -> None:
        """Nothing reads the messages."""

    made = Election((WEB,), frozenset(), put, static=static)
    monkeypatch.setattr(made.child, "send", sent.send)
    return made


async def test_elections_wait_for_the_first_verdicts_over_a_reload_too(
    monkeypatch: pytest.MonkeyPatch, sent: Sent
) -> None:
    waiting = not_begun(monkeypatch, sent, StaticItems())
    waiting.configure((WEB,))
    assert not waiting.begun
    waiting.begin()
    waiting.configure(())
    waiting.configure((MAIL,))
    assert waiting.begun


async def test_static_items_do_not_wait_for_the_elections(
    monkeypatch: pytest.MonkeyPatch, sent: Sent
) -> None:
    """The process starts at once, and its instances when the elections begin."""
    items = StaticItems(addresses=(Placement("192.0.2.1/24", device="eth0"),))
    without = not_begun(monkeypatch, sent, StaticItems())
    assert not without._may_start.is_set()
    without.configure((WEB,), static=items)
    assert without._may_start.is_set()
    waiting = not_begun(monkeypatch, sent, items)
    assert waiting._may_start.is_set()
    sent.clear()
    waiting.configure_child()
    waiting.begin()
    configurations = [each for each in sent if isinstance(each, ConfigureVrrp)]
    assert [(each.static, each.begun) for each in configurations] == [(items, False), (items, True)]


async def test_a_handover_reaches_the_process_and_the_next_one_too(
    two: Election, sent: Sent
) -> None:
    two.hand_over("web", undo=False)
    two.configure_child()
    two.hand_over("web", undo=True)
    assert sent == [
        RequestHandover("web"),
        ConfigureVrrp((WEB, MAIL), frozenset(), frozenset({"web"})),
        RequestHandover("web", undo=True),
    ]
    assert two.yielding == frozenset()


async def test_a_handover_outlives_a_reload_that_drops_its_instance(
    two: Election, sent: Sent
) -> None:
    """Only an operator undoes it. It also outlives a restart with such a file."""
    two.hand_over("web", undo=False)
    two.configure((MAIL,))
    two.configure((WEB, MAIL))
    assert sent[-1] == ConfigureVrrp((WEB, MAIL), frozenset(), frozenset({"web"}))


async def test_a_new_configuration_forgets_instances_that_are_gone(
    two: Election, sent: Sent
) -> None:
    two.configure((MAIL,))
    assert two.states == {"mail": State.BACKUP}
    assert sent == [ConfigureVrrp((MAIL,))]
