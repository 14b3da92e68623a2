"""Calculates the priority of an instance from its tracked objects.

The value of an object is 1 if it is up and 0 if it is down. The value of a file is the number in
it. Weights are added as in keepalived (`TrackedObject.amount`).

An object without a weight does not change the priority. If it is down, or if it is a file with a
number other than 0, the instance has a fault and takes no part in elections. Before its value is
known, the instance does not start. An object with a weight and an unknown value adds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from vrrp.model.configuration import TrackedKey, TrackedObject
from vrrp.model.report import PriorityTerm
from vrrp.protocol.packet import OWNER_PRIORITY

PRIORITY_MIN: Final = 1
PRIORITY_MAX: Final = 254
"""The range that weights can reach: 0 and 255 have special meanings (RFC 9568 5.2.4)."""


class Impairment(StrEnum):
    """Why a peer should be ACTIVE instead of this router: a lowered priority, or an unfit host."""

    NONE = "none"
    LOWERED = "lowered"
    """A tracked object has lowered the priority, so a peer may win."""
    UNFIT = "unfit"
    """The host cannot serve: it is blind or not fit."""

    @property
    def description(self) -> str:
        """The impairment as a text, for use in a reason."""
        return "not fit to serve" if self is Impairment.UNFIT else "the priority is lowered"


_CONFIGURED: Final = "configured"
_UNFIT_KINDS: Final = frozenset({"visibility", "fitness"})


class EffectivePriority(msgspec.Struct, frozen=True):
    """The priority of an instance, its calculation as a text, and the ``terms`` of its sum.

    ``fault`` is why the instance cannot take part in elections. ``unknown`` is why it cannot
    start yet.
    """

    priority: int
    arithmetic: str
    fault: str | None = None
    unknown: str | None = None
    impairment: Impairment = Impairment.NONE
    terms: tuple[PriorityTerm, ...] = ()


def effective_priority(
    configured: int, objects: Sequence[TrackedObject], values: Mapping[TrackedKey, int]
) -> EffectivePriority:
    """Calculate the priority from the known ``values`` of the tracked objects."""
    required = [(tracked, values.get(tracked.key)) for tracked in objects if tracked.weight == 0]
    fault = next((text for tracked, value in required if (text := _fault(tracked, value))), None)
    unknown = next((_unknown(tracked) for tracked, value in required if value is None), None)
    terms = [term for tracked in objects if (term := _term(tracked, values.get(tracked.key)))]
    if configured == OWNER_PRIORITY:
        # Weights do not apply to the address owner: its priority is always 255.
        alone = (PriorityTerm(configured, _CONFIGURED),)
        return EffectivePriority(configured, str(configured), fault, unknown, terms=alone)
    total = configured + sum(amount for amount, _ in terms)
    priority = _limit(total)
    limited = "" if priority == total else f", limited to {priority}"
    added = "".join(f" {'-' if n < 0 else '+'} {abs(n)} ({name})" for n, name in terms)
    arithmetic = f"{configured}{added} = {total}{limited}" if terms else str(configured)
    impairment = _impairment(configured, priority, objects, values)
    every = ((configured, _CONFIGURED), *terms)
    return EffectivePriority(
        priority,
        arithmetic,
        fault,
        unknown,
        impairment,
        tuple(PriorityTerm(amount, reason) for amount, reason in every),
    )


def _limit(priority: int) -> int:
    return min(max(priority, PRIORITY_MIN), PRIORITY_MAX)


def _impairment(
    configured: int,
    priority: int,
    objects: Sequence[TrackedObject],
    values: Mapping[TrackedKey, int],
) -> Impairment:
    """Return the impairment: an unfit host, or a priority that an object has lowered.

    The priority is lowered if it is below the priority with all objects up.
    """
    full = configured
    for tracked in objects:
        value = values.get(tracked.key)
        if value is not None:
            full += _amount_when_up(tracked, value)
        if value == 0 and tracked.weight < 0 and tracked.key.kind in _UNFIT_KINDS:
            return Impairment.UNFIT
    return Impairment.LOWERED if priority < _limit(full) else Impairment.NONE


def _amount_when_up(tracked: TrackedObject, value: int) -> int:
    """Return the number that an object adds while it is up. A file lowers only below 0."""
    if tracked.key.kind == "file":
        return max(0, tracked.weight) * max(0, value)
    return tracked.amount(1)


def _fault(tracked: TrackedObject, value: int | None) -> str | None:
    """Return the fault of an object without a weight; None if it is up or unknown."""
    if tracked.key.kind == "file":
        return f"{tracked.key} contains {value}" if value else None
    return f"{tracked.key} is down" if value == 0 else None


def _unknown(tracked: TrackedObject) -> str:
    return f"the state of {tracked.key} is not known yet"


def _term(tracked: TrackedObject, value: int | None) -> tuple[int, str] | None:
    """Return the amount that an object adds to the priority, and its name; None if it adds none."""
    amount = 0 if value is None else tracked.amount(value)
    if amount == 0:
        return None
    is_file = tracked.key.kind == "file"
    return amount, f"{tracked.key}: {value} * {tracked.weight}" if is_file else str(tracked.key)
