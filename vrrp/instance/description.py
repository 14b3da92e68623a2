"""Describes one instance at one moment, for the report to the director."""

from __future__ import annotations

from vrrp.instance.senders import Senders
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.lateness import LatenessHistogram
from vrrp.model.report import InstanceStatus
from vrrp.router.alarms import Alarms
from vrrp.router.eligibility import Eligibility
from vrrp.router.machine import Router


def describe_instance(
    configuration: InstanceConfiguration,
    router: Router,
    eligibility: Eligibility,
    alarms: Alarms,
    *,
    counters: dict[str, int],
    senders: Senders,
    lateness: LatenessHistogram,
) -> InstanceStatus:
    """Return the status of an instance."""
    active_router = router.following.address
    return InstanceStatus(
        instance=configuration.name,
        state=router.state,
        priority=router.priority,
        virtual_router_id=configuration.virtual_router_id,
        interface=configuration.interface,
        virtual_addresses=configuration.held_addresses,
        handing_over=router.handing_over,
        yielding=router.yielding,
        active_router=None if active_router is None else str(active_router),
        active_priority=None if active_router is None else alarms.priority_of(active_router),
        active_down_interval=router.active_down_interval,
        down_timer_adverts=configuration.down_timer_adverts,
        preempt=configuration.preempt,
        counters=counters,
        own_address=None if router.own_address.is_unspecified else str(router.own_address),
        senders=senders.counts(),
        counted_seconds=senders.seconds,
        priority_arithmetic=eligibility.priority.arithmetic,
        priority_terms=eligibility.priority.terms,
        fault=eligibility.fault or eligibility.pending,
        sync_group=configuration.sync_group,
        alarms=tuple(alarms.raised.values()),
        alarm_kinds=tuple(alarms.raised),
        advertisement_lateness=lateness,
    )
