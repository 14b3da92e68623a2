"""The wanted table that follows from messages, without child processes and without a kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from checks.definition.result import Reason, Result
from hadirector.dataplane.reconcile import EditDestination
from hadirector.director.dispatch import Dispatcher
from hadirector.director.messages import FirstVerdictsOverdue
from hadirector.election.fitness import Fitness
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    Service,
    ServiceEntry,
)
from hadirector.model.policy import FITNESS, HealthyMinimum, SlowStart
from hadirector.overrides.model import Action, Author, Override, RealServerName
from tests.unit.director.seam import (
    NAT,
    ONE,
    PASSED,
    REFUSED,
    SILENT,
    TWO,
    WEB,
    Seam,
    check,
    configuration,
)
from tests.unit.memory_dataplane import MemoryDataplane
from vrrp.model.configuration import TrackedKey
from vrrp.model.report import State


async def test_a_passing_server_joins_and_a_failing_one_leaves(seam: Seam) -> None:
    assert seam.destinations == {ONE: Destination(1, NAT)}
    await seam.verdict(TWO, PASSED)
    assert seam.weights == {ONE: 1, TWO: 1}
    await seam.verdict(ONE, REFUSED)
    assert seam.weights == {TWO: 1}


async def test_a_changed_check_changes_no_pool_before_its_verdict(
    seam: Seam, tmp_path: Path
) -> None:
    """A server in use stays, and a server that is not in use does not join."""
    await seam.reload(configuration(tmp_path, 5.0))
    assert seam.weights == {ONE: 1}
    await seam.verdict(ONE, REFUSED, 5.0)
    assert seam.weights == {}


@pytest.mark.parametrize(
    ("minimum", "failure", "held"),
    [
        (HealthyMinimum(count=1), REFUSED, {TWO}),
        (HealthyMinimum(), SILENT, {ONE, TWO}),  # two silent hosts: the director is blind
    ],
    ids=["by the brake", "by blindness"],
)
async def test_a_held_server_stays_held_after_a_reload_that_changes_its_check(
    tmp_path: Path, minimum: HealthyMinimum, failure: Result, held: set[DestinationKey]
) -> None:
    """It goes on failing until the new check passes."""

    def with_minimum(interval: float) -> Configuration:
        whole = configuration(tmp_path, interval)
        [web] = whole.virtual_servers
        return replace(whole, virtual_servers=(replace(web, min_healthy=minimum),))

    seam = Seam(with_minimum(2.0))
    for result in (PASSED, failure):
        for key in (ONE, TWO):
            await seam.verdict(key, result)
    assert seam.held == held
    quorum = seam.parts.pools.judgements["web"].quorum
    await seam.reload(with_minimum(5.0))
    assert seam.held == held
    assert seam.weights.keys() == held
    assert seam.parts.pools.judgements["web"].quorum is quorum
    for key in held:
        await seam.verdict(key, PASSED, 5.0)
    assert seam.held == set()
    assert seam.weights.keys() == held


async def test_a_verdict_of_a_removed_check_changes_nothing(seam: Seam, tmp_path: Path) -> None:
    await seam.reload(configuration(tmp_path, 5.0))
    await seam.verdict(ONE, REFUSED, 2.0)
    assert seam.weights == {ONE: 1}
    assert check(ONE, 2.0).identity not in seam.parts.health.targets


async def test_the_election_gets_the_visibility_of_backends_only_when_it_changes(
    seam: Seam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five verdicts, of which the fourth makes the director blind and the fifth ends that."""
    values: list[int] = []

    def track(tracked: Mapping[TrackedKey, int]) -> None:
        values.extend(n for key, n in tracked.items() if str(key) == "visibility of backends")

    monkeypatch.setattr(seam.parts.election, "track", track)
    for key, result in ((ONE, PASSED), (TWO, PASSED), (ONE, SILENT), (TWO, SILENT), (ONE, PASSED)):
        await seam.verdict(key, result)
    assert values == [0, 1]


async def test_a_target_gets_the_part_of_its_weight_that_it_requests(seam: Seam) -> None:
    """A pass without a request ends it."""
    await seam.verdict(ONE, Result(Reason.PASSED, "the agent reports drain", 0.001, weight=0))
    assert seam.weights == {ONE: 0}
    await seam.verdict(ONE, REFUSED)
    assert seam.weights == {}
    await seam.verdict(ONE, PASSED)
    assert seam.weights == {ONE: 1}


async def test_a_requested_weight_stays_after_a_reload_that_changes_the_check(
    tmp_path: Path,
) -> None:
    """Until the new check passes without a request."""

    def weighted(interval: float) -> Configuration:
        whole = configuration(tmp_path, interval)
        [web] = whole.virtual_servers
        servers = tuple(replace(server, weight=100) for server in web.real_servers)
        return replace(whole, virtual_servers=(replace(web, real_servers=servers),))

    seam = Seam(weighted(2.0))
    await seam.verdict(ONE, Result(Reason.PASSED, "the agent reports 30%", 0.001, weight=30))
    assert seam.weights == {ONE: 30}
    await seam.reload(weighted(5.0))
    assert seam.weights == {ONE: 30}
    await seam.verdict(ONE, PASSED, 5.0)
    assert seam.weights == {ONE: 100}


