"""Rise and fall: from the outcomes of single probes to a verdict."""

from __future__ import annotations

from checks.definition.result import Verdict


class HealthTracker:
    """Judges one target by its probes.

    The first probe decides at once: an unknown target that passes enters, one that fails is
    failing (it had no traffic to lose) and then needs ``rise`` passes like any failed target.
    A target known to be passing, also one adopted at a restart, leaves only after ``fall``
    failures in a row. ``rise`` and ``fall`` are at least 1.
    """

    __slots__ = ("_against", "_fall", "_rise", "verdict")

    def __init__(self, rise: int, fall: int, verdict: Verdict = Verdict.UNKNOWN) -> None:
        assert rise >= 1
        assert fall >= 1
        self.verdict = verdict
        self._rise = rise
        self._fall = fall
        self._against = 0  # outcomes in a row that contradict the verdict

    def record(self, passed: bool) -> bool:
        """Take one probe's outcome into account; True when the verdict flips."""
        outcome = Verdict.PASSING if passed else Verdict.FAILING
        if outcome is self.verdict:
            self._against = 0
            return False
        self._against += 1
        if self._against < self._needed():
            return False
        self.verdict = outcome
        self._against = 0
        return True

    @property
    def suspect(self) -> bool:
        """Whether the latest outcomes contradict the verdict, and may yet flip it."""
        return self._against > 0

    def _needed(self) -> int:
        match self.verdict:
            case Verdict.UNKNOWN:
                return 1
            case Verdict.PASSING:
                return self._fall
            case Verdict.FAILING:
                return self._rise
