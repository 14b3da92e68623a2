"""A real server that its source no longer names is absent, and its failing check is no problem."""

from __future__ import annotations

from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.model.configuration import RealServer
from hadirector.model.ipvs import DestinationKey
from hadirector.status.overview import MemberCounts, virtual_server_overview
from hadirector.status.problems import judge_director
from hadirector.status.report import real_server_statuses
from hadirector.status.verdict import Level
from tests.builders import a_virtual_server
from tests.unit.status.test_verdict import BAD, GOOD, with_members

ABSENT = replace(BAD, address="192.0.2.48:80", wanted_weight=0, actual_weight=0, absent=True)


def test_a_failing_server_that_its_source_no_longer_names_is_no_problem() -> None:
    verdict = judge_director(with_members(GOOD, ABSENT, replace(ABSENT, verdict=Verdict.UNKNOWN)))
    assert (verdict.level, verdict.problems) == (Level.OK, ())
    assert verdict.summary == "lb1: ACTIVE for web, 1 real server of 1 virtual server pass"


def test_a_failing_pool_does_not_count_absent_servers() -> None:
    [problem] = judge_director(with_members(GOOD, BAD, ABSENT)).problems
    assert problem.reason == (
        "1 of 2 real servers serve; 1 real server fails (192.0.2.45:80: timeout)"
    )
    held = replace(BAD, wanted_weight=1, actual_weight=1)
    [problem] = judge_director(with_members(held, ABSENT)).problems
    assert problem.code == "no_server_passes"
    [problem] = judge_director(with_members(BAD, ABSENT)).problems
    assert problem.reason == ("no client is served: all real servers fail (192.0.2.45:80: timeout)")


def test_a_pool_of_absent_servers_serves_no_client() -> None:
    absent = replace(ABSENT, weight_reason="absent from members")
    [problem] = judge_director(with_members(absent)).problems
    assert (problem.code, problem.reason) == (
        "no_server_serves",
        "no client is served: no real server has a weight"
        " (for example 192.0.2.48:80: absent from members)",
    )


def test_the_overview_does_not_count_absent_servers() -> None:
    [pool] = with_members(GOOD, ABSENT).virtual_servers
    counts = MemberCounts()
    for member in pool.real_servers:
        counts.add(member)
    row = virtual_server_overview(pool, counts, ())
    assert (row.real_servers, row.passing, row.serving) == (1, 1, 1)


def test_the_status_shows_that_a_source_no_longer_names_a_server() -> None:
    named = RealServer(key=DestinationKey("10.0.0.1", 80), source="members")
    absent = replace(named, key=DestinationKey("10.0.0.2", 80), absent=True)
    statuses = real_server_statuses(
        a_virtual_server(named, absent), {}, {}, {}, judgement=None, overrides={}, now=0.0
    )
    assert {each.address: each.absent for each in statuses} == {
        "10.0.0.1:80": False,
        "10.0.0.2:80": True,
    }
