"""The host resources of one instance: addresses, routes, announcements, and the virtual MAC."""

from __future__ import annotations

from collections.abc import Callable

from vrrp.addresses.address_reconciler import AddressReconciler
from vrrp.addresses.addresses import AddressError, lifetime, virtual_addresses
from vrrp.addresses.announcer import Announcer
from vrrp.addresses.macvlan import macvlan_of, unsuitable_sysctls
from vrrp.addresses.route_reconciler import RouteReconciler
from vrrp.addresses.routes import Item, RouteError, describe, items
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import ReportProblem
from vrrp.netlink.links import HOST_WANTS
from vrrp.netlink.rtnetlink import InterfaceAddress
from vrrp.transport.frames import FrameSocket


class HeldResources:
    """Acquires, announces and releases the addresses, routes and macvlan of one instance.

    The task ``addresses.run`` must run. ``may_announce`` decides whether addresses that were
    added with a delay are announced.
    """

    def __init__(
        self,
        configuration: InstanceConfiguration,
        frames: FrameSocket,
        report_problem: ReportProblem,
        may_announce: Callable[[], bool],
    ) -> None:
        self._configuration = configuration
        self._report_problem = report_problem
        self._may_announce = may_announce
        self._macvlan = macvlan_of(configuration)
        self.routes = RouteReconciler(
            items(configuration), self._report_removed_route, self._report_route_error
        )
        self.addresses = AddressReconciler(
            virtual_addresses(configuration),
            lifetime(configuration),
            self._announce_new,
            self._report_address_error,
            self.routes,
            macvlan=self._macvlan,
        )
        self._announcer = Announcer(frames, self._report_announcement_error)
        self._announcement_due = False

    def configure(self, configuration: InstanceConfiguration) -> None:
        """Replace the configuration by another one of the same virtual router."""
        self._configuration = configuration
        self.routes.configure(items(configuration))
        self.addresses.configure(virtual_addresses(configuration), lifetime(configuration))

    def prepare(self, interface_index: int) -> bool:
        """Create the macvlan if the instance has a virtual MAC. Return False if that fails.

        A lack of resources on this host, such as file descriptors, is no failure if the
        macvlan was created earlier.
        """
        if self._macvlan is None:
            return True
        created = self._macvlan.created
        try:
            if self._macvlan.create(interface_index):
                self._check_settings()
        except OSError as error:
            self._report_problem("virtual_mac_unusable", "virtual_mac_errors", error=error)
            return created and error.errno in HOST_WANTS
        return True

    def announce(self) -> None:
        """Announce the addresses as soon as they are added."""
        self._announcement_due = True
        if self.addresses.held:
            self._announce()

    def stop_announcing(self) -> None:
        """Stop the announcements, also of addresses that are added later."""
        self._announcement_due = False
        self._announcer.stop()

    def release(self) -> None:
        """Stop the announcements, and start to remove the addresses and routes."""
        self.stop_announcing()
        self.addresses.release()

    async def wait_for_release(self) -> None:
        """Wait at most 1 s until the addresses are removed, and then delete the macvlan."""
        if not await self.addresses.settle():
            self._report_problem("addresses_not_released", "address_errors")
        if self._macvlan is not None:
            try:
                await self._macvlan.remove()
            except OSError as error:
                self._report_problem("virtual_mac_not_removed", "virtual_mac_errors", error=error)

    def restore(self, removed: InterfaceAddress) -> None:
        """Restore a virtual address that another program has removed, and report the removal."""
        if self.addresses.restore(removed):
            self._report_problem("address_removed", "addresses_removed", address=removed.address.ip)

    def _check_settings(self) -> None:
        """Report sysctls that keep IPv4 neighbors from using the virtual MAC."""
        missing = unsuitable_sysctls(self._configuration.interface)
        if missing and self._configuration.family == 4:
            self._report_problem(
                "virtual_mac_undermined", "virtual_mac_undermined", needs=" ".join(missing)
            )

    def _announce_new(self) -> None:
        """Announce all addresses after some were added, but not during a handover."""
        self._announcement_due = self._may_announce()
        self._announce()

    def _announce(self) -> None:
        if self._announcement_due:
            self._announcement_due = False
            self._announcer.start(self.addresses.held)

    def _report_announcement_error(self, error: OSError) -> None:
        self._report_problem("announcement_not_sent", "announcement_errors", error=error)

    def _report_address_error(self, error: AddressError) -> None:
        self._report_problem("address_failed", "address_errors", error=error)

    def _report_removed_route(self, item: Item) -> None:
        self._report_problem("route_removed", "routes_removed", item=describe(item))

    def _report_route_error(self, error: RouteError) -> None:
        self._report_problem("route_failed", "route_errors", error=error)
