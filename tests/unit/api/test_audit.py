"""Changes and refused attempts are recorded with their actors, at a limited rate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from hadirector.api import audit
from hadirector.api.actor import Actor, Role
from hadirector.api.audit import Audit
from hadirector.api.problems import Code, ProblemError

ANN = Actor("unix:ann", Role.OPERATE, "pid 7", "a1", "sudo:bob")
BOB = Actor("unix:bob", Role.READ, "pid 8", "a2")


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as captured:
        yield captured


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(audit, "monotonic", lambda: now[0])
    return now


def test_a_change_is_recorded_with_its_actor(lines: list[Any]) -> None:
    Audit().note_change("PUT /v1/handover", ANN, 200)
    assert lines == [
        {
            "event": "change_made",
            "log_level": "info",
            "request": "PUT /v1/handover",
            "actor": "unix:ann",
            "role": "operate",
            "address": "pid 7",
            "request_id": "a1",
            "claimed": "sudo:bob",
            "outcome": "200",
        }
    ]


def test_refused_attempts_do_not_push_other_events_out(
    lines: list[Any], clock: list[float]
) -> None:
    recorded = Audit()
    for _ in range(50):
        recorded.note_refusal("PUT /v1/handover", BOB, Code.FORBIDDEN, "no")
    recorded.note_refusal("PUT /v1/handover", ANN, Code.FORBIDDEN, "no")
    assert len([line for line in lines if line["actor"] == "unix:bob"]) == 10
    assert lines[-1]["actor"] == "unix:ann"
    assert lines[-1]["unreported"] == 40
    clock[0] += 5.0
    recorded.note_refusal("PUT /v1/handover", BOB, Code.FORBIDDEN, "no")
    assert len([line for line in lines if line["actor"] == "unix:bob"]) == 11


def test_an_actor_may_make_twenty_changes_per_second(clock: list[float]) -> None:
    limits = Audit()
    for _ in range(40):
        limits.limit(ANN)
    with pytest.raises(ProblemError) as caught:
        limits.limit(ANN)
    assert caught.value.code is Code.TOO_MANY
    assert caught.value.headers == {"Retry-After": "1"}
    limits.limit(BOB)
    clock[0] += 1.0
    for _ in range(20):
        limits.limit(ANN)
    with pytest.raises(ProblemError):
        limits.limit(ANN)
