"""Election rules: which router wins, and the timers (RFC 9568 6.1 and 6.4.3)."""

from __future__ import annotations

import msgspec

from vrrp.model.configuration import InstanceConfiguration
from vrrp.protocol.packet import OWNER_PRIORITY, Address, Advertisement


def skew_time(version: int, priority: int, active_advert_interval: float) -> float:
    """Return the skew time in seconds: a router with a lower priority waits longer.

    In version 3 it is proportional to the interval; in version 2 it is not (RFC 3768 6.1).
    """
    scale = 1.0 if version == 2 else active_advert_interval
    return (256 - priority) / 256 * scale


def reason_to_lose(
    peer_priority: int, source: Address, priority: int, own_address: Address
) -> str | None:
    """Return why an ACTIVE router loses to an ACTIVE peer; None if it wins.

    Addresses are compared as unsigned numbers in network order. Two address owners are compared
    in the same way (RFC 9568 erratum 8298). Otherwise both would stay ACTIVE.
    """
    if peer_priority > priority:
        return "a peer has a higher priority"
    if peer_priority == priority and int(source) > int(own_address):
        return "a peer has the same priority and a higher address"
    return None


def race_end(now: float, active_down_interval: float) -> float:
    """Return until when a sync group stays BACKUP after one of its members has lost an election.

    Two groups of equal priority may take over at the same moment, and each may lose on the link
    where the other has the higher address. Both become BACKUP, and after equal waits the same
    would happen again and again. The wait is therefore up to a quarter longer than the
    Active_Down_Interval, which is about one advertisement interval. The fraction of a
    millisecond of the host's clock serves as a random number.
    """
    return now + active_down_interval * (1 + now * 1000 % 1.0 / 4)


def followed_interval(advertisement: Advertisement, configuration: InstanceConfiguration) -> float:
    """Return the interval of the followed router in seconds, for version 3 (RFC 9568 6.4.2).

    With ``clamp_learned_interval`` it is at most the limit. This option protects against a
    forged interval. It must not be used with a router whose interval is longer than the limit:
    both routers would become ACTIVE in turn.
    """
    interval = advertisement.advert_interval
    return (
        min(interval, configuration.learned_interval_limit)
        if configuration.clamp_learned_interval
        else interval
    )


class Patience(msgspec.Struct):
    """Decides whether a BACKUP router follows an advertising peer or preempts it.

    The preemption delay begins with the first advertisement of a lower priority, as in
    keepalived. An address owner always preempts (RFC 9568 6.1).
    """

    ends_at: float | None = None

    def accepts(
        self, peer_priority: int, priority: int, configuration: InstanceConfiguration, now: float
    ) -> bool:
        """Return whether a peer with ``peer_priority`` may stay ACTIVE.

        ``priority`` is the priority of this router.
        """
        if peer_priority >= priority:
            self.ends_at = None
            return True
        if priority == OWNER_PRIORITY:
            return False
        if not configuration.preempt:
            return True
        if self.ends_at is None:
            self.ends_at = now + configuration.preempt_delay
        return now < self.ends_at
