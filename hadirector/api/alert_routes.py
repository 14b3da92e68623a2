"""The routes of alerts, a part of the table of routes."""

from __future__ import annotations

from typing import Final

from hadirector.api.actor import Role
from hadirector.api.problems import Code
from hadirector.api.resources import alerts
from hadirector.api.route import AnyRoute, Nothing, Route
from hadirector.status.alert_status import AlertsStatus

ALERT_ROUTES: Final[tuple[AnyRoute, ...]] = (
    Route(
        method="GET",
        path="/v1/alerts",
        name="read_alerts",
        summary="The open alerts, and the receivers that are informed of them.",
        role=Role.READ,
        handler=alerts.read_alerts,
        query=Nothing,
        body=Nothing,
        answer=AlertsStatus,
    ),
    Route(
        method="POST",
        path="/v1/alerts/test",
        name="test_alerts",
        summary="Send a test message to one receiver of alerts, or to all.",
        role=Role.OPERATE,
        handler=alerts.test_alerts,
        query=Nothing,
        body=alerts.TestBody,
        answer=alerts.TestResults,
        body_required=False,
        problems=(Code.NOT_FOUND, Code.TOO_MANY),
    ),
)
