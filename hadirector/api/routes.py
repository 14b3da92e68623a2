"""The routes of the API.

The handlers, docs/api.md and the OpenAPI document are made from this list.
"""

from __future__ import annotations

from typing import Final

from hadirector.api.actor import Role
from hadirector.api.problems import Code
from hadirector.api.resources import configuration, events, instances, overrides, status
from hadirector.api.route import AnyRoute, Nothing, Route
from hadirector.config.document.errors import FILE_BYTES_MAX
from hadirector.events.event_log import Page
from hadirector.overrides.model import OverrideRequest
from hadirector.reload.preview import Preview
from hadirector.status.explanation import Explanation
from hadirector.status.override_status import OverrideStatus
from hadirector.status.report import Status

_REAL_SERVER: Final = "/v1/virtual-servers/{virtual_server}/real-servers/{real_server}"
_OVERRIDE: Final = f"{_REAL_SERVER}/override"

ROUTES: Final[tuple[AnyRoute, ...]] = (
    Route(
        method="GET",
        path="/metrics",
        name="read_metrics",
        summary="The metrics, in the format of Prometheus.",
        role=Role.READ,
        handler=status.read_metrics,
        query=Nothing,
        body=Nothing,
        answer=bytes,
        media="text/plain",
        problems=(Code.DATAPLANE,),
    ),
    Route(
        method="GET",
        path="/v1/status",
        name="read_status",
        summary="The whole status of the director.",
        role=Role.READ,
        handler=status.read_status,
        query=Nothing,
        body=Nothing,
        answer=Status,
        problems=(Code.DATAPLANE,),
    ),
    Route(
        method="GET",
        path="/v1/events",
        name="read_events",
        summary="The events after a number.",
        role=Role.READ,
        handler=events.read_events,
        query=events.EventsQuery,
        body=Nothing,
        answer=Page,
        problems=(Code.FOLLOWERS,),
    ),
    Route(
        method="GET",
        path="/v1/why",
        name="explain",
        summary="Why a real server, a virtual server or an instance is in its state.",
        role=Role.READ,
        handler=instances.explain,
        query=instances.WhyQuery,
        body=Nothing,
        answer=Explanation,
        problems=(Code.NOT_FOUND, Code.DATAPLANE),
    ),
    Route(
        method="POST",
        path="/v1/handover",
        name="hand_over",
        summary="Start or undo a handover.",
        role=Role.OPERATE,
        handler=instances.hand_over,
        query=Nothing,
        body=instances.HandoverBody,
        answer=instances.Instances,
        body_required=False,
        problems=(Code.NOT_FOUND, Code.NOT_POSSIBLE),
    ),
    Route(
        method="GET",
        path="/v1/overrides",
        name="read_overrides",
        summary="All overrides.",
        role=Role.READ,
        handler=overrides.read_overrides,
        query=Nothing,
        body=Nothing,
        answer=overrides.Overrides,
        problems=(Code.DATAPLANE,),
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
        problems=(
            Code.NOT_FOUND,
            Code.NOT_POSSIBLE,
        ),
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
        problems=(
            Code.NOT_FOUND,
            Code.NOT_POSSIBLE,
        ),
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
        problems=(
            Code.NOT_FOUND,
            Code.NOT_POSSIBLE,
        ),
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
        problems=(
            Code.NOT_FOUND,
            Code.NOT_POSSIBLE,
            Code.STALE,
        ),
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
        problems=(
            Code.NOT_FOUND,
            Code.NOT_POSSIBLE,
            Code.STALE,
        ),
    ),
    Route(
        method="POST",
        path="/v1/plan",
        name="plan",
        summary="Preview a reload of a configuration.",
        role=Role.READ,
        handler=configuration.plan,
        query=configuration.PlanQuery,
        body=bytes,
        answer=Preview,
        body_media="application/yaml",
        body_bytes_max=FILE_BYTES_MAX,
        problems=(Code.INVALID_CONFIG, Code.NOT_POSSIBLE, Code.DATAPLANE),
    ),
    Route(
        method="POST",
        path="/v1/reload",
        name="reload",
        summary="Reload the configuration file.",
        role=Role.ADMIN,
        handler=configuration.reload,
        query=Nothing,
        body=Nothing,
        answer=configuration.Changed,
        problems=(Code.INVALID_CONFIG, Code.NOT_POSSIBLE),
    ),
    Route(
        method="POST",
        path="/v1/restart",
        name="restart",
        summary="Restart the director.",
        role=Role.ADMIN,
        handler=configuration.restart,
        query=configuration.RestartQuery,
        body=Nothing,
        answer=configuration.Restarting,
        problems=(Code.INVALID_CONFIG, Code.NOT_POSSIBLE),
    ),
)
