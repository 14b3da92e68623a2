"""The keys of the slow start of real servers, and of flap damping."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from hadirector.config.keys.key import Key
from hadirector.config.keys.readers import PERCENTAGE, choice, duration, integer
from hadirector.config.keys.section import TRUE_OR_FALSE, Section
from hadirector.model import policy

_SLOW_START_DURATION = duration("1s", "1h")


class SlowStartSection(Section):
    """The growth of a real server's weight after it enters the pool."""

    other_form = _SLOW_START_DURATION.json_schema

    model = policy.SlowStart

    duration: Annotated[
        float, _SLOW_START_DURATION, Key("The time until the real server has its full weight.")
    ]
    minimum: Annotated[
        int,
        PERCENTAGE,
        Key(
            "The first weight, as a part of the full weight. It is never less than 1.",
            default="`10%`",
        ),
    ] = 10
    curve: Annotated[
        policy.Curve, choice(policy.Curve), Key("Equal steps, or small steps at first.")
    ] = policy.Curve.LINEAR


class FlapDampingSection(Section):
    """The limit on failures of a real server, and the time that it then stays out of the pool."""

    other_form = TRUE_OR_FALSE

    model = policy.FlapDamping

    failures: Annotated[
        int,
        integer(2, policy.FAILURES_MAX),
        Key(
            "The number of failures within `window` that counts as flapping. A failure is a change"
            " of the verdict, not a single failing probe."
        ),
    ] = 3
    window: Annotated[
        float, duration("1s", "1h"), Key("The time in which failures are counted.")
    ] = 300.0
    hold: Annotated[
        float,
        duration("1s", "1h"),
        Key(
            "How long the real server stays out the first time. Each further failure within"
            " `window` doubles it."
        ),
    ] = 30.0
    hold_max: Annotated[
        float,
        duration("1s", "24h"),
        Key("The longest time out.", type="duration, `1s` to `24h`, at least `hold`"),
    ] = 600.0


def _read_slow_start(value: object) -> object:
    """Read a duration as a mapping that has only the duration."""
    if isinstance(value, dict):
        return value
    return SlowStartSection(duration=_SLOW_START_DURATION(value))


SlowStart = Annotated[SlowStartSection, BeforeValidator(_read_slow_start)]
