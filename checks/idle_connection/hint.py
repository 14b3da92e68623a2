"""Decides which hints cause a probe, and when to connect again. Pure.

A hint is a sign that a target may have failed: the end of an idle connection, a neighbor that does
not answer, or an interface without a carrier. Only a probe can confirm it. Times are monotonic
seconds.
"""

from __future__ import annotations

from typing import Final

from checks.definition.result import Reason, Verdict

SPACING: Final = 0.2
"""The minimum time between two hints for one target, in seconds. An earlier hint is dropped: the
probe that the first hint caused has just seen the same state of the target."""

LASTING: Final = 2.0
"""The minimum duration of a connection that the target accepted, in seconds. If such a connection
ends, the target has an idle timeout and did not refuse the connection."""

DELAY_MIN: Final = 1.0
DELAY_MAX: Final = 60.0

_QUICK_FAILURES: Final = {Reason.REFUSED, Reason.RESET}


def causes_probe(verdict: Verdict, hinted_at: float, now: float) -> bool:
    """Return True if the target is passing and no hint caused a probe in the last SPACING seconds.

    ``hinted_at`` is the time of the last hint for the target that caused a probe.
    """
    return verdict is Verdict.PASSING and now - hinted_at >= SPACING


def repeat_at_once(verdict: Verdict, reason: Reason) -> bool:
    """Return whether a failed probe that a hint caused is repeated without waiting.

    After a refusal or a reset it is, because the ``fall`` probes that make the target fail then
    take no time. After a timeout it is not, because each further probe may take its whole
    timeout again.
    """
    return verdict is Verdict.PASSING and reason in _QUICK_FAILURES


def reconnect_delay(lasted: float, previous_delay: float) -> float:
    """Return the minimum number of seconds until the next connection to a target.

    ``lasted`` is the duration of the last connection. If it was at least LASTING, the delay is
    0. If the target closes connections sooner, the delay doubles each time, up to one minute.
    """
    return 0.0 if lasted >= LASTING else min(max(2 * previous_delay, DELAY_MIN), DELAY_MAX)
