"""The receivers of alerts, as the API returns them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from hadirector.model.alerts import Condition


class ReceiverStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver of alerts.

    ``failing`` is whether its latest three attempts failed, and ``failure`` the reason of the
    latest attempt. ``waiting`` counts the alerts and events that it has not got yet. ``delivered``
    and ``lost`` count messages since the start of the director.
    """

    name: str
    kind: Literal["webhook", "command"]
    failing: bool
    failure: str
    waiting: int
    delivered: int
    failed_attempts: int
    lost: int


class OpenAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that has not ended. ``began_at`` is a moment in UTC."""

    condition: Condition
    object: str
    reason: str
    began_at: datetime


class AlertsStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The open alerts, and the receivers that are informed of them."""

    alerts: tuple[OpenAlert, ...]
    receivers: tuple[ReceiverStatus, ...]


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a test message. An empty ``failure`` means that the receiver accepted it."""

    receiver: str
    failure: str
