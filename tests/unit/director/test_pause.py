"""A paused director: verdicts move no weight; orders, reloads and the end of the pause do."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.director.pausing import Pausing
from hadirector.model.configuration import Configuration, RealServer
from hadirector.model.ipvs import DestinationKey
from hadirector.model.policy import HealthyMinimum
from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.overrides.pause import PauseRequest
from tests.unit.director.seam import ONE, PASSED, REFUSED, TWO, WEB, Seam, check, configuration

THREE = DestinationKey("192.0.2.47", 80)
REQUEST = PauseRequest(reason="kernel", expires_in=3600.0)


async def paused(directory: Path, **policy: HealthyMinimum) -> Seam:
    """A director with two passing real servers, whose decisions are paused."""
    made = configuration(directory, 2.0)
    [server] = made.virtual_servers
    seam = Seam(replace(made, virtual_servers=(replace(server, **policy),)))
    seam.dispatcher.adopt({})
    for key in (ONE, TWO):
        await seam.verdict(key, PASSED)
    assert seam.weights == {ONE: 1, TWO: 1}
    await pause(seam)
    return seam


async def pause(seam: Seam) -> None:
    await Pausing(seam.parts).begin(REQUEST, "unix:ann")
    await seam.handle_next()


async def resume(seam: Seam) -> None:
    await Pausing(seam.parts).end("unix:ann", "")
    await seam.handle_next()


def with_third(configuration: Configuration) -> Configuration:
    [server] = configuration.virtual_servers
    third = RealServer(key=THREE, check=check(THREE, 2.0))
    servers = (*server.real_servers, third)
    return replace(configuration, virtual_servers=(replace(server, real_servers=servers),))


async def test_verdicts_move_no_weight_and_their_reason_is_visible(tmp_path: Path) -> None:
    seam = await paused(tmp_path)
    await seam.verdict(ONE, REFUSED)
    await seam.verdict(TWO, REFUSED)
    assert seam.weights == {ONE: 1, TWO: 1}
    assert seam.parts.pools.quorums["web"]
    steps = seam.parts.pools.judgements["web"].derivations[ONE]
    assert steps[-1].reason == "passing (paused; now failing)"
    assert seam.parts.health.targets[check(ONE, 2.0).identity].verdict is Verdict.FAILING


async def test_the_end_decides_from_the_present_verdicts(tmp_path: Path) -> None:
    seam = await paused(tmp_path)
    await seam.verdict(ONE, REFUSED)
    await resume(seam)
    assert seam.weights == {TWO: 1}


async def test_the_brake_judges_the_end_as_usual(tmp_path: Path) -> None:
    """Both fail during the pause; min_healthy keeps one of the two in use."""
    seam = await paused(tmp_path, min_healthy=HealthyMinimum(count=1))
    await seam.verdict(ONE, REFUSED)
    await seam.verdict(TWO, REFUSED)
    await resume(seam)
    assert len(seam.weights) == 1
    assert len(seam.held) == 1


async def test_overrides_and_reloads_take_effect_during_a_pause(tmp_path: Path) -> None:
    """A real server that a reload adds joins at its first pass, and then stays."""
    seam = await paused(tmp_path)
    override = Override(
        name=RealServerName("web", str(ONE)), action=Action.DISABLE, author="unix:ann"
    )
    await seam.parts.overrides.set([override])
    await seam.handle_next()
    assert seam.weights == {TWO: 1}
    await seam.reload(with_third(seam.parts.configuration))
    assert seam.weights == {TWO: 1}
    await seam.verdict(THREE, PASSED)
    assert seam.weights == {TWO: 1, THREE: 1}
    await seam.verdict(THREE, REFUSED)
    assert seam.weights == {TWO: 1, THREE: 1}


async def test_a_restart_during_a_pause_keeps_the_weights_of_the_table(tmp_path: Path) -> None:
    seam = await paused(tmp_path)
    table = dict(seam.dispatcher.table)
    await seam.verdict(ONE, REFUSED)
    seam.parts.snapshots.write(seam.parts.snapshot(final=True))
    again = Seam(seam.parts.configuration)
    again.dispatcher.adopt(table)
    assert again.weights == {ONE: 1, TWO: 1}
    await again.verdict(ONE, REFUSED)
    assert again.weights == {ONE: 1, TWO: 1}
    assert list(again.dispatcher.table) == [WEB]
