"""The static items of a host: they are reconciled in every state of the VRRP instances."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_interface

from vrrp.addresses.address_reconciler import AddressReconciler
from vrrp.addresses.addresses import KEPT_LIFETIME_SECONDS, AddressError, remove_resources
from vrrp.addresses.route_reconciler import RouteReconciler
from vrrp.addresses.routes import Item, RouteError, describe
from vrrp.model.report import ReportProblem
from vrrp.model.static_items import NO_STATIC_ITEMS, StaticItems
from vrrp.netlink.rtnetlink import InterfaceAddress, VirtualAddress


def static_addresses(items: StaticItems) -> tuple[VirtualAddress, ...]:
    """Return the addresses with their devices."""
    return tuple(
        VirtualAddress(ip_interface(each.address), each.device, each.label, each.scope)
        for each in items.addresses
        if each.device is not None
    )


async def remove_static_items(items: StaticItems) -> None:
    """Delete the static items of a process that has exited.

    Foreign addresses and routes stay. Raises AddressError, RouteError or OSError.
    """
    await remove_resources(static_addresses(items), (*items.routes, *items.rules))


class StaticResources:
    """Reconciles static items while the task ``addresses.run`` runs.

    At the end of the task the items stay. The addresses have a lifetime of 60 s, so that a process
    that starts within this time continues with them. ``acquired`` is called after addresses were
    added.
    """

    def __init__(self, report_problem: ReportProblem, acquired: Callable[[], None]) -> None:
        self.items = NO_STATIC_ITEMS
        self._report_problem = report_problem
        self._acquired = acquired
        self._routes = RouteReconciler((), self._report_removed_route, self._report_route_error)
        self.addresses = AddressReconciler(
            (), KEPT_LIFETIME_SECONDS, acquired, self._report_address_error, self._routes
        )

    def configure(self, items: StaticItems) -> None:
        """Replace the items."""
        self.items = items
        self._routes.configure((*items.routes, *items.rules))
        self.addresses.configure(static_addresses(items), KEPT_LIFETIME_SECONDS)

    def hold(self) -> None:
        """Add the items. If there are few of them, they are added before this returns."""
        self.addresses.hold()
        self._acquired()

    def restore(self, removed: InterfaceAddress) -> None:
        """Restore an address that another program has removed, and report the removal."""
        if self.addresses.restore(removed):
            address = str(removed.address.ip)
            self._report_problem("address_removed", "addresses_removed", address=address)

    def _report_address_error(self, error: AddressError) -> None:
        self._report_problem("address_failed", "address_errors", error=str(error))

    def _report_removed_route(self, item: Item) -> None:
        self._report_problem("route_removed", "routes_removed", item=describe(item))

    def _report_route_error(self, error: RouteError) -> None:
        self._report_problem("route_failed", "route_errors", error=str(error))