async def test_elections_begin_when_every_target_has_a_verdict_and_the_table_is_made(
    seam: Seam,
) -> None:
    await seam.verdict(TWO, REFUSED)
    assert not seam.parts.election.begun
    assert seam.parts.fitness.current.held_out == "the table does not have the virtual servers yet"
    async with seam.reconciling():
        await seam.handle_next()
    assert seam.parts.election.begun
    assert seam.parts.election.tracked == {FITNESS: 1}


async def test_elections_begin_without_a_verdict_that_takes_too_long(tmp_path: Path) -> None:
    """The pools of this director are not known, so it serves only if no other router does."""
    seam = Seam(configuration(tmp_path, 2.0))
    seam.dispatcher.adopt({})
    async with seam.reconciling():
        await seam.handle_next()
        assert not seam.parts.election.begun
        assert seam.parts.fitness.current.held_out == "2 targets have no verdict yet"
        await seam.dispatcher.handle(FirstVerdictsOverdue())
    assert seam.parts.election.begun
    reason = "the state of the real servers is not known: web"
    assert seam.parts.fitness.current == Fitness((reason,))
    assert seam.parts.election.tracked[FITNESS] == 0
    await seam.verdict(ONE, PASSED)
    assert seam.parts.fitness.current == Fitness()
    assert seam.parts.election.tracked[FITNESS] == 1


async def test_a_director_whose_table_cannot_be_made_stays_out_of_elections(
    tmp_path: Path,
) -> None:
    """When its services can be made, the elections begin. Later failures take its fitness."""
    dataplane = MemoryDataplane()
    dataplane.refuse = lambda _operation: True
    seam = Seam(configuration(tmp_path, 2.0), dataplane)
    seam.dispatcher.adopt({})
    for key in (ONE, TWO):
        await seam.verdict(key, PASSED)
    reason = (
        "no virtual service could be added to the table: add service tcp 192.0.2.10:80 (rr):"
        " refused"
    )
    async with seam.reconciling():
        await seam.handle_next()
        assert seam.parts.fitness.current == Fitness((reason,), reason)
        [instance] = seam.parts.election.current_statuses(0.0, reason)
        assert (instance.state, instance.fault) == (State.INITIALIZE, reason)
        dataplane.refuse = lambda _operation: False
        seam.parts.decide()
        await seam.handle_next()
        assert seam.parts.election.begun
        assert seam.parts.fitness.current == Fitness()
        dataplane.refuse = lambda operation: isinstance(operation, EditDestination)
        seam.parts.table_reconciler.want(
            {WEB: ServiceEntry(Service("rr"), {ONE: Destination(9, NAT), TWO: Destination(1, NAT)})}
        )
        await seam.handle_next()
    assert seam.parts.fitness.current.reasons == (
        "1 operation on the table fails: edit destination 192.0.2.45:80 of tcp 192.0.2.10:80"
        " (nat, weight 9): refused",
    )
    assert seam.parts.election.tracked[FITNESS] == 0


async def test_an_override_changes_the_table(seam: Seam) -> None:
    """The store puts a message into the queue when an override is set."""
    name = RealServerName("web", str(ONE))
    drain = Override(name=name, action=Action.DRAIN, author="ann")
    await seam.parts.overrides.set([drain])
    await seam.dispatcher.handle(seam.queue.get_nowait())
    assert seam.weights == {ONE: 0}
    await seam.parts.overrides.remove([name], Author("ann"))
    await seam.dispatcher.handle(seam.queue.get_nowait())
    assert seam.weights == {ONE: 1}


async def test_a_burst_of_verdicts_causes_one_decision(tmp_path: Path) -> None:
    """The decision waits while the queue has further messages, for 5 ms at most."""
    seam = Seam(configuration(tmp_path, 2.0))
    more = True
    seam.dispatcher = Dispatcher(seam.parts, lambda _delay, _message: None, lambda: more)
    seam.dispatcher.adopt({})
    await seam.verdict(ONE, PASSED)
    assert seam.weights == {}
    await asyncio.sleep(0.006)
    await seam.verdict(ONE, PASSED)
    assert seam.weights == {ONE: 1}


async def test_the_passage_of_time_changes_weights(tmp_path: Path) -> None:
    """The second real server starts slowly beside the first one, which has served before."""
    slow = configuration(tmp_path, 2.0)
    [web] = slow.virtual_servers
    servers = tuple(
        replace(server, weight=100, slow_start=SlowStart(1.0)) for server in web.real_servers
    )
    seam = Seam(replace(slow, virtual_servers=(replace(web, real_servers=servers),)))
    table = {WEB: ServiceEntry(Service("rr"), {ONE: Destination(100, NAT)})}
    assert seam.dispatcher.adopt(table) == 1
    await seam.verdict(TWO, PASSED)
    assert seam.weights == {ONE: 100, TWO: 10}
    waking = asyncio.create_task(seam.parts.pools.run(seam.queue.put))
    async with asyncio.timeout(30):
        await seam.dispatcher.handle(await seam.queue.get())
    waking.cancel()
    assert seam.weights[ONE] == 100
    assert seam.weights[TWO] > 10
    events = seam.recorder.event_log.about("web", str(TWO))
    assert [(event.name, event.fields["weight"], event.fields["reason"]) for event in events] == [
        ("weight_decided", 10, "configured; passing; slow start (connected)"),
    ]
