"""Logs the beginning and the end of a shortage, such as of file descriptors."""

from __future__ import annotations

from time import monotonic
from typing import Final

import structlog

REMINDER_SECONDS: Final = 60.0
"""The shortest time between two log lines about the beginning of a shortage."""


class ShortageLog:
    """Logs the event ``begun`` at the first failure, and ``ended`` at the next success.

    A shortage that returns within a minute is not logged again. ``reason`` is the reason of the
    latest failure, and empty after a success.
    """

    def __init__(self, begun: str, ended: str, **fields: str) -> None:
        self._begun = begun
        self._ended = ended
        self._fields = fields
        self._logged_at: float | None = None
        self._short = False
        self.reason = ""
        self._log = structlog.get_logger()

    def begin(self, reason: str) -> None:
        """Record that an operation failed because this host has too little of a resource."""
        self.reason = reason
        now = monotonic()
        if self._logged_at is None or now - self._logged_at >= REMINDER_SECONDS:
            self._log.error(self._begun, reason=reason, **self._fields)
            self._logged_at = now
            self._short = True

    def end(self) -> None:
        """Record that the operation has succeeded again."""
        self.reason = ""
        if self._short:
            self._log.info(self._ended, **self._fields)
            self._short = False
