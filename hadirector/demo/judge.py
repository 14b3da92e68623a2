"""Decides, from what the client saw, if each event of the demo kept its promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from hadirector.demo.client import Sample


class Promise(msgspec.Struct, frozen=True):
    """How long after the event requests may go on failing, and why. Seconds; 0 is not at all."""

    seconds: float = 0.0
    because: str = ""


class Event(msgspec.Struct, frozen=True):
    """Something that was done at ``at`` (monotonic seconds), and what was promised about it."""

    title: str
    at: float
    promise: Promise


class Judgement(msgspec.Struct, frozen=True):
    """What one event cost. Durations are seconds.

    ``blackout`` reaches from the first failed request to the first one that was answered after
    the last failed one began, ``over_after`` from the event to that answered one. None: it was not
    over when the next event came. ``servers`` counts the answers by server.
    """

    event: Event
    sent: int
    failed: int
    blackout: float | None
    over_after: float | None
    servers: dict[str, int]
    failures: dict[str, int]

    @property
    def kept(self) -> bool:
        """True if the promise was kept, by requests that were really made."""
        if not self.sent or self.over_after is None:
            return False
        return not self.failed or 0 < self.over_after <= self.event.promise.seconds


def judge_all(events: Sequence[Event], until: float, samples: Sequence[Sample]) -> list[Judgement]:
    """Judge every event by the requests that ended before the next event, the last by ``until``."""
    ends = [event.at for event in events[1:]] + [until]
    return [
        judge(event, [sample for sample in samples if event.at <= sample.ended < end])
        for event, end in zip(events, ends, strict=True)
    ]


def judge(event: Event, samples: Sequence[Sample]) -> Judgement:
    """Judge one event by the requests that ended after it."""
    failed = [max(sample.began, event.at) for sample in samples if sample.failure]
    blackout: float | None = 0.0
    over_after: float | None = 0.0
    if failed:
        answered = [
            sample.began for sample in samples if sample.server and sample.began > max(failed)
        ]
        over = min(answered, default=None)
        blackout = None if over is None else over - min(failed)
        over_after = None if over is None else over - event.at
    return Judgement(
        event=event,
        sent=len(samples),
        failed=len(failed),
        blackout=blackout,
        over_after=over_after,
        servers=dict(Counter(sample.server for sample in samples if sample.server)),
        failures=dict(Counter(sample.failure for sample in samples if sample.failure)),
    )
