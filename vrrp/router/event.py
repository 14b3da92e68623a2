"""The events that a virtual router receives, and the actions that it returns. Values only."""

from __future__ import annotations

import msgspec

from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State
from vrrp.protocol.packet import Address, Advertisement
from vrrp.router.priority import Impairment


class Startup(msgspec.Struct, frozen=True):
    """Event: leave INITIALIZE.

    ``resume``: become ACTIVE at once, because the previous process was ACTIVE until it died a
    moment ago.
    """

    resume: bool = False


class Shutdown(msgspec.Struct, frozen=True):
    """Event: enter INITIALIZE at once.

    An ACTIVE router sends priority 0, then releases the addresses.
    """

    reason: str


class AdvertisementReceived(msgspec.Struct, frozen=True):
    """Event: an advertisement was accepted. ``source`` is the address of its sender."""

    advertisement: Advertisement
    source: Address


class ActiveRouterDied(msgspec.Struct, frozen=True):
    """Event: the vrrp process of the router with this address has died, and its host has not.

    `vrrp.router.death_certificate` decides this.
    """

    address: Address


class TimerExpired(msgspec.Struct, frozen=True):
    """Event: the timer may have expired. The router ignores it before its ``deadline``."""


class HandoverRequested(msgspec.Struct, frozen=True):
    """Event: hand over to a peer, and keep the lowest priority until `HandoverUndone`."""


class BetterPeerSought(msgspec.Struct, frozen=True):
    """Event: hand over, but only to a peer that wins the election. Otherwise stay ACTIVE."""


class HandoverUndone(msgspec.Struct, frozen=True):
    """Event: use the configured priority again, and stop a handover in progress."""


class StopRequested(msgspec.Struct, frozen=True):
    """Event: hand over if ACTIVE, then enter INITIALIZE, even without a successor.

    Cannot be undone.
    """

    reason: str


class ConfigurationChanged(msgspec.Struct, frozen=True):
    """Event: the configuration of this virtual router has changed."""

    configuration: InstanceConfiguration


class PriorityChanged(msgspec.Struct, frozen=True):
    """Event: tracked objects changed the priority or the impairment (`vrrp.router.priority`)."""

    priority: int
    impairment: Impairment = Impairment.NONE


class GroupBecomesActive(msgspec.Struct, frozen=True):
    """Event: every member of the sync group is ready to take over. Become ACTIVE."""


class GroupBecomesBackup(msgspec.Struct, frozen=True):
    """Event: a member of the sync group is BACKUP. Send priority 0 and become BACKUP."""

    reason: str


class OwnAddressChanged(msgspec.Struct, frozen=True):
    """Event: the primary address of the interface, which decides ties, has changed."""

    address: Address


class AddressAnnounced(msgspec.Struct, frozen=True):
    """Event: another host announced one of the virtual addresses. It only matters in a handover."""

    address: Address


Event = (
    Startup
    | Shutdown
    | AdvertisementReceived
    | ActiveRouterDied
    | TimerExpired
    | HandoverRequested
    | BetterPeerSought
    | HandoverUndone
    | StopRequested
    | ConfigurationChanged
    | PriorityChanged
    | GroupBecomesActive
    | GroupBecomesBackup
    | OwnAddressChanged
    | AddressAnnounced
)


class SendAdvertisement(msgspec.Struct, frozen=True):
    """Action: send one advertisement with this priority."""

    priority: int


class AcquireAddresses(msgspec.Struct, frozen=True):
    """Action: hold exactly the configured virtual addresses. Some of them may be held already."""


class AnnounceAddresses(msgspec.Struct, frozen=True):
    """Action: start the schedule of announcements (`vrrp.protocol.announce`) from its beginning."""


class StopAnnouncing(msgspec.Struct, frozen=True):
    """Action: send no more announcements, so that the last ones come from the successor."""


class ReleaseAddresses(msgspec.Struct, frozen=True):
    """Action: stop announcing the virtual addresses, and remove them."""


class StateChanged(msgspec.Struct, frozen=True):
    """Action: report a change of state."""

    previous: State
    state: State
    reason: str


class HandoverBegan(msgspec.Struct, frozen=True):
    """Action: report that this router starts a handover without a request, with the reason."""

    reason: str


class HandoverAbandoned(msgspec.Struct, frozen=True):
    """Action: report that this router stays ACTIVE: no peer took over, or the peer would lose."""

    reason: str


Action = (
    SendAdvertisement
    | AcquireAddresses
    | AnnounceAddresses
    | StopAnnouncing
    | ReleaseAddresses
    | StateChanged
    | HandoverBegan
    | HandoverAbandoned
)
