"""One check as the checker runs it."""

from __future__ import annotations

import asyncio
import math
from typing import Final

from checks.definition.check import CheckDefinition
from checks.definition.result import Result, Verdict
from checks.io.engine import Attempt
from checks.scheduling.rise_fall import HealthTracker
from checks.scheduling.schedule import Allowance, pace

UNLIMITED: Final = Allowance(None, 0.0)


class Target:
    """One check as it runs. In the heap when it waits, or with a probe under way.

    With a probe that a hint has caused it is both: its due time stays as it was.
    """

    __slots__ = (
        *("allowance", "asked_again", "begin", "by_hint", "definition", "due", "hinted_at"),
        *("pace", "probe", "result", "tracker", "waits", "weight"),
    )

    def __init__(
        self, definition: CheckDefinition, verdict: Verdict, weight: int | None, due: float
    ) -> None:
        timing = definition.timing
        self.definition = definition
        self.tracker = HealthTracker(timing.rise, timing.fall, verdict)
        self.weight = weight  # the one that was asked for last, as in Result
        self.due = due  # by its pace; jitter comes on top
        self.begin = due  # with jitter
        self.allowance = UNLIMITED  # shared with the other checks of its address and port
        self.probe: asyncio.Task[None] | Attempt | None = None
        self.result: Result | None = None  # the latest that told another thing than the one before
        self.asked_again = False
        self.waits = True
        self.by_hint = False
        self.hinted_at = -math.inf
        self.settle_pace()

    def settle_pace(self) -> None:
        """Decide how many seconds there are from one probe to the next, as things stand."""
        tracker = self.tracker
        self.pace = pace(self.definition.timing, tracker.verdict, suspect=tracker.suspect)
