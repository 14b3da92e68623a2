"""What the director makes of events, without children and without a kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from checks.definition.check import CheckDefinition, Timing
from checks.definition.options import TcpProbe
from checks.definition.result import Reason, Result, Verdict
from hadirector.dataplane.dry_run import DryRunDataplane
from hadirector.director.director import Director
from hadirector.events.recorder import Recorder
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    Service,
    ServiceKey,
)
from hadirector.model.policy import HealthyMinimum, SlowStart
from hadirector.pools.slow_start import LONG_AGO
from hadirector.processes.messages import VerdictChanged
from vrrp.model.configuration import TrackedKey

WEB = ServiceKey(Protocol.TCP, "192.0.2.10", 80)
ONE = DestinationKey("192.0.2.45", 80)
TWO = DestinationKey("192.0.2.46", 80)


def check(key: DestinationKey, interval: float) -> CheckDefinition:
    return CheckDefinition(
        identity=f"tcp {key} every {interval}",
        address=key.address,
        port=key.port,
        probe=TcpProbe(),
        timing=Timing(interval=interval),
    )


def configuration(directory: Path, interval: float) -> Configuration:
    return Configuration(
        name="lb1",
        runtime_directory=str(directory),
        state_directory=str(directory),
        virtual_servers=(
            VirtualServer(
                name="web",
                keys=(WEB,),
                service=Service("rr"),
                forwarding=ForwardingMethod.NAT,
                real_servers=tuple(
                    RealServer(key=key, check=check(key, interval)) for key in (ONE, TWO)
                ),
            ),
        ),
    )


@pytest.fixture
def director(tmp_path: Path) -> Director:
    """One whose first real server passes and whose second has not been heard of."""
    made = Director(tmp_path / "file", configuration(tmp_path, 2.0), DryRunDataplane(), Recorder())
    made._health.verdicts = {check(ONE, 2.0).identity: Verdict.PASSING}
    made._want(None)
    return made


def in_use(director: Director) -> dict[DestinationKey, Destination]:
    return dict(director._pools.table[WEB].destinations)


async def test_a_changed_check_takes_nobody_out_before_it_has_failed(
    director: Director, tmp_path: Path
) -> None:
    """And lets nobody in before it has passed."""
    await director._change_to(configuration(tmp_path, 5.0))
    assert in_use(director) == {ONE: Destination(1, ForwardingMethod.NAT)}
    assert director._health.verdicts == {check(ONE, 5.0).identity: Verdict.PASSING}


@pytest.mark.parametrize(
    ("minimum", "reason", "kept"),
    [
        (HealthyMinimum(count=1), Reason.REFUSED, (TWO,)),
        (HealthyMinimum(), Reason.TIMEOUT, (ONE, TWO)),  # two hosts fall silent: it is blind
    ],
)
async def test_a_reload_that_changes_a_check_is_no_way_round_the_brake(
    director: Director,
    tmp_path: Path,
    minimum: HealthyMinimum,
    reason: Reason,
    kept: tuple[DestinationKey, ...],
) -> None:
    """Who is kept in though it fails goes on failing, and being kept, until it passes."""

    def braked(interval: float) -> Configuration:
        whole = configuration(tmp_path, interval)
        [web] = whole.virtual_servers
        return replace(whole, virtual_servers=(replace(web, min_healthy=minimum),))

    async def ends(key: DestinationKey, interval: float, reason: Reason) -> None:
        verdict = Verdict.PASSING if reason is Reason.PASSED else Verdict.FAILING
        result = Result(reason, "", 0.001)
        await director._handle(VerdictChanged(check(key, interval).identity, verdict, result))

    await director._change_to(braked(2.0))
    for each in (Reason.PASSED, reason):
        for key in (ONE, TWO):
            await ends(key, 2.0, each)
    before = director._pools.judgements["web"]
    assert set(before.held) == set(kept)
    await director._change_to(braked(5.0))
    judgement = director._pools.judgements["web"]
    assert judgement.held == before.held
    assert judgement.quorum == before.quorum
    assert in_use(director).keys() == set(kept)
    assert director._health.unseen == {check(key, 5.0).identity for key in kept if not minimum}
    for key in kept:
        await ends(key, 5.0, Reason.PASSED)
    assert director._pools.judgements["web"].held == ()


async def test_the_verdict_of_a_check_that_is_gone_changes_nothing(
    director: Director, tmp_path: Path
) -> None:
    await director._change_to(configuration(tmp_path, 5.0))
    refused = Result(Reason.REFUSED, "connecting: Connection refused", 0.001)
    old = check(ONE, 2.0).identity
    await director._handle(VerdictChanged(old, Verdict.FAILING, refused))
    assert in_use(director) == {ONE: Destination(1, ForwardingMethod.NAT)}
    assert old not in director._health.verdicts


async def test_the_election_gets_the_visibility_of_backends_only_when_it_changes(
    director: Director, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five verdicts, of which the fourth makes the director blind and the fifth ends that."""
    values: list[int] = []

    def track(tracked: Mapping[TrackedKey, int]) -> None:
        values.extend(n for key, n in tracked.items() if str(key) == "visibility of backends")

    monkeypatch.setattr(director._election, "track", track)
    for key, reason in (
        (ONE, Reason.PASSED),
        (TWO, Reason.PASSED),
        (ONE, Reason.TIMEOUT),
        (TWO, Reason.TIMEOUT),
        (ONE, Reason.PASSED),
    ):
        verdict = Verdict.PASSING if reason is Reason.PASSED else Verdict.FAILING
        result = Result(reason, "", 0.001)
        await director._handle(VerdictChanged(check(key, 2.0).identity, verdict, result))
    assert values == [0, 1]


