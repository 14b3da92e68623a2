"""The logins of browsers. Pure: times are in monotonic seconds."""

from __future__ import annotations

from typing import Final, NamedTuple

SESSION_SECONDS: Final = 12 * 3600.0
SESSIONS_MAX: Final = 1000
"""Logins at the same time. A further login ends the oldest one."""


class _Session(NamedTuple):
    digest: str
    ends_at: float


class Sessions:
    """The logins by the random value in the cookie. Each one knows the hash of its token.

    The token must still be valid at every request, so a revoked token ends its logins.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}

    def add(self, value: str, digest: str, now: float) -> None:
        """Begin a login with a new random value."""
        self._sessions = {key: each for key, each in self._sessions.items() if each.ends_at > now}
        while len(self._sessions) >= SESSIONS_MAX:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[value] = _Session(digest, now + SESSION_SECONDS)

    def find(self, value: str, now: float) -> str | None:
        """Return the hash of the token of a login; None if there is no such login."""
        session = self._sessions.get(value)
        return None if session is None or session.ends_at <= now else session.digest

    def end(self, value: str) -> None:
        """End a login."""
        self._sessions.pop(value, None)
