"""All VRRP instances of a host: which of them run, and on which links."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, Self

from msgspec.structs import replace

from vrrp.addresses.address_reconciler import Place
from vrrp.addresses.addresses import (
    AddressError,
    promote_secondaries,
    shared_subnets,
    virtual_addresses,
)
from vrrp.addresses.announcement_listener import AnnouncementSocket
from vrrp.addresses.routes import items, sweep
from vrrp.instance.companions import SyncGroup
from vrrp.instance.instance import Instance
from vrrp.instance.sequence import SequenceNumbers
from vrrp.model.configuration import (
    InstanceConfiguration,
    Multicast,
    TrackedKey,
    UdpUnicast,
    Unicast,
)
from vrrp.model.report import InstanceStatus, Notice, Report, Scalar
from vrrp.netlink.address_socket import AddressSocket
from vrrp.netlink.links import Link, LinkWatcher
from vrrp.netlink.rtnetlink import Standing
from vrrp.protocol.packet import Address
from vrrp.segment import Segment
from vrrp.transport.frames import FrameSocket
from vrrp.transport.udp import UdpSocket

Level = Literal["warning", "error"]

REBIND_SECONDS: Final = 1.0
"""Seconds after which a UDP address that could not be bound is tried again."""


@dataclass(frozen=True, slots=True)
class _Running:
    instance: Instance
    tasks: tuple[asyncio.Task[None], ...]


class Speaker:
    """Runs the instances it is configured with; as an async context manager it owns their tasks.

    Leaving the context drops everything as it stands: call `stop` or `release_now` before. With
    loopback addresses and the UDP transport alone no privilege is needed; multicast needs
    CAP_NET_RAW, other virtual addresses both that and CAP_NET_ADMIN. What the kernel refuses is
    reported as a notice and tried again. One that is ``alone`` on its host removes all routes and
    rules that an earlier one has left.
    """

    def __init__(self, report: Callable[[Report], None], *, alone: bool = False) -> None:
        self._report = report
        self._sweeps = alone
        self._running: dict[str, _Running] = {}
        self._segments: dict[tuple[str, int], Segment] = {}
        self._virtual: frozenset[Address] = frozenset()
        self._links: dict[str, Link | None] = {}
        self._values: dict[TrackedKey, int] = {}
        self._kernel: AddressSocket | None = None
        self._watcher: LinkWatcher | None = None
        self._watching: asyncio.Task[None] | None = None
        self._sequence = SequenceNumbers()
        self._frames = FrameSocket()
        self._announcements = AnnouncementSocket(self._announced)
        self._tasks = asyncio.TaskGroup()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._tasks)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._drop(tuple(self._running))
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait((self._watching,))
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
        """Run exactly these instances: start, stop, keep or change each in place.

        An instance on another interface, VRID, version, family or transport is another one: the
        old one leaves first, which takes up to 5 s if it is ACTIVE. ``resume`` names those that go
        on as ACTIVE for a process that died, ``yielding`` those that stay behind any peer.
        ``values`` are of what they track, as in `learn`.
        """
        self._values = dict(values)
        wanted = {each.name: each for each in instances}
        leaving = []
        for name, running in self._running.items():
            configuration, current = wanted.get(name), running.instance.configuration
            if configuration is None or configuration.identity != current.identity:
                leaving.append(name)
            elif configuration != current:
                running.instance.change(configuration, self._known())
                self._place(running.instance)
        await self._leave(leaving, "no longer configured")
        self._watch(wanted.values())
        starting = [
            Instance(
                each,
                self._report,
                self._sequence,
                self._frames,
                self._announcements,
                resume=each.name in resume,
                yielding=each.name in yielding,
            )
            for each in wanted.values()
            if each.name not in self._running
        ]
        self._group([*(running.instance for running in self._running.values()), *starting])
        for instance in starting:
            self._start(instance)
        if self._sweeps:
            self._sweeps = False
            await self._sweep()

    def learn(self, values: Mapping[TrackedKey, int]) -> None:
        """Take in values of tracked objects (`vrrp.router.priority`), by the objects' keys.

        Interfaces are watched here, and are not among them.
        """
        self._values.update(values)
        for running in self._running.values():
            running.instance.learn(values)

    def _announced(self, device: str, address: Address) -> None:
        for running in self._running.values():
            running.instance.announced(device, address)

    def hand_over(self, name: str, *, undo: bool = False) -> None:
        """Give an instance, and its sync group, to a peer, or (``undo``) let it compete again."""
        running = self._running.get(name)
        if running is None:
            self._notice("warning", "unknown_instance", instance=name)
        else:
            for instance in running.instance.companions.instances:
                instance.hand_over(undo=undo)

    async def stop(self, *, keep: bool = False) -> None:
        """Stop all instances at once, each handing over first, within 5 s and a margin.

        ``keep``: say nothing to the peers and leave the addresses standing for 60 s, for a
        process that goes on in our place.
        """
        names = tuple(self._running)
        if not keep:
            await self._leave(names, "stopped")
            return
        instances = [running.instance for running in self._running.values()]
        await self._drop(names)
        for instance in instances:
            try:
                await instance.holding.addresses.keep()
            except AddressError as error:
                self._notice("error", "address_not_kept", error=str(error))

    async def release_now(self) -> None:
        """Resign and release without waiting for a successor; within 1 s."""
        instances = [running.instance for running in self._running.values()]
        for instance in instances:
            instance.detach("released")
        async with asyncio.TaskGroup() as releasing:
            for instance in instances:
                releasing.create_task(instance.holding.released())
        await self._drop(tuple(self._running))

    def names(self) -> tuple[str, ...]:
        """The instances that run."""
        return tuple(self._running)

    def status(self, name: str) -> InstanceStatus | None:
        """A snapshot of one instance; None when it does not run any more."""
        running = self._running.get(name)
        if running is None:
            return None
        segment = self._segments.get(_segment(running.instance))
        undelivered = {} if segment is None else dict(segment.incidents.counters)
        return replace(running.instance.status(), undelivered=undelivered)

    def statuses(self) -> list[InstanceStatus]:
        """A snapshot of every instance."""
        return [status for name in self._running if (status := self.status(name)) is not None]

    async def _sweep(self) -> None:
        """Remove routes and rules that an earlier process has left and no instance has any more.

        Those an instance still has, it sees to itself.
        """
        configurations = (running.instance.configuration for running in self._running.values())
        configured = [item for each in configurations for item in items(each)]
        indexes = {name: index for index, name in socket.if_nameindex()}
        try:
            with closing(AddressSocket()) as kernel:
                for failure in await sweep(kernel, configured, indexes):
                    self._notice("error", "route_not_removed", error=str(failure))
        except OSError as error:
            self._notice("error", "routes_not_listed", error=str(error))

    def _group(self, instances: Iterable[Instance]) -> None:
        """Tell every instance with which others it moves together."""
        groups: dict[tuple[bool, str], list[Instance]] = {}
        for each in instances:
            group = each.configuration.sync_group
            key = (group is not None, group or each.configuration.name)
            groups.setdefault(key, []).append(each)
        for members in groups.values():
            companions = SyncGroup(members)
            for each in members:
                each.companions = companions
            companions.settle()

    def _start(self, instance: Instance) -> None:
        configuration = instance.configuration
        work: list[Coroutine[object, object, None]] = [instance.holding.addresses.run()]
        self._place(instance)
        instance.learn(self._known())
        match configuration.transport:
            case UdpUnicast() as transport:
                work.append(self._speak_udp(instance, transport))
            case Multicast() | Unicast():
                self._join(instance)
        tasks = tuple(self._tasks.create_task(each) for each in work)
        self._running[configuration.name] = _Running(instance, tasks)

    async def _leave(self, names: Iterable[str], reason: str) -> None:
        async with asyncio.TaskGroup() as leaving:
            for name in names:
                leaving.create_task(self._running[name].instance.leave(reason))
        await self._drop(names)

    async def _drop(self, names: Iterable[str]) -> None:
        for name in names:
            running = self._running.pop(name)
            running.instance.close()
            if not isinstance(running.instance.configuration.transport, UdpUnicast):
                self._part(running.instance)
            for task in running.tasks:
                task.cancel()
            await asyncio.wait(running.tasks)

    async def _speak_udp(self, instance: Instance, transport: UdpUnicast) -> None:
        """Attach an instance to its own UDP socket as soon as that can be bound."""
        while True:
            try:
                authenticated = instance.configuration.authenticated
                udp = UdpSocket(
                    transport, instance.receive, instance.refuse, authenticated=authenticated
                )
            except (OSError, ValueError) as error:
                instance.transport_failed(error)
                await asyncio.sleep(REBIND_SECONDS)
                continue
            instance.attach(udp)
            await udp.receive()

    def _watch(self, configurations: Iterable[InstanceConfiguration]) -> None:
        """Watch the links of those instances that need the kernel for anything but UDP."""
        every = tuple(configurations)
        needing = [each for each in every if _needs_link(each)]
        tracked = {name for each in every for name in each.tracked("interface")}
        if self._watcher is None:
            if not needing and not tracked:
                return
            self._kernel = self._stack.enter_context(closing(AddressSocket()))
            self._watcher = LinkWatcher(self._kernel, self._link_changed, self._address_removed)
            self._watching = self._tasks.create_task(self._watcher.run())
        virtual = [ours for each in needing for ours in virtual_addresses(each)]
        interfaces = {each.interface for each in needing} | {each.device for each in virtual}
        routes = (route for each in needing for route in each.virtual_routes)
        interfaces |= tracked | {each.device for each in routes if each.device is not None}
        self._links = {name: link for name, link in self._links.items() if name in interfaces}
        self._virtual = frozenset(each.address.ip for each in virtual)
        self._watcher.watch(interfaces, self._virtual)

    def _link_changed(self, name: str, link: Link | None) -> None:
        self._links[name] = link
        carrier = {TrackedKey("interface", name): _carrier(link)}
        for running in self._running.values():
            running.instance.learn(carrier)
            self._place(running.instance, name)
        for (interface, _), segment in self._segments.items():
            if interface == name:
                segment.follow(link, self._virtual)

    def _address_removed(self, gone: Standing) -> None:
        for running in self._running.values():
            running.instance.holding.restore(gone)

    def _known(self) -> dict[TrackedKey, int]:
        """Return the last value of every tracked object."""
        carriers = {
            TrackedKey("interface", name): _carrier(link) for name, link in self._links.items()
        }
        return {**self._values, **carriers}

    def _place(self, instance: Instance, only: str | None = None) -> None:
        """Tell an instance where its addresses go, as far as that is known: all, or one device."""
        configured = instance.holding.addresses.configured
        devices = {instance.configuration.interface, *(each.device for each in configured)}
        for device in devices | instance.holding.routes.devices:
            if self._kernel is None or device not in self._links or only not in (None, device):
                continue
            link = self._links[device]
            place = Place() if link is None else Place(link.index, link.permanent(), link.carrier)
            instance.holding.addresses.place(self._kernel, device, place)
            if link is not None and device in shared_subnets(configured):
                self._protect_secondaries(device)

    def _protect_secondaries(self, device: str) -> None:
        """See that a virtual address that goes takes no other of its subnet with it."""
        try:
            promote_secondaries(device)
        except OSError as error:
            self._notice(
                "warning", "secondary_addresses_at_risk", interface=device, error=str(error)
            )

    def _join(self, instance: Instance) -> None:
        interface, family = where = _segment(instance)
        new = Segment(interface, family, self._report, self._frames)
        segment = self._segments.setdefault(where, new)
        segment.join(instance)
        if interface in self._links:
            segment.follow(self._links[interface], self._virtual)

    def _part(self, instance: Instance) -> None:
        where = _segment(instance)
        if not self._segments[where].part(instance):
            self._segments.pop(where).close()

    def _notice(self, level: Level, event: str, **fields: Scalar) -> None:
        self._report(Notice(level, event, fields))


def _segment(instance: Instance) -> tuple[str, Literal[4, 6]]:
    return instance.configuration.interface, instance.configuration.family


def _needs_link(configuration: InstanceConfiguration) -> bool:
    """Whether an instance sends multicast, or holds what is not local anyway."""
    if not isinstance(configuration.transport, UdpUnicast):
        return True
    return bool(virtual_addresses(configuration) or items(configuration))


def _carrier(link: Link | None) -> int:
    return int(link is not None and link.carrier)
