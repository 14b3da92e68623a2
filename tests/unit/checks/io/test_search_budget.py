"""How the time for long searches is divided among the targets."""

from __future__ import annotations

from collections import Counter

from checks.io.search_budget import SHORT_SECONDS, WHOLE_SECONDS, SearchBudget

NOW = 1000.0


def spent() -> SearchBudget:
    """Return a budget whose bucket of 0.3 s has just been used up by three targets."""
    budget = SearchBudget()
    for number in range(3):
        assert budget.limit(f"slow {number}", NOW) == WHOLE_SECONDS
        budget.note_break(f"slow {number}", WHOLE_SECONDS, NOW)
    return budget


def test_a_whole_search_that_is_broken_off_fails_its_target() -> None:
    budget = spent()
    assert budget.is_too_long("slow 0")
    assert not budget.is_too_long("good")


def test_a_target_whose_search_was_broken_off_waits_until_there_is_time_again() -> None:
    """Another target is searched for a short time. Its own whole search waits for its turn."""
    budget = spent()
    assert budget.limit("slow 0", NOW) == 0
    assert budget.limit("good", NOW) == SHORT_SECONDS
    assert budget.limit("slow 0", NOW + 0.1) == 0
    assert budget.limit("slow 0", NOW + 0.6) == WHOLE_SECONDS


def test_a_short_search_that_is_broken_off_proves_nothing() -> None:
    budget = spent()
    budget.note_break("unlucky", SHORT_SECONDS, NOW)
    assert not budget.is_too_long("unlucky")
    assert budget.limit("unlucky", NOW) == 0
    budget.note_break("slow 0", SHORT_SECONDS, NOW)
    assert budget.is_too_long("slow 0")


def test_a_search_that_ends_clears_its_target() -> None:
    budget = spent()
    budget.note_end("slow 0", 0.00002)
    assert not budget.is_too_long("slow 0")
    assert budget.limit("slow 0", NOW) == SHORT_SECONDS


def test_quick_searches_are_free() -> None:
    budget = SearchBudget()
    for _ in range(10_000):
        budget.note_end("good", 0.0009)
    assert budget.limit("good", NOW) == WHOLE_SECONDS


def test_all_long_searches_together_take_a_fifth_of_the_time() -> None:
    """Fifty targets are searched a hundred times a second, and each gets its whole searches."""
    budget, used = SearchBudget(), 0.0
    whole: Counter[str] = Counter()
    for step in range(10_000):
        target, now = f"slow {step % 50}", step * 0.01
        if limit := budget.limit(target, now):
            budget.note_break(target, limit, now)
            used += limit
            whole[target] += limit == WHOLE_SECONDS
    assert used < 0.2 * 100 + 0.3 + WHOLE_SECONDS + 50 * SHORT_SECONDS
    assert min(whole.values()) >= 1
    assert len(whole) == 50


def test_removed_targets_are_forgotten() -> None:
    budget = spent()
    budget.keep({"slow 1"})
    assert [budget.is_too_long(f"slow {number}") for number in range(3)] == [False, True, False]
