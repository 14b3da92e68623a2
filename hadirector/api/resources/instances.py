"""The VRRP instances: handovers and explanations."""

from __future__ import annotations

import msgspec

from hadirector.api.problems import Code, ProblemError
from hadirector.api.route import Call, Nothing, Reply
from hadirector.status.explanation import InstanceExplanation, RealServerExplanation


class HandoverBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a handover. A request without an instance concerns all instances."""

    instance: str | None = None
    undo: bool = False


class Instances(msgspec.Struct, frozen=True):
    """The names of the instances that a handover concerns."""

    instances: list[str]


class WhyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A real server (VIRTUAL_SERVER/REAL_SERVER) or an instance to explain."""

    real_server: str | None = None
    instance: str | None = None


async def hand_over(call: Call[Nothing, HandoverBody]) -> Reply[Instances]:
    """Hand instances over, or undo a handover."""
    body = call.body
    return Reply(Instances(call.context.director.operator.hand_over(body.instance, undo=body.undo)))


async def explain(
    call: Call[WhyQuery, Nothing],
) -> Reply[RealServerExplanation | InstanceExplanation]:
    """Explain the weight of a real server, or the state of an instance."""
    operator, query = call.context.director.operator, call.query
    if query.instance is not None:
        return Reply(operator.explain_instance(query.instance))
    if query.real_server is None:
        raise ProblemError(Code.MALFORMED, "expected real_server or instance in the query")
    async with call.context.explaining:
        return Reply(await operator.explain(query.real_server))
