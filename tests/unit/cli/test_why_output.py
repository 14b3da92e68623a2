"""What ``hadirector why`` prints for people."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.cli import main
from hadirector.cli.terminal import plain
from hadirector.cli.why_text import (
    render_explanation,
    render_instance,
    render_readiness,
    render_virtual_server,
)
from hadirector.events.event_log import Event, Value
from hadirector.pools.candidate import Step
from hadirector.status.explanation import (
    AddressHolder,
    InstanceExplanation,
    RealServerExplanation,
    VirtualServerExplanation,
)
from hadirector.status.readiness import Lack, PairReadiness, decide_readiness
from hadirector.status.report import RealServerStatus, VirtualServerStatus
from hadirector.status.takeover import PoolReserve, Takeover
from hadirector.status.verdict import DirectorVerdict, Level, Problem
from tests.unit.status.test_verdict import STATUS
from vrrp.model.report import InstanceStatus, PriorityTerm, State

RESERVE = PoolReserve("web", 2, 3)
PLACE: dict[str, Value] = {"virtual_server": "web", "real_server": "192.0.2.45:80"}


def test_a_weight_is_explained_by_its_steps_and_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are in UTC, in any time zone."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    status = RealServerStatus("192.0.2.45:80", 10, 0, 10, 3, 4, Verdict.PASSING, "200 OK")
    why = RealServerExplanation(
        name="web/192.0.2.45:80",
        steps=(Step(10, "configured"), Step(0, "draining, by ann: new kernel")),
        status=status,
        events=(
            Event(
                7,
                0.0,
                "weight_decided",
                {**PLACE, "weight": None, "reason": "configured; failing"},
            ),
            Event(
                9, 86399.0, "override_set", {**PLACE, "description": "draining, by ann: new kernel"}
            ),
        ),
        expires_in=3661.0,
        deadline_in=59.6,
        keep_clients=False,
        flaps_for=43.2,
        peers={"lb2": "known", "lb3": "pending", "lb4": "not_shared"},
    )
    assert render_explanation(why) == [
        "web/192.0.2.45:80: weight 0 (3 + 4 connections)",
        "  the table still has weight 10",
        "     10  configured",
        "      0  draining, by ann: new kernel",
        "  the check is passing: 200 OK",
        "  the override expires in 1 h 1 min 1 s",
        "  the drain ends in at most 1 min",
        "  flap damping lasts for another 43 s",
        "  persistent clients leave the real server",
        "  the override is known to lb2",
        "  lb3 does not have the override yet",
        "  lb4 does not share overrides",
        '  1970-01-01 00:00:00Z  weight_decided  weight=null reason="configured; failing"',
        '  1970-01-01 23:59:59Z  override_set  description="draining, by ann: new kernel"',
    ]


def test_the_state_of_an_instance_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    status = InstanceStatus(
        "web",
        State.ACTIVE,
        1,
        51,
        "eth0",
        ("192.0.2.10/32",),
        handing_over=True,
        yielding=True,
        active_router="10.99.0.2",
        active_down_interval=3.6,
        counters={},
        priority_arithmetic="200 - 253 (fitness of this director) = -53, limited to 1",
        fault="link_down",
        alarms=("an alarm",),
        state_age=61.0,
    )
    reason = "1 operation on the table fails: add service tcp 192.0.2.10:80 (rr): refused"
    lost = Event(3, 0.0, "fitness_lost", {"reasons": [reason]})
    began = Event(4, 0.0, "handover_began", {"instance": "web", "reason": "not fit to serve"})
    assert render_instance(InstanceExplanation(status, (reason,), (lost, began))) == [
        "web: ACTIVE for 1 min 1 s, priority 1",
        "  priority 200 - 253 (fitness of this director) = -53, limited to 1",
        f"  this director is not fit to serve: {reason}",
        "  the instance takes no part in elections: link_down",
        "  it is handing over, and keeps the addresses until a peer has taken over",
        "  an operator handed the instance over: any peer may be ACTIVE",
        "  the active router is 10.99.0.2",
        "  alarm: an alarm",
        f"  1970-01-01 00:00:00Z  fitness_lost  reasons=[{reason}]",
        '  1970-01-01 00:00:00Z  handover_began  reason="not fit to serve"',
    ]


def test_a_backup_shows_the_numbers_of_its_priority_and_what_would_happen() -> None:
    status = InstanceStatus(
        "web",
        State.BACKUP,
        1,
        51,
        "eth0",
        ("192.0.2.10/32",),
        handing_over=False,
        yielding=False,
        active_router="10.99.0.2",
        active_down_interval=3.6,
        counters={},
        priority_arithmetic="100 - 253 (fitness of this director) = -153, limited to 1",
        priority_terms=(
            PriorityTerm(100, "configured"),
            PriorityTerm(-253, "fitness of this director"),
        ),
        active_priority=200,
    )
    takeover = Takeover(True, 3.6, "this director would be ACTIVE within 3.60 s", "cut", (RESERVE,))
    assert render_instance(InstanceExplanation(status, (), (), takeover)) == [
        "web: BACKUP, priority 1",
        "    100  configured",
        "   -253  fitness of this director",
        "      1  the priority, because -153 is out of its range",
        "  the active router is 10.99.0.2, priority 200",
        "  to become ACTIVE, this director needs a priority above 200",
        "  if the active director died now: this director would be ACTIVE within 3.60 s",
        "    web: 2 of 3 real servers would serve",
        "    cut",
    ]
    waits = replace(status, preempt=False, priority_terms=())
    assert render_instance(InstanceExplanation(waits, (), ()))[1:] == [
        "  priority 100 - 253 (fitness of this director) = -153, limited to 1",
        "  the active router is 10.99.0.2, priority 200",
        "  preempt is off: this director waits until the active router gives way",
    ]


def test_a_virtual_server_is_explained_by_its_clients_its_quorum_and_its_members() -> None:
    good = RealServerStatus("192.0.2.45:80", 2, 2, 2, 3, 4, Verdict.PASSING, "200 OK")
    bad = replace(
        good,
        address="192.0.2.46:80",
        wanted_weight=None,
        actual_weight=None,
        verdict=Verdict.FAILING,
        reason="timeout",
        verdict_age=60.0,
        weight_reason="failing",
    )
    sorry = replace(good, address="192.0.2.99:80", wanted_weight=None, weight_reason="not needed")
    pool = VirtualServerStatus(
        "web",
        "192.0.2.22:80",
        "tcp",
        "wrr",
        "dr",
        True,
        (good, bad),
        active_connections=3,
        inactive_connections=4,
        has_quorum=True,
        passing_weight=2,
        sorry_server=sorry,
    )
    problem = Problem(
        level=Level.DEGRADED, code="servers_failing", object="web", reason="1 fails", remedy="look"
    )
    why = VirtualServerExplanation(
        status=pool,
        holders=(AddressHolder("a", active=True), AddressHolder("b", active=False)),
        problems=(problem,),
        events=(Event(3, 0.0, "quorum_reached", {"virtual_server": "web", "quorum": 1}),),
        hysteresis=1,
        healthy_minimum=1,
    )
    assert list(render_virtual_server(why, plain)) == [
        "web: tcp 192.0.2.22:80 wrr dr, 1 of 2 real servers serve, 3 + 4 connections",
        "  this director is ACTIVE for its address (instance a)",
        "  no known router is active for its address (instance b), not this director",
        "  quorum: weight 2 passes, 1 needed, hysteresis 1: the pool has its quorum",
        "  min_healthy: at least 1 real servers stay in use, 0 are held",
        "  DEGRADED  web: 1 fails  [servers_failing]",
        "            -> look",
        "               docs/operations.md#problem-servers_failing",
        "    out  192.0.2.46:80: failing for 1 min, timeout; failing",
        "      2  192.0.2.45:80: passing, 200 OK",
        "    out  sorry server 192.0.2.99:80: passing, 200 OK; not needed",
        "  1970-01-01 00:00:00Z  quorum_reached  quorum=1",
    ]
    many = replace(why, holders=(), status=replace(pool, real_servers=(good,) * 23))
    lines = list(render_virtual_server(many, plain))
    assert lines[1] == "  no VRRP instance has its address"
    assert "         and 3 more" in lines
    gone = replace(good, wanted_weight=0, absent=True)
    some = replace(why, status=replace(pool, real_servers=(good, bad, gone)))
    assert "1 of 2 real servers serve" in next(iter(render_virtual_server(some, plain)))


def test_readiness_lists_each_condition() -> None:
    blind = Problem(level=Level.CRITICAL, code="blind", object="director", reason="r", remedy="d")
    assert list(render_readiness(decide_readiness([blind]))) == [
        "not ready",
        "  yes  processes",
        "  yes  elections",
        "  yes  table",
        "  yes  verdicts",
        "  NO   visibility",
        "         director: r",
        "         -> d",
        "  yes  host",
        "  yes  state",
    ]
    [first, *_] = render_readiness(decide_readiness([]))
    assert first == "ready: this director could serve now"


def test_readiness_lists_the_facts_of_a_pair() -> None:
    pair = PairReadiness(
        ready=False,
        priority_lowered=True,
        may_preempt=False,
        lacks=(
            Lack("blind", "unready", "no target answers", 4.0),
            Lack("clock_skew", "alarm", "the clock of lb2 is 3 s ahead", 60.0),
        ),
    )
    assert list(render_readiness(decide_readiness([], pair)))[-3:] == [
        "  this director is not ready: no target answers (blind, 4 s)",
        "  this director differs from its peer: the clock of lb2 is 3 s ahead (clock_skew, 1 min)",
        "  it has just started, and does not preempt before it is ready or 60 s have passed",
    ]


@pytest.mark.parametrize(("problems", "code"), [((), 0), (("blind",), 1)])
def test_why_readiness_exits_with_1_if_the_director_is_not_ready(
    problems: tuple[str, ...],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = tuple(
        Problem(level=Level.CRITICAL, code=each, object="director", reason="r", remedy="d")
        for each in problems
    )
    verdict = DirectorVerdict(Level.CRITICAL if found else Level.OK, "", found)
    answer = msgspec.json.encode(replace(STATUS, verdict=verdict))
    monkeypatch.setattr("hadirector.cli.why.request", lambda *_: answer)
    assert main(["why", "readiness", "--json"]) == code
    assert msgspec.json.decode(capsys.readouterr().out)["ready"] is not bool(code)
