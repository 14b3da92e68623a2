"""What ``hadirector why`` prints for people."""

from __future__ import annotations

import pytest

from checks.definition.result import Verdict
from hadirector.cli.why import render_explanation, render_instance
from hadirector.events.event_log import Event, Value
from hadirector.pools.candidate import Step
from hadirector.status.explanation import InstanceExplanation, RealServerExplanation
from hadirector.status.report import RealServerStatus
from vrrp.model.report import InstanceStatus, State

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
        "  it takes no part in elections: link_down",
        "  it is handing over, and keeps the addresses until a peer has taken over",
        "  an operator handed it over: any peer may be ACTIVE",
        "  the active router is 10.99.0.2",
        "  alarm: an alarm",
        f"  1970-01-01 00:00:00Z  fitness_lost  reasons=[{reason}]",
        '  1970-01-01 00:00:00Z  handover_began  reason="not fit to serve"',
    ]
