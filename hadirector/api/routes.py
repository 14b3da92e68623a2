"""The routes of the API.

The handlers, docs/api.md and the OpenAPI document are made from this list.
"""

from __future__ import annotations

from typing import Final

from hadirector.api.actor import Role
from hadirector.api.alert_routes import ALERT_ROUTES
from hadirector.api.configuration_routes import CONFIGURATION_ROUTES
from hadirector.api.drill_routes import DRILL_ROUTES
from hadirector.api.instance_routes import INSTANCE_ROUTES
from hadirector.api.override_routes import OVERRIDE_ROUTES
from hadirector.api.pair_routes import PAIR_ROUTES
from hadirector.api.pause_routes import PAUSE_ROUTES
from hadirector.api.pool_routes import POOL_ROUTES
from hadirector.api.problems import Code
from hadirector.api.resources import configuration, description, events, health, status
from hadirector.api.route import AnyRoute, Nothing, Route
from hadirector.api.source_routes import SOURCE_ROUTES
from hadirector.events.event_log import Page
from hadirector.status.readiness import Readiness
from hadirector.status.report import Status
from hadirector.status.summary import DirectorSummary

ROUTES: Final[tuple[AnyRoute, ...]] = (
    *POOL_ROUTES,
    *OVERRIDE_ROUTES,
    *INSTANCE_ROUTES,
    *DRILL_ROUTES,
    Route(
        method="GET",
        path="/livez",
        name="read_liveness",
        summary="The director answers.",
        role=None,
        handler=health.read_liveness,
        query=Nothing,
        body=Nothing,
        answer=health.Alive,
    ),
    Route(
        method="GET",
        path="/readyz",
        name="read_readiness",
        summary="Status 200 if this director could serve now, else 503 with the unmet conditions.",
        role=Role.READ,
        handler=health.read_readiness,
        query=health.ReadinessQuery,
        body=Nothing,
        answer=Readiness,
        problems=(Code.NOT_READY, Code.DATAPLANE),
    ),
    Route(
        method="GET",
        path="/openapi.json",
        name="read_openapi",
        summary="The OpenAPI 3.1 document of this director.",
        role=Role.READ,
        handler=description.read_openapi,
        query=Nothing,
        body=Nothing,
        answer=dict,
    ),
    Route(
        method="GET",
        path="/problems/{code}",
        name="read_problem",
        summary="The meaning of a code of problems, and what to do about it.",
        role=Role.READ,
        handler=description.read_problem,
        query=Nothing,
        body=Nothing,
        answer=description.ProblemKind,
        problems=(Code.NOT_FOUND,),
    ),
    Route(
        method="GET",
        path="/metrics",
        name="read_metrics",
        summary="The metrics, in the format of Prometheus.",
        role=Role.READ,
        handler=status.read_metrics,
        query=status.MetricsQuery,
        body=Nothing,
        answer=bytes,
        media="text/plain",
        problems=(Code.DATAPLANE,),
    ),
    Route(
        method="GET",
        path="/v1/status",
        name="read_status",
        summary="The whole status of the director, or the part about one virtual server.",
        role=Role.READ,
        handler=status.read_status,
        query=status.StatusQuery,
        body=Nothing,
        answer=Status,
        problems=(Code.NOT_FOUND, Code.DATAPLANE),
    ),
    Route(
        method="GET",
        path="/v1/summary",
        name="read_summary",
        summary="What all directors of a fleet should have in common, in a short form.",
        role=Role.READ,
        handler=status.read_summary,
        query=Nothing,
        body=Nothing,
        answer=DirectorSummary,
        problems=(Code.DATAPLANE,),
    ),
    Route(
        method="GET",
        path="/v1/events",
        name="read_events",
        summary="The events after a number; with Accept: text/event-stream as they occur.",
        role=Role.READ,
        handler=events.read_events,
        query=events.EventsQuery,
        body=Nothing,
        answer=Page,
        problems=(Code.FOLLOWERS, Code.DATAPLANE),
    ),
    *CONFIGURATION_ROUTES,
    *PAUSE_ROUTES,
    *PAIR_ROUTES,
    *ALERT_ROUTES,
    *SOURCE_ROUTES,
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
