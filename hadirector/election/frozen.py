"""Decides the configuration of VRRP instances whose roles are frozen during a pause. Pure.

A frozen instance keeps its priority, does not preempt, and does not look for a better peer. It
still becomes ACTIVE if no peer advertises, hands over at a stop or by an order, and gives way to a
peer with a higher priority: otherwise an address could have two holders or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import InstanceStatus


class FrozenRoles(msgspec.Struct, frozen=True):
    """The instances at the start of the pause, and their frozen form, by name."""

    before: dict[str, InstanceConfiguration]
    held: dict[str, InstanceConfiguration]

    def apply(self, instance: InstanceConfiguration) -> InstanceConfiguration:
        """Return the frozen form of an instance. A reload may have changed or added it."""
        if self.before.get(instance.name) == instance:
            return self.held[instance.name]
        return replace(instance, preempt=False)


def freeze_roles(
    instances: Iterable[InstanceConfiguration], statuses: Mapping[str, InstanceStatus]
) -> FrozenRoles:
    """Freeze instances in their current roles. ``statuses`` are their latest reports."""
    before = {instance.name: instance for instance in instances}
    held = {name: _hold(each, statuses.get(name)) for name, each in before.items()}
    return FrozenRoles(before, held)


def _hold(instance: InstanceConfiguration, status: InstanceStatus | None) -> InstanceConfiguration:
    """Return the instance with its current priority and without tracked objects.

    An instance with a fault keeps its tracked objects, because it would start without them. The
    priority of an instance that was handed over is not its own.
    """
    frozen = replace(instance, preempt=False)
    if status is None or status.fault is not None or status.yielding:
        return frozen
    return replace(frozen, priority=status.priority, track=())
