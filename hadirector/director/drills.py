"""Runs drills: a deliberate failover that a client measures, and the return of the addresses.

The time of the return is stored before the drill starts. A director that is killed during the
drill therefore takes the addresses back after its next start.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated, Final

import msgspec
import structlog
from msgspec.structs import replace

from hadirector.director.drill_client import DrillClient, held_addresses
from hadirector.director.handovers import HandoverRequest, Handovers
from hadirector.director.observing import REFUSED
from hadirector.director.pairing import Pairing
from hadirector.director.parts import Parts
from hadirector.director.request_errors import RequestError, StandbyNotReadyError
from hadirector.model.drill import Drill
from hadirector.overrides.model import Author, Line, is_printable
from hadirector.status.drill_status import DrillState, DrillStatus
from vrrp.model.report import State

DRILLS_MAX: Final = 20
"""Drills that the API lists. The oldest one is dropped first; the history has its result."""
TAKEOVER_SECONDS_MAX: Final = 10.0
RETURN_SECONDS_MAX: Final = 30.0
"""How long this director tries to take the addresses back."""
FORGET_SECONDS: Final = 300.0
"""A drill that ended longer ago is not continued after a start."""
_LOOK_SECONDS: Final = 0.01
_COUNT_SECONDS: Final = 2.0
"""The age at which the states of the peers have the connections after a takeover."""


class DrillRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request of a drill.

    The addresses return after ``seconds``. With ``crash``, the vrrp process is killed. ``anyway``
    permits the drill without a standby that is known to be ready.
    """

    reason: Line = ""
    crash: bool = False
    seconds: Annotated[float, msgspec.Meta(ge=5, le=600)] = 30.0
    anyway: bool = False

    def __post_init__(self) -> None:
        """Refuse characters that could control a terminal. Raises ValueError."""
        if not is_printable(self.reason):
            raise ValueError("the reason has a character that is not printable")


class DrillRunningError(RequestError):
    """Another drill runs."""


