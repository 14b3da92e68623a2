"""The overrides of real servers."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from hadirector.api.route import Call, Nothing, Reply
from hadirector.overrides.model import OverrideRemoval, OverrideRequest


class Done(msgspec.Struct, frozen=True):
    """The effect of a change, as a text."""

    done: str


async def set_override(call: Call[Nothing, OverrideRequest]) -> Reply[Done]:
    """Set an override."""
    body = replace(call.body, author=call.actor.name)
    return Reply(Done(await call.context.director.operator.set_override(body)))


async def remove_override(call: Call[Nothing, OverrideRemoval]) -> Reply[Done]:
    """Remove an override."""
    return Reply(Done(await call.context.director.operator.remove_override(call.body)))
