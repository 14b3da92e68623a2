"""Decides what comes of hints: signs that a target may have gone, which only a probe can prove.

Pure. A hint is an idle connection's connection that ended, a neighbour that does not answer, or an
interface that lost its carrier. Times are monotonic seconds.
"""

from __future__ import annotations

from typing import Final

from checks.definition.result import Reason, Verdict

SPACING: Final = 0.2
"""Hints for one target that follow a heard one sooner than this are dropped, seconds: the probe
that it caused has just seen the same."""

LASTING: Final = 2.0
"""A connection that ended after this many seconds was an idle one that the target had kept."""

GAP_MIN: Final = 1.0
GAP_MAX: Final = 60.0

_PROOFS: Final = {Reason.REFUSED, Reason.RESET}


def is_heard(verdict: Verdict, heard_at: float, now: float) -> bool:
    """Whether a hint causes a probe: only of a passing target, and so often at most."""
    return verdict is Verdict.PASSING and now - heard_at >= SPACING


def asks_again(verdict: Verdict, reason: Reason) -> bool:
    """Whether a probe that a hint caused is followed by another one at once.

    A refusal or a reset comes as quickly as it did now, until ``fall`` of them are a verdict. A
    silent target would cost a whole timeout each time: that waits for its due time.
    """
    return verdict is Verdict.PASSING and reason in _PROOFS


def gap_after(lasted: float, gap: float) -> float:
    """How long to keep away from a target whose connection has ended after ``lasted`` seconds.

    Not at all when it had kept it for a while, as servers do that end idle connections. One that
    ends them at once is left alone for twice the last ``gap`` each time, up to a minute.
    """
    return 0.0 if lasted >= LASTING else min(max(2 * gap, GAP_MIN), GAP_MAX)
