"""Decides the verdict on a target from its latest outcomes, by ``rise`` and ``fall``. Pure."""

from __future__ import annotations

from checks.definition.result import Verdict


class HealthTracker:
    """Decides the verdict on one target.

    The verdict is unknown before the first probe, and the first probe alone decides it. After
    that, ``fall`` failures in a row make a passing target fail, and ``rise`` passes in a row
    make a failing target pass. Both are at least 1. A target may also begin as passing, for
    example after a restart of this program.
    """

    __slots__ = ("_contrary", "_fall", "_rise", "verdict")

    def __init__(self, rise: int, fall: int, verdict: Verdict = Verdict.UNKNOWN) -> None:
        assert rise >= 1
        assert fall >= 1
        self.verdict = verdict
        self._rise = rise
        self._fall = fall
        self._contrary = 0  # number of successive outcomes that contradict the verdict

    def record(self, passed: bool) -> bool:
        """Record the outcome of a probe, and return whether it changes the verdict."""
        outcome = Verdict.PASSING if passed else Verdict.FAILING
        if outcome is self.verdict:
            self._contrary = 0
            return False
        self._contrary += 1
        if self._contrary < self._threshold():
            return False
        self.verdict = outcome
        self._contrary = 0
        return True

    @property
    def suspect(self) -> bool:
        """Whether the latest outcomes contradict the verdict, so that it may change soon."""
        return self._contrary > 0

    def _threshold(self) -> int:
        match self.verdict:
            case Verdict.UNKNOWN:
                return 1
            case Verdict.PASSING:
                return self._fall
            case Verdict.FAILING:
                return self._rise
