"""Decides again and again which addresses are announced, and keeps them in the kernel.

The addresses have a lifetime, which this loop of the director renews. If the director hangs or
exits, the kernel removes the addresses, and the routers use other directors.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from time import monotonic
from typing import Final

import structlog
from msgspec.structs import replace

from hadirector.announce.decision import (
    STARTING,
    AnnouncementRole,
    Facts,
    GroupState,
    adopt,
    decide,
    due_in,
    lapse,
)
from hadirector.announce.engine import EngineWatcher
from hadirector.announce.hold import HoldState, observe
from hadirector.announce.kernel import AnnouncementKernel
from hadirector.announce.status import AnnouncementStatus, GroupStatus
from hadirector.model.announcement import AnnouncedGroup, Announcement

RENEWALS: Final = 6
"""Renewals of an address within its lifetime."""
PASS_SECONDS: Final = 10.0
"""The time after which the kernel state is read and compared, if nothing has changed before."""
KEPT_LIFETIME_SECONDS: Final = 60
"""The lifetime of addresses that a restart leaves to the next process."""
STARTING_LIFETIME_SECONDS: Final = 15
"""The lifetime while the director starts: its loop does not run before it has read the table."""
RETRY_SECONDS: Final = 0.5
"""The least pause after a pass with failures."""
HOLD_POLL_SECONDS: Final = 0.25

CountPackets = Callable[[Collection[str]], Awaitable[int | None]]


class Announcer:
    """Runs the announcement of all groups. Without a configuration it does nothing.

    ``look`` returns the current facts. ``count_packets`` returns the number of packets that
    arrived for these addresses, or None if it cannot be read.
    """

    def __init__(
        self,
        announcement: Announcement | None,
        look: Callable[[], Facts],
        count_packets: CountPackets,
    ) -> None:
        self._announcement = announcement
        self._look = look
        self._count_packets = count_packets
        self._kernel = _kernel_for(announcement)
        self.engine = EngineWatcher(announcement)
        self._states: dict[str, GroupState] = {}
        self._failures: tuple[str, ...] = ()
        self._leaving = self._changed = False
        self._renewed_at = self._compared_at = self._expires_at = 0.0
        self._left_at: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._busy = asyncio.Lock()  # a pass and a reload pause, and change the same state
        self._log = structlog.get_logger()

    async def start(self) -> None:
        """Continue with the addresses of an earlier process, and add the local routes."""
        if self._kernel is None:
            return
        now = monotonic()
        try:
            present = self._kernel.read()
        except OSError as error:
            self._note_failures([_reason(error)])
            present = {}
        for group in self._groups:
            roles = {role for address, role in present.items() if address in group.addresses}
            if roles:
                reluctant = AnnouncementRole.ANNOUNCED not in roles
                self._states[group.name] = adopt(now, reluctant=reluctant)
        await self._apply(self._kernel, STARTING_LIFETIME_SECONDS)

    def note_change(self) -> None:
        """Schedule a new decision, because a fact may have changed."""
        self._wake.set()

    async def run(self) -> None:
        """Decide, renew and compare until cancelled."""
        while True:
            self._wake.clear()
            pause = None
            async with self._busy:
                if self._kernel is not None:
                    await self._pass(self._kernel)
                    pause = self._pause()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def configure(self, announcement: Announcement | None) -> None:
        """Replace the configuration after the current pass, which takes milliseconds.

        A group with the same name keeps its state.
        """
        async with self._busy:
            await self._replace(announcement)

    async def _replace(self, announcement: Announcement | None) -> None:
        before, self._announcement = self._announcement, announcement
        if before == announcement:
            return
        self.engine.configure(announcement)
        names = {group.name for group in self._groups}
        self._states = {name: each for name, each in self._states.items() if name in names}
        if before is None or announcement is None or _devices(before) != _devices(announcement):
            if self._kernel is not None:
                await self._remove(self._kernel)
            self._kernel = _kernel_for(announcement)
        elif self._kernel is not None:
            self._kernel.engine = announcement.engine
        self._changed = True
        self._wake.set()

    @property
    def announced(self) -> tuple[str, ...]:
        """The names of the groups that are announced, also reluctantly."""
        return tuple(group.name for group in self._groups if self._announces(group))

    def status(self, now: float) -> AnnouncementStatus | None:
        """Return the current status; None without a configuration."""
        if self._announcement is None:
            return None
        facts = self._look()
        return AnnouncementStatus(
            device=self._announcement.device,
            reluctant_device=self._announcement.reluctant_device,
            groups=tuple(
                _group_status(group, self._state(group), facts.passing, now)
                for group in self._groups
            ),
            failures=self._failures,
            engine=self.engine.reading,
            differing=dict(facts.differing),
        )

    # --- leaving --------------------------------------------------------------------------------

    async def leave(self) -> None:
        """Withdraw all addresses, and wait until no packet comes any more.

        The local routes and the services stay. ``run`` must run.
        """
        announcement = self._announcement  # a reload during the hold can remove it
        if announcement is None or not any(map(self._announces, self._groups)):
            return
        self._leaving = True
        self._wake.set()
        state = HoldState(monotonic())
        reason = None
        while reason is None:
            await asyncio.sleep(HOLD_POLL_SECONDS)
            packets = await self._count_packets(announcement.addresses)
            state, reason = observe(state, announcement.hold, packets, monotonic())
        seconds = round(monotonic() - state.began, 1)
        self._log.info("announcement_hold_ended", reason=reason, seconds=seconds)

    async def keep(self) -> None:
        """Leave all addresses to the next process, which must start within a minute.

        Call this after ``run`` has ended.
        """
        if self._kernel is not None:
            lifetime = KEPT_LIFETIME_SECONDS
            await self._attempt(self._kernel.renew(self._wanted, lifetime), lifetime)
            self._kernel.close()

    async def remove(self) -> None:
        """Remove the addresses, the routes and the devices. Call this after ``run`` has ended."""
        if self._kernel is not None:
            await self._remove(self._kernel)

    async def _remove(self, kernel: AnnouncementKernel) -> None:
        await self._attempt(kernel.reconcile({}, 1), 0)
        with contextlib.suppress(OSError):  # the next process removes the rest
            await kernel.remove_routes(kernel.read_routes())
            await kernel.remove_devices()
        kernel.close()

    # --- passes ---------------------------------------------------------------------------------

    @property
    def _groups(self) -> tuple[AnnouncedGroup, ...]:
        return () if self._announcement is None else self._announcement.groups

    @property
    def _lifetime(self) -> int:
        return 0 if self._announcement is None else self._announcement.lifetime

    @property
    def _wanted(self) -> dict[str, AnnouncementRole]:
        return {
            address: self._state(group).role
            for group in self._groups
            for address in group.addresses
        }

    def _state(self, group: AnnouncedGroup) -> GroupState:
        return self._states.get(group.name, STARTING)

    def _announces(self, group: AnnouncedGroup) -> bool:
        return self._state(group).role is not AnnouncementRole.WITHDRAWN

    async def _pass(self, kernel: AnnouncementKernel) -> None:
        """Decide, and change the kernel if a role has changed or a renewal is due."""
        now = monotonic()
        if now > self._expires_at:
            for group in filter(self._announces, self._groups):
                self._enter(group, lapse(self._state(group), now))
        facts = replace(self._look(), leaving=self._leaving)
        for group in self._groups:
            self._enter(group, decide(group, self._state(group), facts, now))
        if self._changed or self._failures or now - self._compared_at >= PASS_SECONDS:
            await self._apply(kernel, self._lifetime)
        elif now - self._renewed_at >= self._lifetime / RENEWALS:
            await self._attempt(kernel.renew(self._wanted, self._lifetime), self._lifetime)

    async def _apply(self, kernel: AnnouncementKernel, lifetime: int) -> None:
        """Make the kernel state as wanted."""
        self._changed = False
        self._compared_at = monotonic()
        await self._attempt(kernel.reconcile(self._wanted, lifetime), lifetime)
        await self._remove_old_routes(kernel)

    async def _remove_old_routes(self, kernel: AnnouncementKernel) -> None:
        """Delete the routes of addresses that left the configuration, after the longest hold."""
        assert self._announcement is not None
        now = monotonic()
        try:
            left = kernel.read_routes() - set(self._announcement.addresses)
            self._left_at = {each: self._left_at.get(each, now) for each in left}
            most = self._announcement.hold.most
            await kernel.remove_routes(
                [each for each, since in self._left_at.items() if now - since >= most]
            )
        except OSError as error:
            self._note_failures([_reason(error)])

    async def _attempt(self, operation: Awaitable[list[str]], lifetime: int) -> None:
        """Perform an operation on the kernel. The next pass repeats an operation that fails.

        A success gives the addresses this lifetime.
        """
        began = monotonic()
        try:
            failures = await operation
        except OSError as error:
            failures = [_reason(error)]
        else:
            self._renewed_at, self._expires_at = began, began + lifetime
        self._note_failures(failures)

    def _note_failures(self, failures: list[str]) -> None:
        if failures and tuple(failures) != self._failures:
            self._log.error("announcement_failed", errors=failures)
        self._failures = tuple(failures)

    def _enter(self, group: AnnouncedGroup, state: GroupState) -> None:
        before = self._state(group)
        self._states[group.name] = state
        if state.role is before.role:
            return
        self._changed = True
        log = self._log.warning if before.role is AnnouncementRole.ANNOUNCED else self._log.info
        log(
            "announcement_changed",
            group=group.name,
            previous=before.role.value,
            role=state.role.value,
            reason=state.reason,
        )

    def _pause(self) -> float:
        """Return the seconds until the next pass."""
        now = monotonic()
        dues = [due_in(group, self._state(group), now) for group in self._groups]
        pauses = [due for due in dues if due is not None]
        least = RETRY_SECONDS if self._failures else 0.0
        return max(least, min([self._renewed_at + self._lifetime / RENEWALS - now, *pauses]))


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _kernel_for(announcement: Announcement | None) -> AnnouncementKernel | None:
    return None if announcement is None else AnnouncementKernel(announcement)


def _devices(announcement: Announcement) -> tuple[str, str]:
    return announcement.device, announcement.reluctant_device


def _group_status(
    group: AnnouncedGroup, state: GroupState, passing: Mapping[str, float], now: float
) -> GroupStatus:
    return GroupStatus(
        name=group.name,
        addresses=group.addresses,
        role=state.role,
        reason=state.reason,
        age=now - state.since,
        rises_in=due_in(group, state, now),
        passing={pool: passing[pool] for pool in group.pools if pool in passing},
    )
