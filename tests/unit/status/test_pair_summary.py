"""The problems of a pair in the verdict on a director."""

from __future__ import annotations

from msgspec.structs import replace

from hadirector.status.pair_summary import PairSummary
from hadirector.status.problems import judge_director
from hadirector.status.verdict import Level, Problem
from tests.unit.status.test_verdict import STATUS


def test_the_problems_of_a_pair_join_the_verdict() -> None:
    problem = Problem(
        level=Level.CRITICAL, code="split_brain", object="instance web", reason="two", remedy="look"
    )
    pair = PairSummary(name="edge", standby="lb2 could take over", peers=(), problems=(problem,))
    verdict = judge_director(replace(STATUS, pair=pair))
    assert verdict.level is Level.CRITICAL
    assert verdict.summary == "pair edge: instance web: two; lb2 could take over"
