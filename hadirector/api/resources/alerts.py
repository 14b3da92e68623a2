"""The alerts of the director, and tests of their receivers."""

from __future__ import annotations

import msgspec

from hadirector.api.route import Call, Nothing, Reply
from hadirector.api.scope import require_whole_director
from hadirector.status.alert_status import AlertsStatus, TestResult


class TestBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The receiver to test. Without it, every receiver gets a test message."""

    receiver: str | None = None


class TestResults(msgspec.Struct, frozen=True):
    """The result for each receiver."""

    results: tuple[TestResult, ...]


async def read_alerts(call: Call[Nothing, Nothing]) -> Reply[AlertsStatus]:
    """Answer with the open alerts and the receivers."""
    return Reply(call.context.director.alerts.status)


async def test_alerts(call: Call[Nothing, TestBody]) -> Reply[TestResults]:
    """Send a test message, and answer with the result for each receiver."""
    require_whole_director(call.actor)
    test = call.context.director.alerts.test(call.body.receiver)
    return Reply(TestResults(await call.context.complete(test)))
