"""What goes into a virtual router and what comes out of it. Values only."""

from __future__ import annotations

import msgspec

from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State
from vrrp.protocol.packet import Address, Advertisement


class Startup(msgspec.Struct, frozen=True):
    """Begin. ``resume``: a process that was ACTIVE died a moment ago, and we continue for it."""

    resume: bool = False


class Shutdown(msgspec.Struct, frozen=True):
    """Stop at once, in order: resign if ACTIVE, then release."""

    reason: str


class AdvertisementReceived(msgspec.Struct, frozen=True):
    """An advertisement that was accepted, and the address it came from."""

    advertisement: Advertisement
    source: Address


class TimerExpired(msgspec.Struct, frozen=True):
    """The time may have come; ignored before ``deadline``."""


class HandOver(msgspec.Struct, frozen=True):
    """Let a peer be active and take part with the lowest priority until `HandOverUndone`."""


class HandOverUndone(msgspec.Struct, frozen=True):
    """Compete again with the configured priority."""


class Leave(msgspec.Struct, frozen=True):
    """Hand over, then stop, with or without a successor. Not undone by anything."""

    reason: str


class ConfigurationChanged(msgspec.Struct, frozen=True):
    """Priority, interval, preemption, virtual addresses or checksum form changed in place."""

    configuration: InstanceConfiguration


class PriorityChanged(msgspec.Struct, frozen=True):
    """What is tracked has moved the priority (`vrrp.router.priority`)."""

    priority: int


class TakeOver(msgspec.Struct, frozen=True):
    """Every member of the sync group wants to be ACTIVE: become it."""


class StepBack(msgspec.Struct, frozen=True):
    """Another member of the sync group is not ACTIVE: resign, and be BACKUP."""

    reason: str


class OwnAddressChanged(msgspec.Struct, frozen=True):
    """Our primary address, which decides ties, is another one now."""

    address: Address


class AddressAnnounced(msgspec.Struct, frozen=True):
    """Another host announces one of our addresses; it matters while we hand over."""

    address: Address


Event = (
    Startup
    | Shutdown
    | AdvertisementReceived
    | TimerExpired
    | HandOver
    | HandOverUndone
    | Leave
    | ConfigurationChanged
    | PriorityChanged
    | TakeOver
    | StepBack
    | OwnAddressChanged
    | AddressAnnounced
)


class SendAdvertisement(msgspec.Struct, frozen=True):
    """Send one advertisement with this priority."""

    priority: int


class AcquireAddresses(msgspec.Struct, frozen=True):
    """Hold exactly the configured virtual addresses; some may be held already."""


class AnnounceAddresses(msgspec.Struct, frozen=True):
    """Start the schedule of announcements (`vrrp.protocol.announce`) from its beginning."""


class StopAnnouncing(msgspec.Struct, frozen=True):
    """Send no further announcement: the successor's must be the last that hosts hear."""


class ReleaseAddresses(msgspec.Struct, frozen=True):
    """Remove the virtual addresses and stop announcing them."""


class StateChanged(msgspec.Struct, frozen=True):
    """Report a transition."""

    previous: State
    state: State
    reason: str


class HandOverAbandoned(msgspec.Struct, frozen=True):
    """Report that no peer took over, so that this router goes on as ACTIVE."""


Action = (
    SendAdvertisement
    | AcquireAddresses
    | AnnounceAddresses
    | StopAnnouncing
    | ReleaseAddresses
    | StateChanged
    | HandOverAbandoned
)
