"""The VRRP instances: their state, its explanation, and handovers."""

from __future__ import annotations

import msgspec

from hadirector.api.actor import Actor
from hadirector.api.problems import Code, ProblemError
from hadirector.api.resources.overrides import RemovalBody, author
from hadirector.api.route import Call, Nothing, Reply
from hadirector.director.handovers import HandoverRequest
from hadirector.status.explanation import InstanceExplanation
from hadirector.status.handover_status import HandoverStatus
from vrrp.model.report import InstanceStatus, State


class Instances(msgspec.Struct, frozen=True):
    """The VRRP instances of a director."""

    instances: tuple[InstanceStatus, ...]


class Handovers(msgspec.Struct, frozen=True):
    """The handovers of instances."""

    handovers: tuple[HandoverStatus, ...]


class Undone(msgspec.Struct, frozen=True):
    """The names of the instances whose handovers are undone."""

    instances: tuple[str, ...]


class Role(msgspec.Struct, frozen=True):
    """The answer to a check of a role: an instance and its VRRP state."""

    instance: str
    state: State


async def read_instances(call: Call[Nothing, Nothing]) -> Reply[Instances]:
    """Answer with all instances."""
    return Reply(Instances(call.context.director.operator.instances()))


async def read_instance(call: Call[Nothing, Nothing]) -> Reply[InstanceStatus]:
    """Answer with one instance."""
    return Reply(call.context.director.operator.instance(call.names["instance"]))


async def explain_instance(call: Call[Nothing, Nothing]) -> Reply[InstanceExplanation]:
    """Explain the state of an instance."""
    return Reply(call.context.director.operator.explain_instance(call.names["instance"]))


async def read_active(call: Call[Nothing, Nothing]) -> Reply[Role]:
    """Answer with status 200 while this director is ACTIVE for an instance, else with 503."""
    return _require(call, State.ACTIVE)


async def read_backup(call: Call[Nothing, Nothing]) -> Reply[Role]:
    """Answer with status 200 while this director is BACKUP for an instance, else with 503."""
    return _require(call, State.BACKUP)


async def read_handovers(call: Call[Nothing, Nothing]) -> Reply[Handovers]:
    """Answer with all handovers in force."""
    handovers = call.context.director.handovers
    return Reply(Handovers(handovers.describe(handovers.current)))


async def read_handover(call: Call[Nothing, Nothing]) -> Reply[HandoverStatus]:
    """Answer with the handover of an instance."""
    return Reply(call.context.director.handovers.read(call.names["instance"]))


async def begin_handovers(call: Call[Nothing, HandoverRequest]) -> Reply[Handovers]:
    """Hand all instances over to the peers."""
    check_scope(call.actor)
    handovers = call.context.director.handovers
    return Reply(Handovers(handovers.begin(None, call.body, author(call.actor))))


async def begin_handover(call: Call[Nothing, HandoverRequest]) -> Reply[HandoverStatus]:
    """Hand an instance over to the peers."""
    check_scope(call.actor)
    handovers = call.context.director.handovers
    [status] = handovers.begin(call.names["instance"], call.body, author(call.actor))
    return Reply(status)


async def undo_handovers(call: Call[Nothing, RemovalBody]) -> Reply[Undone]:
    """Undo the handovers of all instances."""
    check_scope(call.actor)
    handovers = call.context.director.handovers
    return Reply(Undone(handovers.undo(None, author(call.actor), call.body.reason)))


async def undo_handover(call: Call[Nothing, RemovalBody]) -> Reply[Undone]:
    """Undo the handover of an instance."""
    check_scope(call.actor)
    instance, handovers = call.names["instance"], call.context.director.handovers
    return Reply(Undone(handovers.undo(instance, author(call.actor), call.body.reason)))


def _require(call: Call[Nothing, Nothing], state: State) -> Reply[Role]:
    status = call.context.director.operator.instance(call.names["instance"])
    if status.state is not state:
        raise ProblemError(Code.NOT_READY, f"{status.instance} is {status.state}, not {state}")
    return Reply(Role(status.instance, status.state))


def check_scope(actor: Actor) -> None:
    """Raise ProblemError for an actor that may change only some real servers."""
    if actor.only:
        raise ProblemError(
            Code.FORBIDDEN,
            f"{actor.name} may change only {', '.join(actor.only)}, not the state of instances",
        )
