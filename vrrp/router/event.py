"""The events that go into a virtual router, and the actions that come out of it. Values only."""

from __future__ import annotations

import msgspec

from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State
from vrrp.protocol.packet import Address, Advertisement
from vrrp.router.priority import Impairment


class Startup(msgspec.Struct, frozen=True):
    """Leave INITIALIZE.

    ``resume``: become ACTIVE at once, because the previous process was ACTIVE until it died a
    moment ago.
    """

    resume: bool = False


class Shutdown(msgspec.Struct, frozen=True):
    """Enter INITIALIZE at once. An ACTIVE router sends priority 0, then releases the addresses."""

    reason: str


class AdvertisementReceived(msgspec.Struct, frozen=True):
    """An advertisement was accepted. ``source`` is the address of its sender."""

    advertisement: Advertisement
    source: Address


class TimerExpired(msgspec.Struct, frozen=True):
    """The timer may have expired. The router ignores this event before its ``deadline``."""


class HandoverRequested(msgspec.Struct, frozen=True):
    """Hand over to a peer, and keep the lowest priority until `HandoverUndone`."""


class BetterPeerSought(msgspec.Struct, frozen=True):
    """Hand over to a peer that wins the election, and stay ACTIVE if there is none."""


class HandoverUndone(msgspec.Struct, frozen=True):
    """Use the configured priority again, and stop a handover that has not ended."""


class StopRequested(msgspec.Struct, frozen=True):
    """Hand over if ACTIVE, then enter INITIALIZE, even without a successor. Cannot be undone."""

    reason: str


class ConfigurationChanged(msgspec.Struct, frozen=True):
    """The configuration of this virtual router has changed."""

    configuration: InstanceConfiguration


class PriorityChanged(msgspec.Struct, frozen=True):
    """Tracked objects have changed the priority or the impairment (`vrrp.router.priority`)."""

    priority: int
    impairment: Impairment = Impairment.NONE


class GroupBecomesActive(msgspec.Struct, frozen=True):
    """Every member of the sync group is ready to take over: become ACTIVE."""


class GroupBecomesBackup(msgspec.Struct, frozen=True):
    """A member of the sync group is BACKUP: send priority 0 and become BACKUP."""

    reason: str


class OwnAddressChanged(msgspec.Struct, frozen=True):
    """The primary address of the interface, which decides ties, has changed."""

    address: Address


class AddressAnnounced(msgspec.Struct, frozen=True):
    """Another host announced one of the virtual addresses. Only a handover uses this event."""

    address: Address


Event = (
    Startup
    | Shutdown
    | AdvertisementReceived
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
    """Send one advertisement with this priority."""

    priority: int


class AcquireAddresses(msgspec.Struct, frozen=True):
    """Hold exactly the configured virtual addresses. Some of them may be held already."""


class AnnounceAddresses(msgspec.Struct, frozen=True):
    """Start the schedule of announcements (`vrrp.protocol.announce`) from its beginning."""


class StopAnnouncing(msgspec.Struct, frozen=True):
    """Send no more announcements: the last ones must come from the successor."""


class ReleaseAddresses(msgspec.Struct, frozen=True):
    """Stop announcing the virtual addresses, and remove them."""


class StateChanged(msgspec.Struct, frozen=True):
    """Report a transition."""

    previous: State
    state: State
    reason: str


class HandoverBegan(msgspec.Struct, frozen=True):
    """Report that this router starts a handover without an order, with the reason."""

    reason: str


class HandoverAbandoned(msgspec.Struct, frozen=True):
    """Report that this router stays ACTIVE: no peer took over, or the peer would lose."""

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
