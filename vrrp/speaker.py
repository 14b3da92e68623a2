"""Runs all VRRP instances of a host: starts, changes and stops them, and passes on link changes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, Self

from msgspec.structs import replace

from vrrp.addresses.addresses import AddressError
from vrrp.addresses.announcement_listener import AnnouncementListener
from vrrp.addresses.host_links import HostLinks
from vrrp.addresses.routes import items, sweep
from vrrp.addresses.static_resources import StaticResources
from vrrp.instance.instance import Instance
from vrrp.instance.rate_limited_notices import RateLimitedNotices
from vrrp.instance.sequence import SequenceNumbers
from vrrp.instance.sync_group import SyncGroup
from vrrp.model.configuration import (
    InstanceConfiguration,
    Multicast,
    TrackedKey,
    UdpUnicast,
    Unicast,
)
from vrrp.model.report import InstanceStatus, Notice, Report, Scalar
from vrrp.model.static_items import StaticItems
from vrrp.netlink.rtnetlink import InterfaceAddress
from vrrp.netlink.rtnetlink_socket import RtnetlinkSocket
from vrrp.protocol.packet import Address
from vrrp.segment import Segment
from vrrp.transport.frames import FrameSocket
from vrrp.transport.udp import UdpSocket

Level = Literal["warning", "error"]

REBIND_SECONDS: Final = 1.0
"""Seconds between attempts to bind a UDP address."""


class _Running(NamedTuple):
    instance: Instance
    tasks: tuple[asyncio.Task[None], ...]


class Speaker:
    """Runs the configured VRRP instances. It is an async context manager, which owns their tasks.

    Call `stop` or `release_now` before leaving the context. Otherwise the instances end without
    an advertisement of priority 0, and their addresses stay until the end of their lifetime.

    Loopback addresses with the UDP transport need no privilege. The other transports need
    CAP_NET_RAW; other addresses also need CAP_NET_ADMIN. If the kernel refuses an operation,
    the speaker reports a notice and tries again.

    With ``alone``, no other speaker runs on the host. The speaker then removes the routes and
    rules that an earlier speaker has left.
    """

    def __init__(self, report: Callable[[Report], None], *, alone: bool = False) -> None:
        self._report = report
        self._sweep_due = alone
        self._running: dict[str, _Running] = {}
        self._segments: dict[tuple[str, int], Segment] = {}
        self._values: dict[TrackedKey, int] = {}
        self._sequence = SequenceNumbers()
        self._frames = FrameSocket()
        self._announcements = AnnouncementListener(self._note_announcement)
        self._tasks = asyncio.TaskGroup()
        self._links = HostLinks(self._tasks, self._note_link, self._restore, report)
        self._static_notices = RateLimitedNotices(report, section="static")
        self._static = StaticResources(self._note_static_problem, self._links.read_again)
        self._keeping: asyncio.Task[None] | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._tasks)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._discard(tuple(self._running))
        if self._keeping is not None:
            self._keeping.cancel()
        await self._links.close()
        self._frames.close()
        self._announcements.close()
        await self._stack.aclose()

    async def configure(
        self,
        instances: Sequence[InstanceConfiguration],
        resume: frozenset[str] = frozenset(),
        yielding: frozenset[str] = frozenset(),
        values: Mapping[TrackedKey, int] = MappingProxyType({}),
    ) -> None:
        """Run exactly these instances: start, stop, change in place or keep each of them.

        An instance with another interface, VRID, version, family or transport is a new instance.
        The old instance stops first, which takes up to 5 s if it is ACTIVE.

        ``resume`` has the names of instances that were ACTIVE in a process that died a moment ago.
        ``yielding`` has the names of instances that were handed over. ``values`` are the values of
        tracked objects, as in `update_values`.
        """
        self._values = dict(values)
        wanted = {configuration.name: configuration for configuration in instances}
        stopping = []
        for name, running in self._running.items():
            configuration, current = wanted.get(name), running.instance.configuration
            if configuration is None or configuration.identity != current.identity:
                stopping.append(name)
            elif configuration != current:
                running.instance.configure(configuration, self._tracked_values())
                self._update_resources(running.instance)
                self._update_segment(_segment_key(running.instance))
        await self._stop_instances(stopping, "no longer configured")
        self._links.configure(wanted.values(), self._static.items)
        starting = [
            Instance(
                configuration,
                self._report,
                self._sequence,
                self._frames,
                self._announcements,
                resume=name in resume,
                yielding=name in yielding,
            )
            for name, configuration in wanted.items()
            if name not in self._running
        ]
        self._form_groups([*self._instances(), *starting])
        for instance in starting:
            self._start(instance)
        if self._sweep_due:
            self._sweep_due = False
            await self._sweep()

    def keep_static(self, items: StaticItems) -> None:
        """Keep exactly these static items from now on, in every state of the instances.

        The items stay when the speaker ends.
        """
        if items == self._static.items:
            return
        self._static.configure(items)
        self._links.configure((each.configuration for each in self._instances()), items)
        self._links.provide_socket(self._static.addresses)
        self._links.update_resources(self._static.addresses)
        self._static.hold()
        if self._keeping is None:
            self._keeping = self._tasks.create_task(self._static.addresses.run())

    def update_values(self, values: Mapping[TrackedKey, int]) -> None:
        """Pass new values of tracked objects to the instances (`vrrp.router.priority`).

        The speaker itself watches tracked interfaces; ``values`` do not include them.
        """
        self._values.update(values)
        for instance in self._instances():
            instance.update_values(values)

    def hand_over(self, name: str, *, undo: bool = False) -> None:
        """Hand an instance and its sync group over to a peer; with ``undo``, undo a handover."""
        running = self._running.get(name)
        if running is None:
            self._notice("warning", "unknown_instance", instance=name)
        else:
            running.instance.sync_group.hand_over(undo=undo)

    async def stop(self, *, keep: bool = False) -> None:
        """Hand over and stop all instances at the same time, within about 5 s.

        With ``keep``, send nothing to the peers, and leave the addresses for 60 s to the
        process that continues.
        """
        names = tuple(self._running)
        if not keep:
            await self._stop_instances(names, "stopped")
            return
        instances = self._instances()
        await self._discard(names)
        for instance in instances:
            try:
                await instance.resources.addresses.extend_lifetime()
            except AddressError as error:
                self._notice("error", "address_not_kept", error=str(error))

    async def release_now(self) -> None:
        """Send priority 0 and release the addresses within 1 s, without waiting for a successor."""
        instances = self._instances()
        for instance in instances:
            instance.detach("released")
        async with asyncio.TaskGroup() as releasing:
            for instance in instances:
                releasing.create_task(instance.resources.wait_for_release())
        await self._discard(tuple(self._running))

    def names(self) -> tuple[str, ...]:
        """Return the names of the running instances."""
        return tuple(self._running)

    def status(self, name: str) -> InstanceStatus | None:
        """Return the status of one instance; None if it does not run."""
        running = self._running.get(name)
        if running is None:
            return None
        segment = self._segments.get(_segment_key(running.instance))
        undelivered = {} if segment is None else dict(segment.notices.counters)
        return replace(running.instance.status(), undelivered=undelivered)

    def statuses(self) -> list[InstanceStatus]:
        """Return the status of every instance."""
        return [status for name in self._running if (status := self.status(name)) is not None]

    def _instances(self) -> list[Instance]:
        return [running.instance for running in self._running.values()]

    def _tracked_values(self) -> dict[TrackedKey, int]:
        return {**self._values, **self._links.carriers()}

    async def _sweep(self) -> None:
        """Remove the routes and rules of earlier processes that are not configured.

        Each instance reconciles its configured routes and rules itself.
        """
        configured = [item for each in self._instances() for item in items(each.configuration)]
        configured += (*self._static.items.routes, *self._static.items.rules)
        indexes = {name: index for index, name in socket.if_nameindex()}
        try:
            with closing(RtnetlinkSocket()) as kernel:
                for failure in await sweep(kernel, configured, indexes):
                    self._notice("error", "route_not_removed", error=str(failure))
        except OSError as error:
            self._notice("error", "routes_not_listed", error=str(error))

    def _form_groups(self, instances: Iterable[Instance]) -> None:
        """Assign the sync groups. An instance without a sync group forms a group of its own."""
        groups: dict[tuple[bool, str], list[Instance]] = {}
        for instance in instances:
            name = instance.configuration.sync_group
            key = (name is not None, name or instance.name)
            groups.setdefault(key, []).append(instance)
        for members in groups.values():
            group = SyncGroup(members)
            for member in members:
                member.sync_group = group
            group.settle()

    def _start(self, instance: Instance) -> None:
        work: list[Coroutine[object, object, None]] = [instance.resources.addresses.run()]
        self._update_resources(instance)
        instance.update_values(self._tracked_values())
        match instance.configuration.transport:
            case UdpUnicast() as transport:
                work.append(self._run_udp(instance, transport))
            case Multicast() | Unicast():
                self._add_to_segment(instance)
        tasks = tuple(self._tasks.create_task(coroutine) for coroutine in work)
        self._running[instance.name] = _Running(instance, tasks)

    async def _stop_instances(self, names: Iterable[str], reason: str) -> None:
        async with asyncio.TaskGroup() as stopping:
            for name in names:
                stopping.create_task(self._running[name].instance.stop(reason))
        await self._discard(names)

    async def _discard(self, names: Iterable[str]) -> None:
        """Close instances and end their tasks."""
        for name in names:
            running = self._running.pop(name)
            running.instance.close()
            if not isinstance(running.instance.configuration.transport, UdpUnicast):
                self._remove_from_segment(running.instance)
            for task in running.tasks:
                task.cancel()
            await asyncio.wait(running.tasks)

    async def _run_udp(self, instance: Instance, transport: UdpUnicast) -> None:
        """Bind the UDP socket of an instance, with retries, and attach the instance to it."""
        while True:
            try:
                authenticated = instance.configuration.authenticated
                udp = UdpSocket(
                    transport, instance.receive, instance.count_drop, authenticated=authenticated
                )
            except (OSError, ValueError) as error:
                instance.report_transport_error(error)
                await asyncio.sleep(REBIND_SECONDS)
                continue
            instance.attach(udp)
            await udp.receive()

    def _note_link(self, name: str) -> None:
        carrier = self._links.carriers(name)
        for instance in self._instances():
            instance.update_values(carrier)
            self._update_resources(instance, name)
        self._links.update_resources(self._static.addresses, only=name)
        for key in self._segments:
            if key[0] == name:
                self._update_segment(key)

    def _note_announcement(self, device: str, address: Address) -> None:
        for instance in self._instances():
            instance.note_announcement(device, address)

    def _restore(self, removed: InterfaceAddress) -> None:
        for instance in self._instances():
            instance.resources.restore(removed)
        self._static.restore(removed)

    def _update_resources(self, instance: Instance, device: str | None = None) -> None:
        interface = instance.configuration.interface
        self._links.update_resources(instance.resources.addresses, interface, device)

    def _add_to_segment(self, instance: Instance) -> None:
        interface, family = key = _segment_key(instance)
        new = Segment(interface, family, self._report, self._frames)
        segment = self._segments.setdefault(key, new)
        segment.add(instance)
        self._update_segment(key)

    def _update_segment(self, key: tuple[str, int]) -> None:
        """Pass the state of the link to a segment, if the segment exists and the state is known."""
        interface, _ = key
        if key in self._segments and interface in self._links.links:
            self._segments[key].update(self._links.links[interface], self._links.virtual)

    def _remove_from_segment(self, instance: Instance) -> None:
        key = _segment_key(instance)
        if not self._segments[key].remove(instance):
            self._segments.pop(key).close()

    def _note_static_problem(self, event: str, counter: str, **fields: object) -> None:
        texts = {name: str(value) for name, value in fields.items()}
        self._static_notices.note(event, counter, asyncio.get_running_loop().time(), **texts)

    def _notice(self, level: Level, event: str, **fields: Scalar) -> None:
        self._report(Notice(level, event, fields))


def _segment_key(instance: Instance) -> tuple[str, Literal[4, 6]]:
    return instance.configuration.interface, instance.configuration.family
