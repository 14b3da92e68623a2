"""Hands VRRP instances and announced groups over to peers, and undoes handovers that expire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from time import monotonic
from typing import Final, Literal, TypeAlias

import msgspec
import structlog
from msgspec.structs import replace

from hadirector.director.observing import REFUSED
from hadirector.director.parts import Parts
from hadirector.director.request_errors import (
    RequestError,
    StandbyNotReadyError,
    UnknownObjectError,
)
from hadirector.model.handover import Handover
from hadirector.overrides.model import Author, Line, Seconds, is_printable
from hadirector.status.handover_status import HandoverStatus, Standby, handover_status
from vrrp.model.report import State

FindObstacles: TypeAlias = Callable[[Collection[str]], tuple[str, ...] | None]
"""Returns why no peer should take these instances over; None if that is not known."""
PASS_SECONDS: Final = 1.0
"""The time between two searches for handovers that expire."""


class HandoverRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request of a handover, which the director undoes after ``expires_in`` seconds.

    With ``require``, a director with a pair link refuses it unless a peer is ready to take over.
    """

    reason: Line = ""
    expires_in: Seconds | None = None
    require: Literal["ready"] | None = None

    def __post_init__(self) -> None:
        """Refuse characters that could control a terminal. Raises ValueError."""
        if not is_printable(self.reason):
            raise ValueError("the reason has a character that is not printable")


class Handovers:
    """The handovers in force. Each change is stored before it takes effect."""

    def __init__(self, parts: Parts, find_obstacles: FindObstacles) -> None:
        self._parts = parts
        self._find_obstacles = find_obstacles
        self._log = structlog.get_logger()

    @property
    def current(self) -> Mapping[str, Handover]:
        """The handovers by the names of their instances and groups of announced addresses."""
        known = self._parts.memory.owned.handovers
        names = self._parts.election.yielding | known.keys() & set(self._parts.groups)
        return {name: known.get(name, Handover()) for name in sorted(names)}

    def begin(
        self, instance: str | None, request: HandoverRequest, author: Author
    ) -> tuple[HandoverStatus, ...]:
        """Hand one instance or all instances over to the peers.

        The handover survives a reload and a restart. Raises RequestError, and
        StandbyNotReadyError if a ready peer is required and there is none.
        """
        chosen = self._choose(instance)
        standby = self.check_standby(chosen) if request.require else None
        now = monotonic()
        handover = Handover(
            author=author.name,
            claimed=author.claimed,
            reason=request.reason,
            set_at=now,
            expires_at=None if request.expires_in is None else now + request.expires_in,
        )
        self._store({**self.current, **dict.fromkeys(chosen, handover)})
        for name in chosen:
            self._hand_over(name, undo=False)
            self._report("handover_ordered", name, author=str(author), reason=request.reason)
        return tuple(replace(status, standby=standby) for status in self.describe(chosen))

    def check_standby(self, instances: Iterable[str]) -> Standby:
        """Return whether the peers can take these instances over.

        Only instances that are ACTIVE here matter. Raises StandbyNotReadyError.
        """
        states = self._parts.election.states
        obstacles = self._find_obstacles(
            [name for name in instances if states.get(name) is State.ACTIVE]
        )
        if obstacles:
            raise StandbyNotReadyError(obstacles)
        return "unknown" if obstacles is None else "ready"

    def undo(self, instance: str | None, author: Author, reason: str) -> tuple[str, ...]:
        """Undo the handover of one instance or of all instances; return their names.

        An instance that was not handed over stays as it is. Raises RequestError.
        """
        chosen = self._choose(instance)
        self._end(chosen, "handover_undone", author=str(author), reason=reason)
        return tuple(chosen)

    def read(self, instance: str) -> HandoverStatus:
        """Return the handover of an instance. Raises UnknownObjectError."""
        self._find(instance)
        if instance not in self.current:
            raise UnknownObjectError("handover of", instance, self.current)
        [status] = self.describe([instance])
        return status

    def describe(self, instances: Collection[str]) -> tuple[HandoverStatus, ...]:
        """Return the state of handovers."""
        now, utc = monotonic(), time.time()  # noqa: TID251  # shown as a date
        current = self.current
        return tuple(handover_status(name, current[name], now=now, utc=utc) for name in instances)

    async def run(self) -> None:
        """Undo the handovers that expire, until cancelled."""
        while True:
            await asyncio.sleep(PASS_SECONDS)
            now = monotonic()
            due = [
                name
                for name, handover in self.current.items()
                if handover.expires_at is not None and now >= handover.expires_at
            ]
            if due:
                try:
                    self._end(due, "handover_expired")
                except RequestError as error:
                    self._log.error("handover_not_ended", instances=due, reason=str(error))

    def _end(self, instances: Collection[str], event: str, **fields: str) -> None:
        others = {name: each for name, each in self.current.items() if name not in instances}
        self._store(others)
        for name in instances:
            self._hand_over(name, undo=True)
            self._report(event, name, **fields)

    def _hand_over(self, name: str, *, undo: bool) -> None:
        """Hand an instance or a group over, or undo that. The store decides about a group."""
        if name in self._parts.election.instances:
            self._parts.election.hand_over(name, undo=undo)
        else:
            self._parts.announcer.note_change()

    def _store(self, handovers: Mapping[str, Handover]) -> None:
        try:
            self._parts.memory.remember_handovers(handovers)
        except OSError as error:
            raise RequestError(
                f"the handover cannot be stored for the next start: {error}"
            ) from error

    def _report(self, event: str, instance: str, **fields: str) -> None:
        given = {key: value for key, value in fields.items() if value}
        self._log.info(event, instance=instance, **given)

    def _choose(self, instance: str | None) -> list[str]:
        if self._parts.configuration.observing:
            raise RequestError(REFUSED)
        known = [*self._parts.election.instances, *self._parts.groups]
        if instance is None and known:
            return known
        return [self._find(instance or "")]

    def _find(self, instance: str) -> str:
        known = [*self._parts.election.instances, *self._parts.groups]
        if instance not in known:
            raise UnknownObjectError("VRRP instance", instance, known)
        return instance
