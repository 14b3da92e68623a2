"""Watches the interfaces of this host that instances use or track, and reports their changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from vrrp.addresses.address_reconciler import AddressReconciler, DeviceState
from vrrp.addresses.addresses import promote_secondaries, shared_subnets, virtual_addresses
from vrrp.addresses.routes import items
from vrrp.addresses.static_resources import static_addresses
from vrrp.model.configuration import InstanceConfiguration, TrackedKey, UdpUnicast
from vrrp.model.report import Notice, Report
from vrrp.model.static_items import NO_STATIC_ITEMS, StaticItems
from vrrp.netlink.links import Link, LinkWatcher
from vrrp.netlink.rtnetlink import InterfaceAddress
from vrrp.netlink.rtnetlink_socket import RtnetlinkSocket
from vrrp.protocol.packet import Address


class HostLinks:
    """Watches the interfaces that the configured instances use or track.

    ``changed`` is called with the name of an interface whose state has changed, and ``removed``
    with a virtual address that was removed. Netlink sockets are opened when the first interface
    is needed; UDP instances with loopback addresses need none. The watcher runs in ``tasks``.

    - ``links`` has the state of each watched interface that is known; None if it does not exist.
    - ``virtual`` are the virtual addresses of all instances, which are not used as sources.
    """

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        changed: Callable[[str], None],
        removed: Callable[[InterfaceAddress], None],
        report: Callable[[Report], None],
    ) -> None:
        self.links: dict[str, Link | None] = {}
        self.virtual: frozenset[Address] = frozenset()
        self._tasks = tasks
        self._changed = changed
        self._removed = removed
        self._report = report
        self._kernel: RtnetlinkSocket | None = None
        self._watcher: LinkWatcher | None = None
        self._watching: asyncio.Task[None] | None = None

    def configure(
        self, configurations: Iterable[InstanceConfiguration], static: StaticItems
    ) -> None:
        """Watch the interfaces of these instances and of the static items.

        Raises OSError if a socket cannot be opened.
        """
        instances = tuple(configurations)
        linked = [instance for instance in instances if _needs_link(instance)]
        tracked = {name for instance in instances for name in instance.tracked_names("interface")}
        if self._watcher is None:
            if not linked and not tracked and static == NO_STATIC_ITEMS:
                return
            self._kernel = RtnetlinkSocket()
            self._watcher = LinkWatcher(self._kernel, self._note_link, self._removed)
            self._watching = self._tasks.create_task(self._watcher.run())
        virtual = [address for instance in linked for address in virtual_addresses(instance)]
        lasting = static_addresses(static)
        routes = [route for instance in linked for route in instance.virtual_routes]
        routes += static.routes
        names = tracked | {instance.interface for instance in linked}
        names |= {address.device for address in (*virtual, *lasting)}
        names |= {device for route in routes for device in route.devices}
        self.links = {name: link for name, link in self.links.items() if name in names}
        self.virtual = frozenset(address.address.ip for address in virtual)
        self._watcher.watch(names, self.virtual | {address.address.ip for address in lasting})

    def carriers(self, *names: str) -> dict[TrackedKey, int]:
        """Return the carriers of these interfaces (by default all) as values of tracked objects."""
        links = ((name, self.links[name]) for name in names or self.links)
        return {
            TrackedKey("interface", name): int(link is not None and link.carrier)
            for name, link in links
        }

    def read_again(self) -> None:
        """Read all links soon, because static addresses were added: they may be sources."""
        if self._watcher is not None:
            self._watcher.read_again()

    def provide_socket(self, addresses: AddressReconciler) -> None:
        """Let a reconciler change the kernel before a device is known: rules need no device."""
        if self._kernel is not None:
            addresses.use(self._kernel)

    def update_resources(
        self,
        addresses: AddressReconciler,
        interface: str | None = None,
        only: str | None = None,
    ) -> None:
        """Tell a reconciler the known states of its devices; with ``only``, the state of that one.

        ``interface`` is a further device of the reconciler, on which no address is configured.
        """
        for device in addresses.devices | ({interface} if interface else set()):
            if self._kernel is None or device not in self.links or only not in (None, device):
                continue
            link = self.links[device]
            state = (
                DeviceState()
                if link is None
                else DeviceState(link.index, link.permanent(), link.carrier)
            )
            addresses.update_device(self._kernel, device, state)
            if link is not None and device in shared_subnets(addresses.configured):
                self._promote_secondaries(device)

    async def close(self) -> None:
        """Stop watching, and close the sockets."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait((self._watching,))
        if self._kernel is not None:
            self._kernel.close()

    def _note_link(self, name: str, link: Link | None) -> None:
        self.links[name] = link
        self._changed(name)

    def _promote_secondaries(self, device: str) -> None:
        try:
            promote_secondaries(device)
        except OSError as error:
            fields = {"interface": device, "error": str(error)}
            self._report(Notice("warning", "secondary_addresses_at_risk", dict(fields)))


def _needs_link(configuration: InstanceConfiguration) -> bool:
    """Return whether an instance uses an interface: for multicast, addresses, routes or rules."""
    if not isinstance(configuration.transport, UdpUnicast):
        return True
    return bool(virtual_addresses(configuration) or items(configuration))
