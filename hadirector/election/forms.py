"""The forms of an instance besides the configured one. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import InstanceStatus, State
from vrrp.router.priority import PRIORITY_MAX


def without_preemption(instance: InstanceConfiguration) -> InstanceConfiguration:
    """Return the instance without preemption: it takes its addresses only if no peer has them."""
    return replace(instance, preempt=False)


def taken_back(instance: InstanceConfiguration) -> InstanceConfiguration:
    """Return the instance as it takes its addresses from any peer.

    It has the highest priority, and preempts without a delay. Weights do not apply, but an object
    without a weight is still a condition to take part in elections.
    """
    return replace(
        instance,
        priority=max(instance.priority, PRIORITY_MAX),
        preempt=True,
        preempt_delay=0.0,
        track=tuple(each for each in instance.track if not each.weight),
    )


def held_out_status(
    instance: InstanceConfiguration, reason: str, *, yielding: bool
) -> InstanceStatus:
    """Return the status of an instance whose elections have not begun, for this reason."""
    return InstanceStatus(
        instance=instance.name,
        state=State.INITIALIZE,
        priority=instance.priority,
        virtual_router_id=instance.virtual_router_id,
        interface=instance.interface,
        virtual_addresses=instance.held_addresses,
        handing_over=False,
        yielding=yielding,
        active_router=None,
        active_down_interval=0.0,
        counters={},
        priority_arithmetic=str(instance.priority),
        fault=reason,
        held_out=True,
        sync_group=instance.sync_group,
        down_timer_adverts=instance.down_timer_adverts,
    )
