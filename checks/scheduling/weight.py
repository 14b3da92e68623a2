"""How fast a target's weight follows what the target asks for."""

from __future__ import annotations

WHOLE = 100
"""Percent of its configured weight: what a target has that asks for nothing."""


def followed(given: int | None, asked: int | None, step: int | None) -> int | None:
    """Say what a target is given after one probe more, in percent as in Result.

    ``given`` is what it had so far, ``asked`` what it asks for, ``step`` how far that moves in one
    probe, None for all the way. To ask for nothing more, 0, is an order and not a measure: it is
    met at once.
    """
    if step is None or asked == 0:
        return asked
    before = WHOLE if given is None else given
    target = WHOLE if asked is None else asked
    if abs(target - before) <= step:
        return asked
    return before + (step if target > before else -step)
