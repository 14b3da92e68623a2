"""Real servers that a new configuration no longer has stay until enough new ones pass."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from checks.definition.check import Timing
from checks.definition.result import Verdict
from hadirector.model.configuration import DiscoveredServers, RealServer, VirtualServer
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Service,
    ServiceEntry,
    Table,
)
from hadirector.pools.changes import Change, pool_changes
from hadirector.pools.decision import Judgement, judge
from hadirector.pools.entries import wanted_entries
from hadirector.pools.outgoing import Outgoing, find_outgoing
from tests.builders import WEB, a_check, a_configuration, a_virtual_server
from tests.unit.pools.builders import facts, real_server

PASSING, FAILING, UNKNOWN = Verdict.PASSING, Verdict.FAILING, Verdict.UNKNOWN
NAT = ForwardingMethod.NAT
NOW = 1000.0
BLUE = {DestinationKey(f"192.0.2.{n}", 80): Destination(3, NAT) for n in (45, 46)}
TABLE: Table = {WEB: ServiceEntry(Service("wrr"), BLUE)}
GREEN = a_virtual_server(real_server(1), real_server(2))


def found(server: VirtualServer, table: Table = TABLE) -> Outgoing | None:
    """The outgoing real servers when the table becomes that of this virtual server."""
    return find_outgoing(a_configuration(server), table, NOW).get(server.name)


def decide(verdicts: dict[str, Verdict], *, after: float = 0.0) -> Judgement:
    """Decide about the pool that replaces another, some seconds after the reload."""
    return judge(GREEN, facts(verdicts, now=NOW + after), True, {}, found(GREEN))


def test_a_replaced_pool_is_outgoing_for_the_time_of_the_first_probes() -> None:
    """2 s until the last probe begins, and the longest timeout of 1 s."""
    assert found(GREEN) == Outgoing({WEB: BLUE}, 2, NOW + 3.0)


def test_a_pool_waits_for_the_first_list_of_its_source() -> None:
    """Without a list, no time is over and no probe is awaited, and both servers go on serving."""
    template = DiscoveredServers(source="members", template=real_server(9))
    unread = a_virtual_server(discovered=(template,))
    outgoing = found(unread)
    assert outgoing == Outgoing({WEB: BLUE}, 2, math.inf, unread=True)
    judgement = judge(unread, facts({}, now=NOW + 86400.0), True, {}, outgoing)
    assert judgement.hold.outgoing == outgoing
    assert judgement.hold.reason == "the source of the new real servers was not read yet"

    read = a_virtual_server(replace(real_server(1), source="members"), discovered=(template,))
    configuration = a_configuration(read)
    after = find_outgoing(configuration, TABLE, NOW, {"web": outgoing})["web"]
    assert after == Outgoing({WEB: BLUE}, 1, NOW + 3.0)


def test_the_name_of_the_virtual_server_does_not_matter() -> None:
    assert found(replace(GREEN, name="shop")) == found(GREEN)


def test_a_change_that_is_not_complete_requires_as_many_after_a_reload_or_a_restart() -> None:
    """Three required, two serve: one of the old pool and one of the new pool."""
    [old, _] = BLUE
    three = a_virtual_server(real_server(1), real_server(2), real_server(3))
    table: Table = {
        WEB: ServiceEntry(
            Service("wrr"), {old: BLUE[old], DestinationKey("192.0.2.1", 80): Destination(3, NAT)}
        )
    }
    before = Outgoing({WEB: {old: BLUE[old]}}, 3, NOW)
    configuration = a_configuration(three)
    assert find_outgoing(configuration, table, NOW)["web"].required == 2
    assert find_outgoing(configuration, table, NOW, {"web": before})["web"].required == 3
    assert find_outgoing(configuration, table, NOW, required={"web": 3})["web"].required == 3


@pytest.mark.parametrize(
    "destination",
    [Destination(0, NAT), Destination(3, None)],
    ids=["it does not serve", "the kernel has a forwarding method that hadirector never sets"],
)
def test_some_destinations_leave_at_once(destination: Destination) -> None:
    [key, _] = BLUE
    assert found(GREEN, {WEB: ServiceEntry(Service("wrr"), {key: destination})}) is None


def test_configured_real_servers_are_not_outgoing() -> None:
    """The sorry server is one of these."""
    ones = [RealServer(key=key, weight=3) for key in BLUE]
    assert found(a_virtual_server(ones[0], sorry_server=ones[1])) is None
    assert found(replace(GREEN, keys=(replace(WEB, port=81),))) is None


def test_no_more_real_servers_are_required_than_the_new_pool_has() -> None:
    small = found(a_virtual_server(real_server(1), real_server(2, weight=0)))
    assert small is not None
    assert small.required == 1


def test_the_hold_is_limited_whatever_the_timeouts() -> None:
    key = DestinationKey("192.0.2.1", 80)
    slow = a_check(key, timing=Timing(interval=600.0, timeout=500.0))
    outgoing = found(a_virtual_server(RealServer(key=key, check=slow)))
    assert outgoing is not None
    assert outgoing.deadline == NOW + 60.0


@pytest.mark.parametrize(
    ("verdicts", "after", "reason"),
    [
        ({}, 0.0, "0 of 2 required real servers pass"),
        ({"1": PASSING}, 1.0, "1 of 2 required real servers pass"),
        ({"1": FAILING}, 2.9, "0 of 2 required real servers pass"),
    ],
)
def test_outgoing_servers_stay_while_a_required_first_probe_is_awaited(
    verdicts: dict[str, Verdict], after: float, reason: str
) -> None:
    judgement = decide(verdicts, after=after)
    assert judgement.hold == (Outgoing({WEB: BLUE}, 2, NOW + 3.0), reason, NOW + 3.0)
    assert judgement.next_change == NOW + 3.0
    assert judgement.quorum in (True, None)


@pytest.mark.parametrize(
    ("verdicts", "after", "reason"),
    [
        ({"1": PASSING, "2": PASSING}, 1.0, "2 of 2 required real servers pass"),
        (
            {"1": PASSING, "2": FAILING},
            1.0,
            "1 of 2 required real servers pass, and no real server waits for its first probe",
        ),
        (
            {"1": FAILING, "2": FAILING},
            1.0,
            "0 of 2 required real servers pass, and no real server waits for its first probe",
        ),
        (
            {"1": PASSING},
            3.0,
            "1 of 2 required real servers pass, and the time for first probes is over",
        ),
    ],
)
def test_outgoing_servers_leave_when_the_first_probes_are_over(
    verdicts: dict[str, Verdict], after: float, reason: str
) -> None:
    drained = {WEB: dict.fromkeys(BLUE, Destination(0, NAT))}
    at = NOW + after + 10.0
    judgement = decide(verdicts, after=after)
    assert judgement.hold == (Outgoing(drained, 2, NOW + 3.0, at), reason, at)
    assert judgement.next_change == at


def test_outgoing_servers_drain_for_a_limited_time() -> None:
    """Their connections continue in that time, whatever happens to the new real servers."""
    both = {"1": PASSING, "2": PASSING}
    drained = decide(both, after=1.0).hold.outgoing
    for verdicts, now, stay in (
        (both, NOW + 10.9, True),
        ({"1": FAILING, "2": FAILING}, NOW + 10.9, True),
        (both, NOW + 11.0, False),
    ):
        judgement = judge(GREEN, facts(verdicts, now=now), True, {}, drained)
        assert judgement.hold.outgoing == (drained if stay else None)
        [entry] = wanted_entries(GREEN, judgement).values()
        weights = [entry.destinations[key].weight for key in BLUE if key in entry.destinations]
        assert weights == ([0, 0] if stay else [])


def test_outgoing_servers_stay_while_the_director_is_blind() -> None:
    """It decides again every second."""
    known = replace(facts({"1": FAILING, "2": FAILING}, now=NOW + 90.0), blind=True)
    judgement = judge(GREEN, known, True, {}, found(GREEN))
    reason = "0 of 2 required real servers pass, and the director is blind"
    assert judgement.hold == (found(GREEN), reason, NOW + 91.0)
    assert judgement.next_change == NOW + 91.0


def test_outgoing_servers_precede_the_new_ones_in_the_table() -> None:
    [entry] = wanted_entries(GREEN, decide({"1": PASSING})).values()
    assert entry.destinations == {**BLUE, DestinationKey("192.0.2.1", 80): Destination(1, NAT)}
    assert list(entry.destinations)[:2] == list(BLUE)
    assert entry.shares == {}


def test_outgoing_servers_have_a_share_of_a_hash_table() -> None:
    hashed = replace(GREEN, service=Service("mh"))
    judgement = judge(hashed, facts({"1": PASSING}, now=NOW), True, {}, found(hashed))
    [entry] = wanted_entries(hashed, judgement).values()
    assert entry.shares == dict.fromkeys(BLUE, 3) | {DestinationKey("192.0.2.1", 80): 1}


def test_a_hold_and_its_end_are_events() -> None:
    first, last = decide({}), decide({"1": PASSING, "2": PASSING})
    fields = {"virtual_server": "web", "real_servers": ["192.0.2.45:80", "192.0.2.46:80"]}
    assert list(pool_changes(GREEN, None, first, True)) == [
        Change(
            "info",
            "outgoing_servers_held",
            {**fields, "count": 2, "reason": "0 of 2 required real servers pass"},
        )
    ]
    assert list(pool_changes(GREEN, first, decide({"1": PASSING}), True)) == []
    assert list(pool_changes(GREEN, first, last, True)) == [
        Change(
            "info",
            "outgoing_servers_released",
            {**fields, "count": 2, "reason": "2 of 2 required real servers pass"},
        )
    ]
