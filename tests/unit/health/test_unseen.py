"""What is known of targets while this director sees none of them, and just after."""

from __future__ import annotations

import pytest

from checks.definition.check import CheckDefinition, Timing
from checks.definition.options import AllProbe, FileProbe, Member, Probe, ScriptProbe, TcpProbe
from checks.definition.result import Reason, Result, Verdict
from hadirector.health import verdicts as module
from hadirector.health.verdicts import Health
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import DestinationKey, ForwardingMethod, Protocol, Service, ServiceKey
from hadirector.processes.messages import CheckStatistics, VerdictChanged

SERVICES = tuple(ServiceKey(Protocol.TCP, f"192.0.2.10{n}", 80) for n in (1, 2))
TCP = TcpProbe()
TIMING = Timing(interval=2.0, timeout=1.0, rise=2, fall=2)


def virtual_server(number: int, service: ServiceKey, probe: Probe = TCP) -> VirtualServer:
    """One with one real server, 192.0.2.NUMBER, whose check is "NUMBER"."""
    key = DestinationKey(f"192.0.2.{number}", 80)
    check = CheckDefinition(
        identity=str(number), address=key.address, port=80, probe=probe, timing=TIMING
    )
    return VirtualServer(
        name=str(number),
        keys=(service,),
        service=Service("rr"),
        forwarding=ForwardingMethod.NAT,
        real_servers=(RealServer(key=key, check=check),),
    )


class Clock:
    now = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "monotonic", lambda: made.now)
    return made


@pytest.fixture
def health(clock: Clock) -> Health:
    """Of two servers that pass."""

    async def tell(_event: object) -> None:
        pass

    servers = tuple(virtual_server(n, key) for n, key in enumerate(SERVICES, start=1))
    passing = {"1": Verdict.PASSING, "2": Verdict.PASSING}
    made = Health(Configuration(name="lb1", virtual_servers=servers), passing, tell)
    assert clock.now == 0.0
    return made


def fails(health: Health, check: str, reason: Reason) -> frozenset[ServiceKey]:
    return health.verdict_changed(VerdictChanged(check, Verdict.FAILING, Result(reason, "", 1.0)))


def answers(health: Health, **reasons: Reason) -> frozenset[ServiceKey]:
    latest = {name.removeprefix("_"): Result(each, "", 1.0) for name, each in reasons.items()}
    return health.statistics(CheckStatistics(probes=1, delayed_probes=0, latest=latest))


def test_the_last_that_fails_brings_all_back_that_failed_with_it(
    health: Health, clock: Clock
) -> None:
    """The services of all of them are decided anew."""
    clock.now = 100.0
    assert fails(health, "1", Reason.TIMEOUT) == {SERVICES[0]}
    assert health.unseen == set()
    clock.now = 101.0
    assert fails(health, "2", Reason.TIMEOUT) == set(SERVICES)
    assert health.unseen == {"1", "2"}


def test_sight_that_is_known_to_be_lost_keeps_whoever_fails_from_then_on(
    health: Health, clock: Clock
) -> None:
    """Silence is told before it has failed anybody."""
    clock.now = 100.0
    assert answers(health, _1=Reason.TIMEOUT, _2=Reason.UNREACHABLE) == set()
    assert health.eyes.blind
    assert fails(health, "1", Reason.TIMEOUT) == {SERVICES[0]}
    assert health.unseen == {"1"}
    assert health.failures == {"1": ()}


def test_who_answers_wrongly_is_lost_no_more_and_who_passes_once_still_is(
    health: Health, clock: Clock
) -> None:
    """Until it has passed twice, or the time for that is over."""
    clock.now = 100.0
    fails(health, "1", Reason.TIMEOUT)
    fails(health, "2", Reason.TIMEOUT)
    clock.now = 200.0
    assert answers(health, _1=Reason.PASSED, _2=Reason.REFUSED) == {SERVICES[1]}
    assert not health.eyes.blind
    assert health.unseen == {"1"}
    clock.now = 207.0  # 2 * 2 s + 1 s, and 2 s for the report
    assert answers(health) == {SERVICES[0]}
    assert health.unseen == set()


def test_who_fails_by_a_script_out_of_sight_is_lost_and_who_fails_by_a_file_is_not(
    health: Health,
) -> None:
    """For a script fails whatever it could not reach; nobody has to reach anything for a file."""
    script = ScriptProbe(script="/bin/true")
    both = AllProbe(checks=(Member(probe=TCP), Member(probe=script)))
    probes: tuple[Probe, ...] = (TCP, TCP, script, FileProbe(file="/run/web"), both)
    servers = tuple(
        virtual_server(number, ServiceKey(Protocol.TCP, f"192.0.2.10{number}", 80), probe)
        for number, probe in enumerate(probes, start=1)
    )
    passing = {"3": Verdict.PASSING, "4": Verdict.PASSING, "5": Verdict.PASSING}
    health.configure(Configuration(name="lb1", virtual_servers=servers), passing)
    for check in ("1", "2"):
        fails(health, check, Reason.TIMEOUT)
    for check in ("3", "4"):
        fails(health, check, Reason.DOWN)
    fails(health, "5", Reason.REFUSED)
    assert health.unseen == {"1", "2", "3"}


def test_who_passes_again_is_lost_no_more(health: Health, clock: Clock) -> None:
    clock.now = 100.0
    fails(health, "1", Reason.TIMEOUT)
    fails(health, "2", Reason.TIMEOUT)
    passed = Result(Reason.PASSED, "", 0.1)
    assert health.verdict_changed(VerdictChanged("1", Verdict.PASSING, passed)) == {SERVICES[0]}
    assert health.unseen == {"2"}


def test_a_fall_out_of_sight_is_not_held_against_anybody(health: Health, clock: Clock) -> None:
    """Whoever was refused has fallen by itself."""
    clock.now = 50.0
    fails(health, "1", Reason.REFUSED)
    passed = Result(Reason.PASSED, "", 0.1)
    health.verdict_changed(VerdictChanged("1", Verdict.PASSING, passed))
    clock.now = 100.0
    fails(health, "1", Reason.TIMEOUT)
    assert health.failures == {"1": (50.0, 100.0)}
    clock.now = 101.0
    fails(health, "2", Reason.TIMEOUT)
    assert health.failures == {"1": (50.0,), "2": ()}
