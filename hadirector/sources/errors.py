"""The errors of requests to other servers. Pure."""

from __future__ import annotations


class RequestError(Exception):
    """A request failed. The message is the reason. ``status`` is that of HTTP, 0 without any."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class ReadingError(Exception):
    """A source cannot be read. The message is the reason."""
