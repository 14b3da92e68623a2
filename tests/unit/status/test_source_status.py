"""When a source is a problem of the director."""

from __future__ import annotations

from hadirector.status.source_problems import source_problems
from tests.unit.status.source_faults import NO_FAULTS


def test_a_short_failure_of_a_source_is_no_problem() -> None:
    assert list(source_problems(NO_FAULTS)) == []
