"""The states of targets while the director is blind, and just after."""

from __future__ import annotations

import pytest

from checks.definition.check import Timing
from checks.definition.options import AllProbe, FileProbe, Member, Probe, ScriptProbe, TcpProbe
from checks.definition.result import Reason, Result, Verdict
from hadirector.health.target import Assumptions, TargetsSnapshot
from hadirector.health.verdicts import Health
from hadirector.model.configuration import RealServer, VirtualServer
from hadirector.model.ipvs import DestinationKey, Protocol, ServiceKey
from hadirector.processes.messages import CheckStatistics, VerdictChanged
from tests.builders import a_check, a_configuration, a_virtual_server

SERVICES = tuple(ServiceKey(Protocol.TCP, f"192.0.2.10{n}", 80) for n in (1, 2))
TCP = TcpProbe()
TIMING = Timing(interval=2.0, timeout=1.0, rise=2, fall=2)


def virtual_server(number: int, service: ServiceKey, probe: Probe = TCP) -> VirtualServer:
    """One with one real server, 192.0.2.NUMBER, whose check is "NUMBER"."""
    key = DestinationKey(f"192.0.2.{number}", 80)
    check = a_check(key, identity=str(number), probe=probe, timing=TIMING)
    return a_virtual_server(RealServer(key=key, check=check), name=str(number), keys=(service,))


@pytest.fixture
def health() -> Health:
    """The health of two passing servers."""

    async def put(_message: object) -> None:
        pass

    servers = tuple(virtual_server(n, key) for n, key in enumerate(SERVICES, start=1))
    configuration = a_configuration(*servers)
    made = Health(configuration, put)
    passing = {"1": Verdict.PASSING, "2": Verdict.PASSING}
    made.adopt(configuration, passing, TargetsSnapshot())
    return made


def fails(health: Health, check: str, reason: Reason, now: float = 0.0) -> frozenset[ServiceKey]:
    message = VerdictChanged(check, Verdict.FAILING, Result(reason, "", 1.0))
    return health.record_verdict(message, now)


def passes(health: Health, check: str, now: float) -> frozenset[ServiceKey]:
    message = VerdictChanged(check, Verdict.PASSING, Result(Reason.PASSED, "", 0.1))
    return health.record_verdict(message, now)


def answers(health: Health, now: float, **reasons: Reason) -> frozenset[ServiceKey]:
    latest = {name.removeprefix("_"): Result(reason, "", 1.0) for name, reason in reasons.items()}
    return health.record_statistics(CheckStatistics(probes=1, delayed_probes=0, latest=latest), now)


def unseen(health: Health) -> set[str]:
    return {identity for identity, state in health.targets.items() if state.unseen}


def failures(health: Health) -> list[tuple[float, ...]]:
    return [state.failures for state in health.targets.values()]


def test_the_verdict_that_shows_blindness_also_holds_the_servers_that_failed_before(
    health: Health,
) -> None:
    """The pools of all of them need a new decision."""
    assert fails(health, "1", Reason.TIMEOUT, 100.0) == {SERVICES[0]}
    assert unseen(health) == set()
    assert fails(health, "2", Reason.TIMEOUT, 101.0) == set(SERVICES)
    assert unseen(health) == {"1", "2"}


def test_a_target_that_fails_while_the_director_is_blind_is_unseen(health: Health) -> None:
    """Silent results arrive before the verdict that they cause."""
    assert answers(health, 100.0, _1=Reason.TIMEOUT, _2=Reason.UNREACHABLE) == set()
    assert health.blindness.blind
    assert fails(health, "1", Reason.TIMEOUT, 100.0) == {SERVICES[0]}
    assert unseen(health) == {"1"}
    assert failures(health) == [(), ()]


def test_a_wrong_answer_ends_being_unseen_at_once_and_a_first_pass_does_not(
    health: Health,
) -> None:
    """It ends after two passes, or when the time for them is over."""
    fails(health, "1", Reason.TIMEOUT, 100.0)
    fails(health, "2", Reason.TIMEOUT, 100.0)
    assert answers(health, 200.0, _1=Reason.PASSED, _2=Reason.REFUSED) == {SERVICES[1]}
    assert not health.blindness.blind
    assert unseen(health) == {"1"}
    assert answers(health, 207.0) == {SERVICES[0]}  # 2 * 2 s + 1 s, and 2 s for the report
    assert unseen(health) == set()


def test_a_failing_script_is_unseen_while_the_director_is_blind_and_a_failing_file_is_not(
    health: Health,
) -> None:
    """A script fails if it reaches nothing. A file check needs no network."""
    script = ScriptProbe(script="/bin/true")
    both = AllProbe(checks=(Member(probe=TCP), Member(probe=script)))
    probes: tuple[Probe, ...] = (TCP, TCP, script, FileProbe(file="/run/web"), both)
    servers = tuple(
        virtual_server(number, ServiceKey(Protocol.TCP, f"192.0.2.10{number}", 80), probe)
        for number, probe in enumerate(probes, start=1)
    )
    assumptions = Assumptions(dict.fromkeys("345", Verdict.PASSING))
    health.configure(a_configuration(*servers), assumptions)
    for check in ("1", "2"):
        fails(health, check, Reason.TIMEOUT)
    for check in ("3", "4"):
        fails(health, check, Reason.DOWN)
    fails(health, "5", Reason.REFUSED)
    assert unseen(health) == {"1", "2", "3"}


def test_a_target_that_passes_again_is_no_longer_unseen(health: Health) -> None:
    fails(health, "1", Reason.TIMEOUT, 100.0)
    fails(health, "2", Reason.TIMEOUT, 100.0)
    assert passes(health, "1", 100.0) == {SERVICES[0]}
    assert unseen(health) == {"2"}


def test_an_unseen_failure_does_not_count_as_a_failure(health: Health) -> None:
    """A refused connection is a failure of the target itself."""
    fails(health, "1", Reason.REFUSED, 50.0)
    passes(health, "1", 50.0)
    fails(health, "1", Reason.TIMEOUT, 100.0)
    assert failures(health) == [(50.0, 100.0), ()]
    fails(health, "2", Reason.TIMEOUT, 101.0)
    assert failures(health) == [(50.0,), ()]


def test_the_health_is_complete_when_every_target_has_a_verdict(health: Health) -> None:
    assert health.complete
    servers = tuple(virtual_server(n, SERVICES[0]) for n in (1, 2, 3, 4))
    health.configure(a_configuration(*servers))
    fails(health, "3", Reason.REFUSED)
    assert not health.complete
    fails(health, "4", Reason.REFUSED)
    passes(health, "4", 1.0)
    assert health.complete
