"""Who goes before whom, and how long to wait for it (RFC 9568 6.1 and 6.4.3)."""

from __future__ import annotations

import msgspec

from vrrp.model.configuration import InstanceConfiguration
from vrrp.protocol.packet import OWNER_PRIORITY, Address, Advertisement


def skew_time(version: int, priority: int, active_advert_interval: float) -> float:
    """Seconds by which the lower of two priorities waits longer.

    In version 3 the interval scales it; in version 2 it does not (RFC 3768 6.1).
    """
    scale = 1.0 if version == 2 else active_advert_interval
    return (256 - priority) / 256 * scale


def reason_to_lose(heard: int, source: Address, priority: int, own_address: Address) -> str | None:
    """Say why an ACTIVE router must give way to another of priority ``heard``; None: it need not.

    Addresses compare unsigned, in network order. This also decides between two owners
    (RFC 9568 erratum 8298), who would otherwise both stay.
    """
    if heard > priority:
        return "a higher priority was heard"
    if heard == priority and int(source) > int(own_address):
        return "an equal priority with a higher address was heard"
    return None


def race_end(now: float, active_down_interval: float) -> float:
    """When a sync group that steps back for a member that has lost is done with waiting, at least.

    Two groups of equal priority that take over at once may each lose on a link where the other has
    the higher address. Both step back, and after equal waits would race again, for ever. So each
    waits up to a quarter more than the Active_Down_Interval, about an advertisement interval; what
    a host's clock shows beyond milliseconds is as good as chance.
    """
    return now + active_down_interval * (1 + now * 1000 % 1.0 / 4)


def followed_interval(advertisement: Advertisement, configuration: InstanceConfiguration) -> float:
    """Seconds at which to expect an active router's advertisements, in version 3 (RFC 9568 6.4.2).

    With ``clamp_learned_interval`` never more than the limit. Where that is less than its true
    interval, both will be ACTIVE in turns: a slow or forged interval is met, and a slow router is
    not.
    """
    interval = advertisement.advert_interval
    return (
        min(interval, configuration.learned_interval_limit)
        if configuration.clamp_learned_interval
        else interval
    )


class Patience(msgspec.Struct):
    """Whether a BACKUP stays behind a router it hears, and since when it has for a lower priority.

    A preemption delay begins with the first lower priority heard (as in keepalived), and is
    spent waiting behind it. The owner always preempts (RFC 9568 6.1).
    """

    ends_at: float | None = None

    def accepts(
        self, heard: int, priority: int, configuration: InstanceConfiguration, now: float
    ) -> bool:
        """Decide about a router of priority ``heard``; ours in force is ``priority``."""
        if heard >= priority:
            self.ends_at = None
            return True
        if priority == OWNER_PRIORITY:
            return False
        if not configuration.preempt:
            return True
        if self.ends_at is None:
            self.ends_at = now + configuration.preempt_delay
        return now < self.ends_at
