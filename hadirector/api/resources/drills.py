"""The drills of a director."""

from __future__ import annotations

import msgspec

from hadirector.api.problems import Code, ProblemError, unknown_object
from hadirector.api.resources.instances import check_scope
from hadirector.api.resources.overrides import author
from hadirector.api.route import Call, Nothing, Reply
from hadirector.director.drills import DrillRequest, DrillRunningError
from hadirector.status.drill_status import DrillStatus


class DrillList(msgspec.Struct, frozen=True):
    """The drills since the start of the director, the oldest first."""

    drills: tuple[DrillStatus, ...]


async def begin_drill(call: Call[Nothing, DrillRequest]) -> Reply[DrillStatus]:
    """Begin a drill; the header Location has the path of its result."""
    check_scope(call.actor)
    try:
        status = call.context.director.drills.begin(call.body, author(call.actor))
    except DrillRunningError as error:
        raise ProblemError(Code.BUSY, str(error)) from error
    return Reply(status, status=202, headers={"Location": f"/v1/drills/{status.number}"})


async def read_drills(call: Call[Nothing, Nothing]) -> Reply[DrillList]:
    """Answer with all drills."""
    return Reply(DrillList(tuple(call.context.director.drills.known.values())))


async def read_drill(call: Call[Nothing, Nothing]) -> Reply[DrillStatus]:
    """Answer with one drill."""
    number, known = call.names["drill"], call.context.director.drills.known
    if not number.isdecimal() or int(number) not in known:
        raise unknown_object("drill", number, map(str, known))
    return Reply(known[int(number)])
