"""The keys that say how the weights of a pool are judged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, PlainValidator

from hadirector.config.keys.section import Section
from hadirector.config.keys.values import choice, duration, expected, percentage, whole
from hadirector.model import policy as pool_policy
from hadirector.model.policy import FAILURES_MAX, Curve

InitialState = Annotated[Literal["down", "up"], PlainValidator(choice(("down", "up")))]
_slow_start_duration = duration("1s", "1h")


class SlowStartSection(Section):
    """How a real server that comes in grows to its weight."""

    duration: Annotated[float, PlainValidator(_slow_start_duration)]
    minimum: Annotated[int, PlainValidator(percentage)] = 10
    curve: Annotated[Curve, PlainValidator(choice(Curve))] = Curve.LINEAR

    @property
    def policy(self) -> pool_policy.SlowStart:
        """What the judgement goes by."""
        return pool_policy.SlowStart(self.duration, self.minimum, self.curve)


class FlapDampingSection(Section):
    """When a real server flaps, and how long it is then held out."""

    failures: Annotated[int, PlainValidator(whole(2, FAILURES_MAX))] = 3
    window: Annotated[float, PlainValidator(duration("1s", "1h"))] = 300.0
    hold: Annotated[float, PlainValidator(duration("1s", "1h"))] = 30.0
    hold_max: Annotated[float, PlainValidator(duration("1s", "24h"))] = 600.0

    @property
    def policy(self) -> pool_policy.FlapDamping:
        """What the judgement goes by."""
        return pool_policy.FlapDamping(self.failures, self.window, self.hold, self.hold_max)


def _damping(value: object) -> object:
    """Read true as damping with every default and false as none."""
    if isinstance(value, bool):
        return FlapDampingSection() if value else None
    if not isinstance(value, dict):
        raise expected("true, false or a mapping")
    return value


FlapDamping = Annotated[FlapDampingSection | None, BeforeValidator(_damping)]


def _duration_alone(value: object) -> object:
    """Read a duration as that of a mapping that has nothing else."""
    if isinstance(value, dict):
        return value
    return SlowStartSection(duration=_slow_start_duration(value))


SlowStart = Annotated[SlowStartSection, BeforeValidator(_duration_alone)]
