"""The routes of overrides."""

from __future__ import annotations

from typing import Final

from hadirector.api.actor import Role
from hadirector.api.pool_routes import REAL_SERVER
from hadirector.api.problems import Code
from hadirector.api.resources import overrides
from hadirector.api.route import AnyRoute, Nothing, Route
from hadirector.overrides.model import OverrideRequest
from hadirector.status.override_status import OverrideStatus

_OVERRIDE: Final = f"{REAL_SERVER}/override"

OVERRIDE_ROUTES: Final[tuple[AnyRoute, ...]] = (
    Route(
        method="GET",
        path="/v1/overrides",
        name="read_overrides",
        summary="A page of overrides.",
        role=Role.READ,
        handler=overrides.read_overrides,
        query=overrides.OverridesQuery,
        body=Nothing,
        answer=overrides.Overrides,
    ),
    Route(
        method="POST",
        path="/v1/overrides",
        name="set_overrides",
        summary="Set an override for every selected real server, or for none.",
        role=Role.OPERATE,
        handler=overrides.set_overrides,
        query=Nothing,
        body=overrides.BulkRequest,
        answer=overrides.Overrides,
        problems=(Code.NOT_FOUND, Code.NOT_POSSIBLE),
    ),
    Route(
        method="POST",
        path="/v1/overrides/remove",
        name="remove_overrides",
        summary="Remove the overrides of every selected real server, or of none.",
        role=Role.OPERATE,
        handler=overrides.remove_overrides,
        query=Nothing,
        body=overrides.BulkRemoval,
        answer=overrides.Removed,
        problems=(Code.NOT_FOUND, Code.NOT_POSSIBLE),
    ),
    Route(
        method="GET",
        path=_OVERRIDE,
        name="read_override",
        summary="The override of a real server.",
        role=Role.READ,
        handler=overrides.read_override,
        query=Nothing,
        body=Nothing,
        answer=OverrideStatus,
        tagged=True,
        problems=(Code.NOT_FOUND, Code.NOT_POSSIBLE),
    ),
    Route(
        method="PUT",
        path=_OVERRIDE,
        name="set_override",
        summary="Set the override of a real server. It replaces an older override.",
        role=Role.OPERATE,
        handler=overrides.set_override,
        query=Nothing,
        body=OverrideRequest,
        answer=OverrideStatus,
        tagged=True,
        problems=(Code.NOT_FOUND, Code.NOT_POSSIBLE, Code.STALE),
    ),
    Route(
        method="DELETE",
        path=_OVERRIDE,
        name="remove_override",
        summary="Remove the override of a real server.",
        role=Role.OPERATE,
        handler=overrides.remove_override,
        query=overrides.RemovalQuery,
        body=overrides.RemovalBody,
        answer=overrides.Removed,
        body_required=False,
        problems=(Code.NOT_FOUND, Code.NOT_POSSIBLE, Code.STALE),
    ),
)
