"""Decides whether each outage that the client saw was within its promised limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from hadirector.demo.client import Sample


class Promise(msgspec.Struct, frozen=True):
    """The longest time after an event in which requests may fail, in seconds, and the reason."""

    seconds: float = 0.0
    formula: str = ""


class Event(msgspec.Struct, frozen=True):
    """An action of the demo, its time (monotonic seconds), and the promise for its effect."""

    title: str
    at: float
    promise: Promise


class Outcome(msgspec.Struct, frozen=True):
    """The effect of an event on the requests of the client.

    The outage lasts from the first failed request to the first answered request that began
    after the last failed request. ``outage`` is its length, and ``recovered_after`` is the time
    from the event to its end, in seconds. Both are None if the outage lasted until the next
    event. ``servers`` counts the answers by server.
    """

    event: Event
    sent: int
    failed: int
    outage: float | None
    recovered_after: float | None
    servers: dict[str, int]
    failures: dict[str, int]

    @property
    def kept(self) -> bool:
        """Whether the promise was kept. It was not kept if there was no request."""
        if not self.sent or self.recovered_after is None:
            return False
        return not self.failed or 0 < self.recovered_after <= self.event.promise.seconds


def evaluate_all(events: Sequence[Event], until: float, samples: Sequence[Sample]) -> list[Outcome]:
    """Evaluate each event with the requests that ended between it and the next event.

    The last event is evaluated with the requests that ended before ``until``.
    """
    ends = [event.at for event in events[1:]] + [until]
    return [
        evaluate(event, [sample for sample in samples if event.at <= sample.ended < end])
        for event, end in zip(events, ends, strict=True)
    ]


def evaluate(event: Event, samples: Sequence[Sample]) -> Outcome:
    """Evaluate an event with the requests that ended after it."""
    failed = [max(sample.began, event.at) for sample in samples if sample.failure]
    outage: float | None = 0.0
    recovered_after: float | None = 0.0
    if failed:
        answered = [
            sample.began for sample in samples if sample.server and sample.began > max(failed)
        ]
        end = min(answered, default=None)
        outage = None if end is None else end - min(failed)
        recovered_after = None if end is None else end - event.at
    return Outcome(
        event=event,
        sent=len(samples),
        failed=len(failed),
        outage=outage,
        recovered_after=recovered_after,
        servers=dict(Counter(sample.server for sample in samples if sample.server)),
        failures=dict(Counter(sample.failure for sample in samples if sample.failure)),
    )
