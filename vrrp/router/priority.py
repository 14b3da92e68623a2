"""From tracked objects to the priority in force, and why.

A value is 1 for well and 0 for down; a file's is the number in it. Weights add up as in keepalived:
a positive one counts while the object is well, a negative one while it is down, and a file's counts
as often as its number says. Without a weight an object that is down, or a file whose number is not
0, is a fault, and the instance does not take part. An object of which nothing is known yet changes
nothing, except that without a weight it keeps an instance from beginning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from vrrp.model.configuration import TrackedKey, TrackedObject
from vrrp.protocol.packet import OWNER_PRIORITY

PRIORITY_MIN: Final = 1
PRIORITY_MAX: Final = 254
"""What weights can move a priority to: 0 and 255 say something else (RFC 9568 5.2.4)."""


class EffectivePriority(msgspec.Struct, frozen=True):
    """The priority in force, and how it comes about.

    ``fault`` keeps the instance from taking part; ``unknown`` from beginning to.
    """

    priority: int
    arithmetic: str
    fault: str | None = None
    unknown: str | None = None


def effective_priority(
    configured: int, tracked: Sequence[TrackedObject], values: Mapping[TrackedKey, int]
) -> EffectivePriority:
    """Decide the priority from the values known, by the objects' keys."""
    decisive = [(each, values.get(each.key)) for each in tracked if each.weight == 0]
    fault = next((words for each, value in decisive if (words := _fault(each, value))), None)
    unknown = next(
        (f"{each.key} is not known yet" for each, value in decisive if value is None), None
    )
    terms = [term for each in tracked if (term := _term(each, values.get(each.key)))]
    if configured == OWNER_PRIORITY or not terms:
        # The owner answers for its own addresses; 255 is not one priority among others.
        return EffectivePriority(configured, str(configured), fault, unknown)
    total = configured + sum(amount for amount, _ in terms)
    priority = min(max(total, PRIORITY_MIN), PRIORITY_MAX)
    limited = "" if priority == total else f", limited to {priority}"
    written = "".join(f" {'-' if n < 0 else '+'} {abs(n)} ({words})" for n, words in terms)
    return EffectivePriority(priority, f"{configured}{written} = {total}{limited}", fault, unknown)


def _fault(tracked: TrackedObject, value: int | None) -> str | None:
    """Say what is wrong with an object that has no weight; None when it is well or not known."""
    if tracked.key.kind == "file":
        return f"{tracked.key} says {value}" if value else None
    return f"{tracked.key} is down" if value == 0 else None


def _term(tracked: TrackedObject, value: int | None) -> tuple[int, str] | None:
    """What an object adds to the priority, and the words for it; None for nothing."""
    key, weight = tracked.key, tracked.weight
    if value is None or weight == 0:
        return None
    if tracked.key.kind == "file":
        return (weight * value, f"{key}: {value} * {weight}") if value else None
    counts = value != 0 if weight > 0 else value == 0
    return (weight, str(key)) if counts else None
