"""Records changes and refused attempts with their actors, and limits the rate of changes."""

from __future__ import annotations

from time import monotonic
from typing import Final

import structlog

from hadirector.api.actor import Actor
from hadirector.api.problems import Code, ProblemError
from hadirector.api.rate import Rate

CHANGES_PER_SECOND: Final = 20.0
CHANGES_AT_ONCE: Final = 40
REFUSALS_PER_SECOND: Final = 0.2
REFUSALS_AT_ONCE: Final = 10
"""Refusals of an actor that are recorded. Further ones are only counted, because they would push
other events out of the log of events."""


class Audit:
    """Records each change, and refused attempts at a limited rate."""

    def __init__(self) -> None:
        self._changes = Rate(CHANGES_PER_SECOND, CHANGES_AT_ONCE)
        self._refusals = Rate(REFUSALS_PER_SECOND, REFUSALS_AT_ONCE)
        self._unreported = 0
        self._log = structlog.get_logger()

    def limit(self, actor: Actor) -> None:
        """Raise ProblemError if the actor has made too many changes."""
        if not self._changes.take(actor.name, monotonic()):
            raise ProblemError(
                Code.TOO_MANY,
                f"{actor.name} makes too many changes (expected at most {CHANGES_PER_SECOND:g}"
                " per second)",
                headers={"Retry-After": "1"},
            )

    def note_change(self, request: str, actor: Actor, status: int) -> None:
        """Record a change."""
        self._log.info("change_made", **_fields(request, actor), outcome=str(status))

    def note_refusal(self, request: str, actor: Actor, code: Code, reason: str) -> None:
        """Record a refused attempt, or only count it at the limit."""
        if not self._refusals.take(actor.name, monotonic()):
            self._unreported += 1
            return
        more = {"unreported": self._unreported} if self._unreported else {}
        self._unreported = 0
        self._log.warning(
            "change_refused", **_fields(request, actor), outcome=code.value, reason=reason, **more
        )


def _fields(request: str, actor: Actor) -> dict[str, str]:
    fields = {
        "request": request,
        "actor": actor.name,
        "role": actor.role.value if actor.role else "none",
        "address": actor.address,
        "request_id": actor.request_id,
    }
    return fields | ({"claimed": actor.claimed} if actor.claimed else {})
