"""Who goes before whom, and how long to wait for it (RFC 9568 6.1 and 6.4.3)."""

from __future__ import annotations

from vrrp.packet import Address


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
