"""Statuses with something that an operator has ordered for a limited time, and its problem."""

from __future__ import annotations

from msgspec.structs import replace

from hadirector.status.configurations import PendingStatus
from hadirector.status.pause_status import PauseStatus
from hadirector.status.report import Status
from hadirector.status.verdict import Level

PAUSE = PauseStatus(
    actor="unix:ann", reason="works", elections=False, remaining=60.0, ordered_at=0.0
)
PENDING = PendingStatus(3, 2, 41.0, "unix:ann")


def order_cases(status: Status) -> dict[str, tuple[Status, Level, str, str]]:
    """Return variants of a status, each with the level, the code and the object of its problem."""
    return {
        "overrides pending": (
            replace(status, pending_overrides={"lb2": 3}),
            Level.OK,
            "override_pending",
            "peer lb2",
        ),
        "paused": (replace(status, pause=PAUSE), Level.DEGRADED, "paused", "director"),
        "pending": (
            replace(status, pending_configuration=PENDING),
            Level.OK,
            "configuration_pending",
            "director",
        ),
    }
