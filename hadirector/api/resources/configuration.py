"""The configuration of the director: plan, reload and restart."""

from __future__ import annotations

from typing import Literal

import msgspec

from hadirector.api.route import Call, Nothing, Reply
from hadirector.reload.preview import Preview


class PlanQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of a plan. ``file`` is the file name that messages about the text show."""

    file: str = "the file"


class RestartQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of a restart. With ``vrrp=replace``, the vrrp process is restarted as well."""

    vrrp: Literal["keep", "replace"] = "keep"


class Changed(msgspec.Struct, frozen=True):
    """The changes of a reload, in one line."""

    changed: str


class Restarting(msgspec.Struct, frozen=True):
    """The answer to a restart: the director will restart."""

    restarting: Literal[True] = True


async def plan(call: Call[PlanQuery, bytes]) -> Reply[Preview]:
    """Preview a reload with the configuration in the body. Change nothing."""
    async with call.context.previewing:
        reconfiguration = call.context.director.reconfiguration
        return Reply(await reconfiguration.preview(call.body, call.query.file))


async def reload(call: Call[Nothing, Nothing]) -> Reply[Changed]:
    """Reload the configuration file."""
    reconfiguration = call.context.director.reconfiguration
    return Reply(Changed(await reconfiguration.reload(call.actor.name)))


async def restart(call: Call[RestartQuery, Nothing]) -> Reply[Restarting]:
    """Restart the director. The answer is sent first.

    The restart is refused if the director could not start again.
    """
    await call.context.director.restart(replace_vrrp=call.query.vrrp == "replace")
    return Reply(Restarting())
