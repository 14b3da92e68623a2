"""The knowledge of a BACKUP router about the active router, and its reason to take over."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from vrrp.model.configuration import InstanceConfiguration
from vrrp.protocol.packet import Address, Advertisement
from vrrp.router.death_certificate import ActiveRouter
from vrrp.router.election import Patience, followed_interval

NO_ACTIVE_ROUTER: Final = "no active router"
ACTIVE_ROUTER_DIED: Final = "the vrrp process of the active router died"


class Following(msgspec.Struct):
    """The active router, or the latest one. Times are monotonic seconds.

    ``advert_interval`` is the interval of the active router in seconds. ``heard_at`` is when its
    latest advertisement arrived. The router stays BACKUP until ``race_until``.
    """

    advert_interval: float
    address: Address | None = None
    heard_at: float = -math.inf
    takeover_reason: str = ""
    patience: Patience = msgspec.field(default_factory=Patience)
    race_until: float = -math.inf

    def learn(
        self,
        advertisement: Advertisement,
        source: Address,
        configuration: InstanceConfiguration,
        now: float,
    ) -> None:
        """Remember the active router, and in version 3 its interval (RFC 9568 6.4.2)."""
        if advertisement.version == 3:
            self.advert_interval = followed_interval(advertisement, configuration)
        self.address, self.heard_at = source, now
        self.takeover_reason = "the active router stopped advertising"

    def forget(self, advert_interval: float) -> None:
        """Forget the active router. ``advert_interval`` is the interval of this router."""
        self.address, self.advert_interval = None, advert_interval

    def shorten(
        self, deadline: float | None, dead: Address, skew_time: float, now: float
    ) -> float | None:
        """Return when to take over after the death of the router with the address ``dead``.

        The time counts from its latest advertisement. It is never later than ``deadline``, which
        stays if another router is the active one.
        """
        followed = self.active_router(skew_time)
        if deadline is None or followed is None or dead != followed.address:
            return deadline
        self.takeover_reason = ACTIVE_ROUTER_DIED
        return min(deadline, max(now, followed.shortened_deadline, self.race_until))

    def active_router(self, skew_time: float) -> ActiveRouter | None:
        """Return the active router for a death watch; None if there is none."""
        if self.address is None:
            return None
        return ActiveRouter(self.address, self.heard_at, self.advert_interval, skew_time)
