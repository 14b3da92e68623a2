"""The errors of requests to other servers. Pure."""

from __future__ import annotations


class RequestError(Exception):
    """A request failed. The message is the reason. ``status`` is that of HTTP, 0 without an answer.

    ``body`` is an answer with an error, for the protocols that explain the error there.
    """

    def __init__(self, reason: str, status: int = 0, body: bytes = b"") -> None:
        super().__init__(reason)
        self.status = status
        self.body = body
