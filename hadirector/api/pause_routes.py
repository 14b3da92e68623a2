"""The routes of the pause, a part of the table of routes."""

from __future__ import annotations

from typing import Final

from hadirector.api.actor import Role
from hadirector.api.problems import Code
from hadirector.api.resources import pause
from hadirector.api.resources.overrides import RemovalBody
from hadirector.api.route import AnyRoute, Nothing, Route
from hadirector.overrides.pause import PauseRequest

PAUSE_ROUTES: Final[tuple[AnyRoute, ...]] = (
    Route(
        method="GET",
        path="/v1/pause",
        name="read_pause",
        summary="The pause of the decisions of this director.",
        role=Role.READ,
        handler=pause.read_pause,
        query=Nothing,
        body=Nothing,
        answer=pause.PauseState,
    ),
    Route(
        method="PUT",
        path="/v1/pause",
        name="begin_pause",
        summary="Pause the decisions of this director for a limited time.",
        role=Role.OPERATE,
        handler=pause.begin_pause,
        query=Nothing,
        body=PauseRequest,
        answer=pause.PauseState,
        problems=(Code.NOT_POSSIBLE,),
    ),
    Route(
        method="DELETE",
        path="/v1/pause",
        name="end_pause",
        summary="Resume the decisions of this director.",
        role=Role.OPERATE,
        handler=pause.end_pause,
        query=Nothing,
        body=RemovalBody,
        answer=pause.PauseState,
        body_required=False,
        problems=(Code.NOT_POSSIBLE,),
    ),
)
