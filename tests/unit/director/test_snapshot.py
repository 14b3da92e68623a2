"""What of real servers' recent past is there after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from checks.definition.check import CheckDefinition
from checks.definition.options import TcpProbe
from checks.definition.result import Verdict
from hadirector.director import snapshot as module
from hadirector.director.pools import Past, Pools
from hadirector.director.snapshot import SnapshotStore
from hadirector.events.recorder import Recorder
from hadirector.health.verdicts import Health
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import DestinationKey, ForwardingMethod, Protocol, Service, ServiceKey
from hadirector.pools.slow_start import LONG_AGO

KEY = DestinationKey("192.0.2.1", 80)
OTHER = DestinationKey("192.0.2.2", 80)
CONFIGURATION = Configuration(
    name="lb1",
    virtual_servers=(
        VirtualServer(
            name="web",
            keys=(ServiceKey(Protocol.TCP, "192.0.2.10", 80),),
            service=Service("wrr"),
            forwarding=ForwardingMethod.NAT,
            real_servers=tuple(
                RealServer(
                    key=key,
                    check=CheckDefinition(
                        identity=key.address, address=key.address, port=80, probe=TcpProbe()
                    ),
                )
                for key in (KEY, OTHER)
            ),
        ),
    ),
)
EARLY = replace(
    CONFIGURATION,
    virtual_servers=(replace(CONFIGURATION.virtual_servers[0], initially_up=True),),
)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands at 10,000 s."""
    monkeypatch.setattr(module, "monotonic", lambda: 10_000.0)


def parts(configuration: Configuration = CONFIGURATION) -> tuple[Health, Pools]:
    async def tell(_event: object) -> None:
        pass

    return Health(configuration, {}, tell), Pools(configuration, Recorder().note)


def lived(directory: Path) -> None:
    """One run in which the first server came in, asked for half and failed, the other long ago."""
    health, pools = parts()
    history = SnapshotStore(directory, health, pools)
    assert history.adopt(CONFIGURATION) == Past()
    health.verdicts[KEY.address] = Verdict.FAILING
    health.failures = {KEY.address: (9000.0, 9990.0), OTHER.address: (5.0,)}
    health.weights = {KEY.address: 50}
    pools.quorums = {"web": True}
    pools.serving_since = {"web": {KEY: 9980.0, OTHER: LONG_AGO}}
    history.write()


def test_the_next_run_goes_on_from_it(tmp_path: Path) -> None:
    """Verdicts it takes from the kernel's table alone."""
    lived(tmp_path)
    health, pools = parts()
    past = SnapshotStore(tmp_path, health, pools).adopt(CONFIGURATION)
    assert past == Past(quorums={"web": True}, serving_since={"web/192.0.2.1:80": 9980.0})
    assert health.failures == {KEY.address: (9000.0, 9990.0)}
    assert health.weights == {KEY.address: 50}
    assert health.verdicts == {}


def test_who_had_failed_does_not_serve_at_once_although_it_is_initially_up(tmp_path: Path) -> None:
    lived(tmp_path)
    health, pools = parts(EARLY)
    SnapshotStore(tmp_path, health, pools).adopt(EARLY)
    assert health.verdicts == {KEY.address: Verdict.FAILING}


@pytest.mark.parametrize("content", [b"", b"{", b'{"boot": "another"}', b'{"boot": 1}'])
def test_a_file_that_is_no_good_is_none(tmp_path: Path, content: bytes) -> None:
    """Of another boot, or damaged."""
    (tmp_path / module.FILE).write_bytes(content)
    health, pools = parts()
    assert SnapshotStore(tmp_path, health, pools).adopt(CONFIGURATION) == Past()
    assert health.failures == {}


def test_nothing_is_written_while_nothing_changes(tmp_path: Path) -> None:
    health, pools = parts()
    history = SnapshotStore(tmp_path, health, pools)
    history.adopt(CONFIGURATION)
    history.write()
    assert not (tmp_path / module.FILE).exists()


def test_who_passed_and_stood_by_at_weight_0_passes_after_a_planned_restart(tmp_path: Path) -> None:
    """The table alone looks as if it had failed. Of a run that was killed nothing more is taken."""
    health, pools = parts()
    health.verdicts[OTHER.address] = Verdict.PASSING
    SnapshotStore(tmp_path, health, pools).write(final=True)
    for expected in (Verdict.PASSING, Verdict.FAILING):
        health, pools = parts()
        health.verdicts[OTHER.address] = Verdict.FAILING
        SnapshotStore(tmp_path, health, pools).adopt(CONFIGURATION)
        assert health.verdicts == {OTHER.address: expected}
