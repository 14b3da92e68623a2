"""Problems that occur often are counted, and reported less and less often."""

from __future__ import annotations

from vrrp.instance.rate_limited_notices import RateLimitedNotices
from vrrp.model.report import Notice


def reported(cases: range) -> list[tuple[int, object]]:
    """Return when notices appear and their counts, for a case in each of these seconds."""
    notices: list[Notice] = []
    limited = RateLimitedNotices(notices.append, instance="web")
    seen: list[tuple[int, object]] = []
    for second in cases:
        limited.note("failed", "failures", float(second))
        if len(notices) > len(seen):
            seen.append((second, notices[-1].fields["count"]))
    return seen


def test_a_problem_that_lasts_is_reported_after_10_20_40_seconds_and_so_on() -> None:
    assert reported(range(2000)) == [
        (0, 1),
        (10, 10),
        (30, 20),
        (70, 40),
        (150, 80),
        (310, 160),
        (630, 320),
        (1270, 640),
        (1910, 640),
    ]


def test_a_problem_that_occurs_seldom_is_reported_each_time() -> None:
    assert reported(range(0, 60, 20)) == [(0, 1), (20, 1), (40, 1)]