class Drills:
    """The drills of this run of the director, and the running drill."""

    def __init__(self, parts: Parts, handovers: Handovers, pairing: Pairing) -> None:
        self._parts = parts
        self._handovers = handovers
        self._pairing = pairing
        self._begun = asyncio.Event()
        self._running: Drill | None = parts.memory.owned.drill
        self._interrupted = self._running is not None
        self._log = structlog.get_logger()
        self.known: dict[int, DrillStatus] = {}

    def begin(self, request: DrillRequest, author: Author) -> DrillStatus:
        """Begin a drill of all instances that are ACTIVE here.

        Raises RequestError: StandbyNotReadyError without a ready standby, and DrillRunningError.
        """
        if self._running is not None:
            raise DrillRunningError(f"drill {self._running.number} runs")
        active = self._active()
        standby = self._check(active, request)
        now = monotonic()
        drill = Drill(
            number=self._parts.recorder.history.last + 1,
            instances=active,
            started_at=now,
            ends_at=now + request.seconds,
            crash=request.crash,
            author=str(author),
            reason=request.reason,
        )
        self._store(drill)
        self._running = drill
        status = DrillStatus(
            number=drill.number,
            state=DrillState.RUNNING,
            crash=drill.crash,
            instances=active,
            actor=drill.author,
            reason=drill.reason,
            started_at=datetime.fromtimestamp(time.time(), UTC),  # noqa: TID251  # shown
            seconds=request.seconds,
            standby=standby,
            connections=self._connections(),
        )
        self._keep(status)
        self._log.warning(
            "drill_began",
            drill=drill.number,
            crash=drill.crash,
            actor=drill.author,
            reason=drill.reason,
            instances=list(active),
        )
        self._begun.set()
        return status

    async def run(self) -> None:
        """Run each drill that begins, until cancelled. First finish one of an earlier run."""
        while True:
            if self._running is not None:
                await self._run(self._running)
            await self._begun.wait()
            self._begun.clear()

    async def _run(self, drill: Drill) -> None:
        if self._interrupted:
            self._interrupted = False
            await self._finish_earlier(drill)
        else:
            status = await self._perform(drill, self.known[drill.number])
            self._keep(status)
            self._report(status)
        # A director that is killed before its history is written finds the stored drill again.
        await self._parts.recorder.history_store.flush()
        self._running = None
        try:
            self._store(None)
        except RequestError as error:
            self._log.error("drill_not_ended", reason=str(error))

    async def _perform(self, drill: Drill, status: DrillStatus) -> DrillStatus:
        client = DrillClient(held_addresses(self._parts.election.instances, drill.instances))
        try:
            async with client.probing():
                status = await (self._crash if drill.crash else self._hand_over)(drill, status)
                status = await self._return(drill, status)
        except (OSError, RequestError) as error:
            status = replace(status, failure=str(error))
            status = await self._return(drill, status)
        found = client.measurement
        failure = status.failure
        if not failure and found.lost and not drill.crash:
            failure = f"{found.lost} of {found.sent} probes were lost"
        return replace(
            status,
            state=DrillState.FAILED if failure else DrillState.PASSED,
            failure=failure,
            probes_sent=found.sent,
            probes_lost=found.lost,
            longest_gap=found.longest_gap,
            connections_after=self._connections(),
        )

    async def _hand_over(self, drill: Drill, status: DrillStatus) -> DrillStatus:
        """Give the addresses to the standby until the end of the drill."""
        began = monotonic()
        for name in drill.instances:
            request = HandoverRequest(reason=f"drill {drill.number}", expires_in=status.seconds)
            self._handovers.begin(name, request, Author(drill.author))
        if not await _wait(lambda: not self._holds_any(drill), TAKEOVER_SECONDS_MAX):
            return replace(status, failure="no peer has taken over")
        status = replace(status, taken_over_in=monotonic() - began)
        await _wait(lambda: self._is_over(drill), _COUNT_SECONDS)
        status = replace(status, connections_at_peer=self._connections_of_peers())
        await _wait(lambda: self._is_over(drill), drill.ends_at - monotonic())
        return status

    async def _crash(self, drill: Drill, status: DrillStatus) -> DrillStatus:
        """Kill the vrrp process, and wait until a router holds the addresses again."""
        self._parts.election.child.kill()
        await _wait(lambda: self._is_over(drill), drill.ends_at - monotonic())
        return replace(status, connections_at_peer=self._connections_of_peers())

    async def _return(self, drill: Drill, status: DrillStatus) -> DrillStatus:
        began = monotonic()
        if not await self._take_back(drill):
            return replace(status, failure=status.failure or "the addresses have not come back")
        return replace(status, returned_in=monotonic() - began)

    async def _take_back(self, drill: Drill) -> bool:
        """End the handovers, and take the addresses from the peer, also without preemption."""
        election = self._parts.election
        known = [name for name in drill.instances if name in election.instances]
        try:
            for name in known:
                if name in self._handovers.current:
                    self._handovers.undo(name, Author(drill.author), f"drill {drill.number} ends")
        except RequestError as error:
            self._log.error("drill_not_ended", drill=drill.number, reason=str(error))
            return False
        election.take_back(frozenset(known))
        try:
            return await _wait(
                lambda: all(election.states.get(name) is State.ACTIVE for name in known),
                RETURN_SECONDS_MAX,
            )
        finally:
            election.take_back(frozenset())

    async def _finish_earlier(self, drill: Drill) -> None:
        """Take the addresses back after a drill that an earlier run of the director began."""
        late = monotonic() - drill.ends_at
        await _wait(lambda: self._is_over(drill), -late)
        back = late < FORGET_SECONDS and await self._take_back(drill)
        self._log.warning(
            "drill_interrupted",
            drill=drill.number,
            addresses_back=back,
            instances=list(drill.instances),
        )

    def _check(self, active: tuple[str, ...], request: DrillRequest) -> str:
        if self._parts.configuration.observing:
            raise RequestError(REFUSED)
        if not active:
            raise RequestError(
                "no instance is ACTIVE on this director: run the drill on the ACTIVE one"
            )
        if request.anyway:
            return ""
        standby = self._handovers.check_standby(active)
        if standby == "unknown":
            raise StandbyNotReadyError(["its state is unknown, because there is no pair link"])
        return standby

    def _active(self) -> tuple[str, ...]:
        states = self._parts.election.states
        return tuple(name for name, state in states.items() if state is State.ACTIVE)

    def _holds_any(self, drill: Drill) -> bool:
        states = self._parts.election.states
        return any(states.get(name) is State.ACTIVE for name in drill.instances)

    @staticmethod
    def _is_over(drill: Drill) -> bool:
        return monotonic() >= drill.ends_at

    def _connections(self) -> int | None:
        state = self._pairing.state
        return None if state is None else sum(each.connections for each in state.virtual_servers)

    def _connections_of_peers(self) -> int | None:
        counts = [
            sum(each.connections for each in peer.state.virtual_servers)
            for peer in self._pairing.peers.values()
            if peer.state is not None
        ]
        return max(counts, default=None)

    def _keep(self, status: DrillStatus) -> None:
        self.known[status.number] = status
        while len(self.known) > DRILLS_MAX:
            del self.known[min(self.known)]

    def _store(self, drill: Drill | None) -> None:
        try:
            self._parts.memory.remember_drill(drill)
        except OSError as error:
            raise RequestError(f"the drill cannot be stored: {error}") from error

    def _report(self, status: DrillStatus) -> None:
        given = {
            name: getattr(status, name)
            for name in (
                *("crash", "actor", "reason", "taken_over_in", "returned_in", "probes_sent"),
                *("probes_lost", "longest_gap", "connections", "connections_at_peer"),
                *("connections_after", "failure"),
            )
        }
        self._log.warning("drill_ended", drill=status.number, state=status.state.value, **given)


async def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until the condition is met, at most for these seconds; return whether it is."""
    end = monotonic() + seconds
    while not condition():
        if monotonic() >= end:
            return False
        await asyncio.sleep(_LOOK_SECONDS)
    return True
