"""Pauses the decisions of a director by an order, and resumes them."""

from __future__ import annotations

from time import monotonic

from hadirector.director.observing import REFUSED
from hadirector.director.parts import Parts
from hadirector.director.request_errors import RequestError
from hadirector.overrides.pause import PauseRequest
from hadirector.status.pause_status import PauseStatus, describe_pause


class Pausing:
    """Answers the requests about the pause. Each change is stored before it takes effect."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def status(self) -> PauseStatus | None:
        """The pause in force."""
        return describe_pause(self._parts.pause.current, monotonic())

    async def begin(self, request: PauseRequest, actor: str) -> PauseStatus:
        """Begin a pause, or replace the current one. Raises RequestError."""
        if self._parts.configuration.observing:
            raise RequestError(REFUSED)
        try:
            pause = await self._parts.pause.set(request, actor)
        except OSError as error:
            raise RequestError(f"the pause cannot be stored for the next start: {error}") from error
        status = describe_pause(pause, monotonic())
        assert status is not None, "there is a pause"
        return status

    async def end(self, actor: str, reason: str) -> None:
        """End the pause. Raises RequestError if there is none."""
        try:
            ended = await self._parts.pause.end(actor, reason)
        except OSError as error:
            raise RequestError(f"the pause cannot be stored for the next start: {error}") from error
        if ended is None:
            raise RequestError("the director is not paused")
