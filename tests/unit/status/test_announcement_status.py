"""The reasons of the problems of announced addresses. `test_verdict` has their levels and codes."""

from __future__ import annotations

from msgspec.structs import replace

from hadirector.status.announcement_problems import announcement_problems
from tests.unit.status.announcements import FAULTS, GOOD


def test_an_announced_group_with_a_session_has_no_problem() -> None:
    assert list(announcement_problems(GOOD)) == []
    assert list(announcement_problems(replace(GOOD, engine=None))) == []


def test_a_problem_has_the_reason_of_the_role_and_of_the_engine() -> None:
    [reluctant] = announcement_problems(FAULTS["reluctant"][0])
    assert reluctant.reason == "web is reluctant: the director is blind"
    [absent] = announcement_problems(FAULTS["no engine"][0])
    assert absent.reason == "the addresses are announced to no router: bird does not answer"
