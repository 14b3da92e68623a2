"""Finds the problems of a VRRP instance. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hadirector.status.verdict import Level, Problem
from vrrp.model.report import AlarmKind, InstanceStatus, State

_ALARM_LEVELS: Final = {
    AlarmKind.TWO_ACTIVE_ROUTERS: Level.CRITICAL,
    AlarmKind.VIRTUAL_ADDRESS_UNHELD: Level.CRITICAL,
}
"""The levels of alarms that are not DEGRADED."""
_ALARM_REMEDIES: Final = {
    AlarmKind.TWO_ACTIVE_ROUTERS: "compare the dropped advertisements in `hadirector status` of"
    " both directors, and look at firewalls, switches and passwords between them",
    AlarmKind.VIRTUAL_ADDRESS_UNHELD: "give both routers the same addresses, or another VRID",
    AlarmKind.LEARNED_INTERVAL_TOO_LONG: "give both routers the same advert_interval",
    AlarmKind.CLOCK_SKEW: "repair the clocks of both hosts (NTP)",
}


def instance_problems(instance: InstanceStatus) -> Iterator[Problem]:
    """Yield the problems of an instance."""
    name = f"instance {instance.instance}"
    for kind, text in zip(instance.alarm_kinds, instance.alarms, strict=False):
        yield Problem(
            level=_ALARM_LEVELS.get(kind, Level.DEGRADED),
            code=kind,
            object=name,
            reason=text,
            remedy=_ALARM_REMEDIES[kind],
        )
    for text in instance.alarms[len(instance.alarm_kinds) :]:
        yield Problem(
            level=Level.DEGRADED,
            code="peer_differs",
            object=name,
            reason=text,
            remedy="compare the configurations of both routers",
        )
    yield from _state_problems(instance, name)
    if instance.yielding and instance.state is not State.ACTIVE:
        yield Problem(
            level=Level.OK,
            code="handed_over",
            object=name,
            reason="an operator handed the instance over: any peer may be ACTIVE",
            remedy=f"`hadirector handover {instance.instance} --undo` ends this",
            age=instance.state_age,
        )


def _state_problems(instance: InstanceStatus, name: str) -> Iterator[Problem]:
    if instance.held_out:
        yield Problem(
            level=Level.DEGRADED,
            code="instance_starting",
            object=name,
            reason=f"the elections of this instance have not begun: {instance.fault}",
            remedy="wait a moment; `hadirector why readiness` shows what is missing",
        )
    elif instance.fault is not None:
        yield Problem(
            level=Level.CRITICAL,
            code="instance_fault",
            object=name,
            reason=f"the instance takes no part in elections: {instance.fault}",
            remedy="remove the cause in the message; until then, only a peer can hold the"
            " addresses",
            age=instance.state_age,
        )
    elif instance.state is State.INITIALIZE:
        yield Problem(
            level=Level.DEGRADED,
            code="instance_starting",
            object=name,
            reason="the instance takes no part in elections yet",
            remedy=f"wait a moment; `hadirector why {name}` shows the cause",
            age=instance.state_age,
        )
    elif instance.state is State.BACKUP and instance.active_router is None:
        yield Problem(
            level=Level.DEGRADED,
            code="no_active_router",
            object=name,
            reason="the instance is BACKUP and has not received an advertisement yet",
            remedy="wait for the election; if this state lasts, look at the peer",
            age=instance.state_age,
        )
    if instance.handing_over:
        yield Problem(
            level=Level.DEGRADED,
            code="handover_pending",
            object=name,
            reason="the instance hands over, but no peer takes over; this director still serves",
            remedy=f"start the peer, or `hadirector handover {instance.instance} --undo`",
        )
