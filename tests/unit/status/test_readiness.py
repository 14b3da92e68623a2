"""Whether a director could serve now."""

from __future__ import annotations

import pytest

from hadirector.status.readiness import CONDITIONS, decide_readiness
from hadirector.status.verdict import Level, Problem
from tests.unit.status.test_verdict import FOUND


def problem(code: str) -> Problem:
    return Problem(level=Level.DEGRADED, code=code, object="web", reason="r", remedy="d")


def test_without_a_problem_a_director_is_ready() -> None:
    readiness = decide_readiness([])
    assert readiness.ready
    assert [condition.name for condition in readiness.conditions] == [
        "processes",
        "elections",
        "table",
        "verdicts",
        "visibility",
        "host",
        "state",
    ]
    assert all(condition.met for condition in readiness.conditions)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("process_down", "processes"),
        ("instance_fault", "elections"),
        ("unfit", "table"),
        ("servers_unknown", "verdicts"),
        ("blind", "visibility"),
        ("sync_daemon_missing", "host"),
        ("state_not_writable", "state"),
    ],
)
def test_a_problem_violates_one_condition(code: str, name: str) -> None:
    readiness = decide_readiness([problem(code), problem("servers_failing")])
    assert not readiness.ready
    [violated] = [condition for condition in readiness.conditions if not condition.met]
    assert (violated.name, violated.problems) == (name, (problem(code),))


def test_failing_real_servers_do_not_make_a_director_unready() -> None:
    """Its peer sees the same real servers."""
    assert decide_readiness([problem("servers_failing"), problem("no_server_serves")]).ready


def test_each_code_of_a_condition_exists() -> None:
    known = {code for _, _, code, _ in FOUND.values()}
    assert frozenset().union(*CONDITIONS.values()) <= known
