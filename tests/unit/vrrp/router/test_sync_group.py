"""All members of a sync group are ACTIVE, or none: the events of the members, as a table."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from tests.builders import an_advertisement, an_instance
from vrrp.model.report import State
from vrrp.router.election import race_end
from vrrp.router.event import (
    AdvertisementReceived,
    Event,
    GroupBecomesActive,
    GroupBecomesBackup,
    Shutdown,
    Startup,
    TimerExpired,
)
from vrrp.router.machine import Router
from vrrp.router.sync_group import MemberStatus, decide

INITIALIZE, BACKUP, ACTIVE = State.INITIALIZE, State.BACKUP, State.ACTIVE


def web(state: State, **facts: object) -> MemberStatus:
    return MemberStatus("web", state, **facts)  # type: ignore[arg-type] # a test's short form


def mail(state: State, **facts: object) -> MemberStatus:
    return MemberStatus("mail", state, **facts)  # type: ignore[arg-type] # a test's short form


NOT_ACTIVE = "sync group member mail is not ACTIVE"

TABLE: list[tuple[str, list[MemberStatus], dict[str, Event]]] = [
    ("one alone begins", [web(INITIALIZE)], {"web": Startup()}),
    ("one alone goes on", [web(INITIALIZE, resume=True)], {"web": Startup(resume=True)}),
    ("one alone waits", [web(INITIALIZE, pending="u")], {}),
    ("one alone is left alone", [web(BACKUP)], {}),
    ("one alone has a fault", [web(ACTIVE, fault="o")], {"web": Shutdown("o")}),
    ("a fault that has been acted on", [web(INITIALIZE, fault="o")], {}),
    ("what is unknown stops nobody", [web(ACTIVE, pending="u")], {}),
    ("both begin", [web(INITIALIZE), mail(INITIALIZE)], {"web": Startup(), "mail": Startup()}),
    ("both wait for one", [web(INITIALIZE), mail(INITIALIZE, pending="u")], {}),
    ("one joins", [web(ACTIVE), mail(INITIALIZE)], {"mail": Startup()}),
    (
        "a fault in one stops all",
        [web(ACTIVE), mail(ACTIVE, fault="o")],
        {"web": Shutdown("o (sync group member mail)"), "mail": Shutdown("o")},
    ),
    (
        "each has its own fault",
        [web(BACKUP, fault="a"), mail(BACKUP, fault="b")],
        {"web": Shutdown("a"), "mail": Shutdown("b")},
    ),
    ("a fault keeps all out", [web(INITIALIZE), mail(INITIALIZE, fault="o")], {}),
    ("one wants", [web(BACKUP, ready=True), mail(BACKUP)], {}),
    (
        "all want",
        [web(BACKUP, ready=True), mail(BACKUP, ready=True)],
        {"web": GroupBecomesActive(), "mail": GroupBecomesActive()},
    ),
    ("one has lost", [web(ACTIVE), mail(BACKUP)], {"web": GroupBecomesBackup(NOT_ACTIVE)}),
    (
        "one has lost and wants again",
        [web(ACTIVE), mail(BACKUP, ready=True)],
        {"web": GroupBecomesBackup(NOT_ACTIVE)},
    ),
    ("one has handed over, one is about to", [web(ACTIVE, handing_over=True), mail(BACKUP)], {}),
    ("both active", [web(ACTIVE), mail(ACTIVE)], {}),
    ("nobody", [], {}),
]


@pytest.mark.parametrize(
    ("members", "events"), [each[1:] for each in TABLE], ids=[e[0] for e in TABLE]
)
def test_the_members_get_the_events_of_the_table(
    members: list[MemberStatus], events: dict[str, Event]
) -> None:
    assert decide(members) == events


@pytest.mark.parametrize(
    ("now", "until"),
    [(1000.000, 1004.0), (1000.0005, 1004.5005), (1000.00025, 1004.25025)],
)
def test_clocks_that_show_different_microseconds_make_waits_of_different_length(
    now: float, until: float
) -> None:
    """The wait is 4 s or up to a quarter more, so two groups do not race again."""
    assert race_end(now, 4.0) == pytest.approx(until, abs=1e-6)


def test_advertisements_of_the_race_do_not_shorten_the_wait() -> None:
    """At priority 100 and 1 s: 3 s, the skew time 156/256 s, and an eighth of both."""
    router = Router(
        an_instance(virtual_addresses=("192.0.2.10/32",), sync_group="both"),
        IPv4Address("192.0.2.1"),
    )
    router.handle(Startup(), 1000.0)
    router.handle(TimerExpired(), 1004.0)
    router.handle(GroupBecomesActive(), 1004.0)
    router.handle(GroupBecomesBackup(NOT_ACTIVE), 1004.0005)
    assert router.deadline == pytest.approx(1004.0005 + 4.060546875, abs=1e-6)
    peer = IPv4Address("192.0.2.2")
    heard = an_advertisement(addresses=(IPv4Address("192.0.2.10"),))
    router.handle(AdvertisementReceived(heard, peer), 1004.1)
    assert router.deadline == pytest.approx(1004.0005 + 4.060546875, abs=1e-6)
    router.handle(AdvertisementReceived(heard, peer), 1005.1)
    assert router.deadline == pytest.approx(1005.1 + 3.609375)
