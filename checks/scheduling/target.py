"""The state of one check while the checker runs it."""

from __future__ import annotations

import asyncio
import math
from typing import Final

from checks.definition.check import CheckDefinition
from checks.definition.result import Result, Verdict
from checks.io.engine import Attempt
from checks.scheduling.rise_fall import HealthTracker
from checks.scheduling.schedule import RateLimit, current_interval

UNLIMITED: Final = RateLimit(None, 0.0)


class Target:
    """The state of one check while the checker runs it.

    A target is either in the timer queue or has a probe in progress. A target with a probe that
    a hint caused is in the queue too, and its due time does not change.
    """

    __slots__ = (
        *("begins_at", "caused_by_hint", "definition", "due", "hinted_at", "interval"),
        *("is_queued", "probe", "rate_limit", "repeated", "result", "tracker", "unattended_before"),
        "weight",
    )

    def __init__(
        self, definition: CheckDefinition, verdict: Verdict, weight: int | None, due: float
    ) -> None:
        timing = definition.timing
        self.definition = definition
        self.tracker = HealthTracker(timing.rise, timing.fall, verdict)
        self.weight = weight  # the latest requested weight, as in Result
        self.due = due  # without jitter
        self.begins_at = due  # with jitter
        self.rate_limit = UNLIMITED  # shared by the checks of the same address and port
        self.probe: asyncio.Task[None] | Attempt | None = None
        self.result: Result | None = None  # the latest that differs in more than its duration
        self.repeated = False  # the probe in progress repeats a probe that this host has delayed
        self.unattended_before = 0.0  # `Attention.unattended` when the probe in progress began
        self.is_queued = True
        self.caused_by_hint = False  # a hint has caused the probe in progress
        self.hinted_at = -math.inf
        self.update_interval()

    def update_interval(self) -> None:
        """Select the fast, slow or normal interval by the verdict and the latest outcomes."""
        tracker, timing = self.tracker, self.definition.timing
        self.interval = current_interval(timing, tracker.verdict, suspect=tracker.suspect)
