"""Stores which alerts each receiver knows in ``alerts.json`` in the state directory.

So a restart or a reboot repeats no message, and the end of an alert is sent after it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec
import structlog

from hadirector import storage
from hadirector.events.alerts.alert import Alert, Note

FILE: Final = "alerts.json"


class KnownToReceiver(msgspec.Struct, frozen=True):
    """The open alerts that a receiver has got, and the notes that it has not got yet."""

    alerts: tuple[Alert, ...] = ()
    notes: tuple[Note, ...] = ()


class StoredAlerts(msgspec.Struct, frozen=True):
    """The content of the file, by the names of the receivers."""

    version: Literal[1]
    receivers: dict[str, KnownToReceiver]


def read_alerts(path: Path) -> dict[str, KnownToReceiver]:
    """Return the content of the file. An unusable file is set aside."""
    try:
        stored = storage.read(path, StoredAlerts)
    except storage.StateError as error:
        aside = storage.set_aside(path)
        structlog.get_logger().error("alerts_unusable", error=str(error), kept_as=str(aside))
        return {}
    return {} if stored is None else stored.receivers
