"""The receivers of alerts, as the API returns them. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from hadirector.events.alerts.alert import Alert


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


class AlertsStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The open alerts, and the receivers that are informed of them."""

    alerts: tuple[Alert, ...]
    receivers: tuple[ReceiverStatus, ...]


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a test message. An empty ``failure`` means that the receiver accepted it."""

    receiver: str
    failure: str