async def test_a_target_that_asks_for_a_part_of_its_weight_gets_it(
    director: Director, tmp_path: Path
) -> None:
    """The child that checks is told of it when it starts anew, and a plain pass takes it back."""
    identity = check(ONE, 2.0).identity
    asked = Result(Reason.PASSED, "the agent reports drain", 0.001, weight=0)
    await director._handle(VerdictChanged(identity, Verdict.PASSING, asked))
    assert in_use(director) == {ONE: Destination(0, ForwardingMethod.NAT)}
    assert director._health.weights == {identity: 0}
    refused = Result(Reason.REFUSED, "connecting: Connection refused", 0.001)
    await director._handle(VerdictChanged(identity, Verdict.FAILING, refused))
    assert in_use(director) == {}
    passed = Result(Reason.PASSED, "the agent reports up", 0.001)
    await director._handle(VerdictChanged(identity, Verdict.PASSING, passed))
    assert in_use(director) == {ONE: Destination(1, ForwardingMethod.NAT)}


async def test_pools_that_are_due_wake_by_themselves(director: Director, tmp_path: Path) -> None:
    """The second real server comes in slowly beside the first; time alone makes it grow."""
    slow = configuration(tmp_path, 2.0)
    web = slow.virtual_servers[0]
    servers = tuple(
        replace(each, weight=100, slow_start=SlowStart(1.0)) for each in web.real_servers
    )
    await director._change_to(replace(slow, virtual_servers=(replace(web, real_servers=servers),)))
    director._pools.serving_since["web"] = {ONE: LONG_AGO}
    passed = Result(Reason.PASSED, "connected", 0.001)
    await director._handle(VerdictChanged(check(TWO, 2.0).identity, Verdict.PASSING, passed))
    assert in_use(director)[TWO].weight == 10
    waking = asyncio.create_task(director._pools.run(director._messages.put))
    async with asyncio.timeout(30):
        await director._handle(await director._messages.get())
    waking.cancel()
    assert in_use(director)[ONE].weight == 100
    assert in_use(director)[TWO].weight > 10
    events = director.recorder.event_log.about("web", str(TWO))
    assert [(each.name, each.fields["weight"], each.fields["because"]) for each in events] == [
        ("weight_decided", None, "configured; unknown"),  # with another weight than before
        ("weight_decided", 10, "configured; passing; slow start (connected)"),
    ]
