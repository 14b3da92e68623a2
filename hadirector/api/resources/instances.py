"""The VRRP instances: handovers and explanations."""

from __future__ import annotations

import msgspec

from hadirector.api.problems import Code, ProblemError
from hadirector.api.route import Call, Nothing, Reply
from hadirector.status.explanation import Explanation


class HandoverBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a handover. Without an instance, all instances hand over."""

    instance: str | None = None
    undo: bool = False


class Instances(msgspec.Struct, frozen=True):
    """The names of the instances that hand over."""

    instances: list[str]


class WhyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The real server (VIRTUAL_SERVER/REAL_SERVER), virtual server or instance to explain."""

    real_server: str | None = None
    virtual_server: str | None = None
    instance: str | None = None


async def hand_over(call: Call[Nothing, HandoverBody]) -> Reply[Instances]:
    """Hand instances over, or undo a handover."""
    body = call.body
    return Reply(Instances(call.context.director.operator.hand_over(body.instance, undo=body.undo)))


async def explain(
    call: Call[WhyQuery, Nothing],
) -> Reply[Explanation]:
    """Explain the weight of a real server, the pool of a virtual server, or an instance."""
    operator, query = call.context.director.operator, call.query
    if query.instance is not None:
        return Reply(operator.explain_instance(query.instance))
    if query.real_server is None and query.virtual_server is None:
        expected = "expected real_server, virtual_server or instance in the query"
        raise ProblemError(Code.MALFORMED, expected)
    async with call.context.explaining:
        if query.real_server is None:
            assert query.virtual_server is not None, "checked above"
            return Reply(await operator.explain_virtual_server(query.virtual_server))
        return Reply(await operator.explain(query.real_server))
