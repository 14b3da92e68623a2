"""The announcement of a group follows the facts at once, and returns after ``rise``."""

from __future__ import annotations

import pytest

from hadirector.announce.decision import (
    STARTING,
    AnnouncementRole,
    Facts,
    GroupState,
    adopt,
    decide,
    due_in,
    lapse,
)
from hadirector.model.announcement import AnnouncedGroup, PassingMarks, WhenShort

ANNOUNCED, RELUCTANT, WITHDRAWN = AnnouncementRole
GOOD = Facts(passing={"web": 100.0})
GROUP = AnnouncedGroup(
    name="web",
    addresses=("203.0.113.1",),
    pools=("web",),
    passing=PassingMarks(30, 50),
    rise=5.0,
)
SERVING = GroupState(ANNOUNCED, "all conditions hold", short=False, since=100.0)


def test_a_director_that_starts_is_announced_after_rise() -> None:
    waiting = decide(GROUP, STARTING, Facts(held_out="2 targets have no verdict yet"), 100.0)
    assert waiting.role is WITHDRAWN
    rising = decide(GROUP, waiting, GOOD, 101.0)
    assert (rising.role, due_in(GROUP, rising, 102.0)) == (WITHDRAWN, 4.0)
    assert rising.reason == "all conditions must hold for 5 s"
    assert decide(GROUP, rising, GOOD, 105.9).role is WITHDRAWN
    assert decide(GROUP, rising, GOOD, 106.0).role is ANNOUNCED


def test_a_condition_that_fails_while_the_group_rises_begins_rise_again() -> None:
    rising = decide(GROUP, STARTING, GOOD, 100.0)
    blind = decide(GROUP, rising, Facts(blind=True, passing={"web": 100.0}), 104.0)
    assert blind.role is RELUCTANT
    again = decide(GROUP, blind, GOOD, 105.0)
    assert decide(GROUP, again, GOOD, 109.9).role is RELUCTANT
    assert decide(GROUP, again, GOOD, 110.0).role is ANNOUNCED


@pytest.mark.parametrize(
    ("facts", "role", "reason"),
    [
        (Facts(blind=True, passing={"web": 100.0}), RELUCTANT, "the director is blind"),
        (Facts(unfit=("the table", "2"), passing={}), RELUCTANT, "not fit to serve: the table"),
        (Facts(leaving=True, blind=True), WITHDRAWN, "the director stops"),
        (
            Facts(handed_over=frozenset({"web"}), blind=True),
            WITHDRAWN,
            "an operator handed the group over",
        ),
        (Facts(handed_over=frozenset({"dns"})), ANNOUNCED, "all conditions hold"),
        (
            Facts(passing={"web": 29.9}),
            RELUCTANT,
            "web is short: 30% of its weight pass, 30% needed",
        ),
        (Facts(passing={"web": 30.0}), ANNOUNCED, "all conditions hold"),
        (Facts(passing={"web": 30.0, "other": 0.0}), ANNOUNCED, "all conditions hold"),
    ],
)
def test_each_fact_has_its_effect_at_once(
    facts: Facts, role: AnnouncementRole, reason: str
) -> None:
    decided = decide(GROUP, SERVING, facts, 200.0)
    assert (decided.role, decided.reason) == (role, reason)
    assert decided.since == (100.0 if role is ANNOUNCED else 200.0)


def test_a_short_pool_needs_the_high_mark() -> None:
    """So do pools of a director that starts."""
    short = decide(GROUP, SERVING, Facts(passing={"web": 20.0}), 200.0)
    assert decide(GROUP, short, Facts(passing={"web": 49.9}), 300.0).short is True
    assert decide(GROUP, short, Facts(passing={"web": 50.0}), 300.0).short is False
    assert decide(GROUP, STARTING, Facts(passing={"web": 49.9}), 300.0).short is True


@pytest.mark.parametrize(
    ("when_short", "role"),
    [
        (WhenShort.RELUCTANT, RELUCTANT),
        (WhenShort.WITHDRAW, WITHDRAWN),
        (WhenShort.ANNOUNCE, ANNOUNCED),
    ],
)
def test_the_group_decides_what_a_short_pool_does(
    when_short: WhenShort, role: AnnouncementRole
) -> None:
    group = AnnouncedGroup(name="web", addresses=(), pools=("web",), when_short=when_short)
    assert decide(group, SERVING, Facts(passing={"web": 0.0}), 200.0).role is role


def test_an_adopted_group_stays_while_the_director_starts() -> None:
    """After a restart at 40 % an announced group has its low mark, a reluctant group the high."""
    starting, facts = Facts(held_out="starting"), Facts(passing={"web": 40.0})
    for reluctant, role in ((False, ANNOUNCED), (True, RELUCTANT)):
        adopted = decide(GROUP, adopt(10.0, reluctant=reluctant), starting, 11.0)
        assert adopted.role is role
        assert decide(GROUP, adopted, facts, 12.0).role is role


def test_after_a_lapse_the_group_rises_again() -> None:
    """A suspended director has old facts, and the kernel has removed its addresses."""
    lapsed = lapse(SERVING, 200.0)
    assert (lapsed.role, lapsed.reason) == (WITHDRAWN, "the lifetime has ended")
    rising = decide(GROUP, lapsed, GOOD, 200.0)
    assert (rising.role, due_in(GROUP, rising, 200.0)) == (WITHDRAWN, 5.0)


def test_a_group_that_a_peer_announces_with_other_hash_tables_is_not_begun() -> None:
    """A group that is announced already stays announced, because it may be the better one."""
    facts = Facts(passing={"web": 100.0}, differing={"web": "lb2 announces web"})
    waiting = decide(GROUP, STARTING, facts, 100.0)
    assert (waiting.role, waiting.reason, waiting.good_since) == (
        WITHDRAWN,
        "lb2 announces web",
        None,
    )
    assert decide(GROUP, SERVING, facts, 200.0).role is ANNOUNCED
    others = Facts(passing={"web": 100.0}, differing={"dns": "lb2 announces dns"})
    assert decide(GROUP, STARTING, others, 100.0).reason == "all conditions must hold for 5 s"
