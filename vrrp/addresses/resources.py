"""What an ACTIVE instance has on its host: addresses, routes, announcements, the virtual MAC."""

from __future__ import annotations

from collections.abc import Callable

from vrrp.addresses.address_reconciler import AddressReconciler
from vrrp.addresses.addresses import AddressError, virtual_addresses
from vrrp.addresses.announcer import Announcer
from vrrp.addresses.macvlan import macvlan_of, shortcomings
from vrrp.addresses.route_reconciler import RouteReconciler
from vrrp.addresses.routes import Item, RouteError, described, items
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import Incident
from vrrp.netlink.rtnetlink import Standing
from vrrp.transport.frames import FrameSocket


class HeldResources:
    """Takes and gives up what belongs to one instance, and announces it while it stands.

    ``run`` of its ``addresses`` has to run for that. ``may_announce`` is asked when some have come
    to stand later than they were wanted.
    """

    def __init__(
        self,
        configuration: InstanceConfiguration,
        frames: FrameSocket,
        incident: Incident,
        may_announce: Callable[[], bool],
    ) -> None:
        self._configuration = configuration
        self._incident = incident
        self._may_announce = may_announce
        self._macvlan = macvlan_of(configuration)
        self.routes = RouteReconciler(items(configuration), self._route_removed, self._route_failed)
        self.addresses = AddressReconciler(
            virtual_addresses(configuration),
            configuration.advert_interval,
            self._addresses_stand,
            self._address_failed,
            self.routes,
            macvlan=self._macvlan,
        )
        self._announcer = Announcer(frames, self._announcement_failed)
        self._announcement_due = False

    def change(self, configuration: InstanceConfiguration) -> None:
        """Have what another configuration of the same virtual router says."""
        self._configuration = configuration
        self.routes.change(items(configuration))
        self.addresses.change(virtual_addresses(configuration), configuration.advert_interval)

    def prepare(self, interface_index: int) -> bool:
        """Have the macvlan of the virtual MAC made, if there is to be one; whether it is there."""
        if self._macvlan is None:
            return True
        try:
            if self._macvlan.make(interface_index):
                self._judge_settings()
        except OSError as error:
            self._incident("virtual_mac_unusable", "virtual_mac_errors", error=error)
            return False
        return True

    def announce(self) -> None:
        """Announce the addresses as soon as they stand."""
        self._announcement_due = True
        if self.addresses.held:
            self._announce()

    def stop_announcing(self) -> None:
        """Announce nothing more, nor when others come to stand."""
        self._announcement_due = False
        self._announcer.stop()

    def let_go(self) -> None:
        """Want nothing here any more."""
        self.stop_announcing()
        self.addresses.let_go()

    async def released(self) -> None:
        """Wait until the addresses are gone, 1 s at most, and remove what they stood on."""
        if not await self.addresses.settle():
            self._incident("addresses_not_released", "address_errors")
        if self._macvlan is not None:
            try:
                await self._macvlan.remove()
            except OSError as error:
                self._incident("virtual_mac_not_removed", "virtual_mac_errors", error=error)

    def restore(self, gone: Standing) -> None:
        """Put a virtual address back that somebody has taken away, and count it."""
        if self.addresses.restore(gone):
            self._incident("address_removed", "addresses_removed", address=gone.address.ip)

    def _judge_settings(self) -> None:
        """Tell what of the host's settings keeps IPv4 neighbours from the virtual MAC."""
        missing = shortcomings(self._configuration.interface)
        if missing and self._configuration.family == 4:
            self._incident(
                "virtual_mac_undermined", "virtual_mac_undermined", needs=" ".join(missing)
            )

    def _addresses_stand(self) -> None:
        """Announce all of them when some have come to stand, but never after a successor."""
        self._announcement_due = self._may_announce()
        self._announce()

    def _announce(self) -> None:
        if self._announcement_due:
            self._announcement_due = False
            self._announcer.start(self.addresses.held)

    def _announcement_failed(self, error: OSError) -> None:
        self._incident("announcement_not_sent", "announcement_errors", error=error)

    def _address_failed(self, error: AddressError) -> None:
        self._incident("address_failed", "address_errors", error=error)

    def _route_removed(self, item: Item) -> None:
        self._incident("route_removed", "routes_removed", item=described(item))

    def _route_failed(self, error: RouteError) -> None:
        self._incident("route_failed", "route_errors", error=error)
