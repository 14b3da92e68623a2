"""The inputs of a decision about weights. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from checks.definition.check import CheckDefinition
from hadirector.health.target import UNKNOWN_TARGET, Targets, TargetState
from hadirector.overrides.model import Override, RealServerName


class Facts(msgspec.Struct, frozen=True):
    """The states of targets, the overrides in force, and the time in monotonic seconds.

    ``blind``: the director receives no answer from any target, by a fault of its own.
    """

    targets: Targets
    overrides: Mapping[RealServerName, Override] = {}
    now: float = 0.0
    blind: bool = False
    live: Targets | None = None

    def target(self, check: CheckDefinition) -> TargetState:
        """Return the state of the target of a check."""
        return self.targets.get(check.identity, UNKNOWN_TARGET)

    def describe_pause(self, check: CheckDefinition) -> str:
        """Return the current verdict of a target if a pause holds another one, or nothing."""
        if self.live is None:
            return ""
        present = self.live.get(check.identity, UNKNOWN_TARGET).verdict
        held = self.target(check).verdict
        return "" if present is held else f" (paused; now {present.value})"
