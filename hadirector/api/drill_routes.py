"""The routes of drills."""

from __future__ import annotations

from typing import Final

from hadirector.api.actor import Role
from hadirector.api.problems import Code
from hadirector.api.resources import drills
from hadirector.api.route import AnyRoute, Nothing, Route
from hadirector.director.drills import DrillRequest
from hadirector.status.drill_status import DrillStatus

DRILL_ROUTES: Final[tuple[AnyRoute, ...]] = (
    Route(
        method="POST",
        path="/v1/drills",
        name="begin_drill",
        summary="Begin a drill: a failover on purpose that is measured, and undone at its end.",
        role=Role.OPERATE,
        handler=drills.begin_drill,
        query=Nothing,
        body=DrillRequest,
        answer=DrillStatus,
        status=202,
        body_required=False,
        problems=(Code.NOT_POSSIBLE, Code.BUSY, Code.STANDBY_NOT_READY),
    ),
    Route(
        method="GET",
        path="/v1/drills",
        name="read_drills",
        summary="The drills since the start of the director.",
        role=Role.READ,
        handler=drills.read_drills,
        query=Nothing,
        body=Nothing,
        answer=drills.DrillList,
    ),
    Route(
        method="GET",
        path="/v1/drills/{drill}",
        name="read_drill",
        summary="The state or the result of a drill.",
        role=Role.READ,
        handler=drills.read_drill,
        query=Nothing,
        body=Nothing,
        answer=DrillStatus,
        problems=(Code.NOT_FOUND,),
    ),
)
