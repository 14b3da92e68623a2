"""Limits on clients: pauses after failed logins. Pure.

Times are in monotonic seconds.
"""

from __future__ import annotations

import ipaddress
from typing import Final

FREE_FAILURES: Final = 5
"""Failed logins of an address without a pause."""
PAUSE_SECONDS_MAX: Final = 60.0
FORGET_SECONDS: Final = 600.0
"""How long a failed login counts after the latest one."""
ADDRESSES_MAX: Final = 10_000
"""Addresses with failed logins. At the limit, the oldest one is forgotten."""


class FailedLogins:
    """Counts the failed logins of addresses. After the fifth, each doubles the pause.

    The addresses of an IPv6 prefix of 64 bits count as one: a single host has them all.
    """

    def __init__(self) -> None:
        self._failures: dict[str, tuple[int, float]] = {}

    def note(self, address: str, now: float) -> None:
        """Count a failed login."""
        key = _network(address)
        count, latest = self._failures.pop(key, (0, now))
        if now - latest > FORGET_SECONDS:
            count = 0
        if len(self._failures) >= ADDRESSES_MAX:
            del self._failures[next(iter(self._failures))]
        self._failures[key] = count + 1, now

    def pause(self, address: str, now: float) -> float:
        """Return for how many seconds logins of this address are refused."""
        count, latest = self._failures.get(_network(address), (0, 0.0))
        if count < FREE_FAILURES:
            return 0.0
        doubled = min(count - FREE_FAILURES, 10)
        return max(0.0, latest + min(2.0**doubled, PAUSE_SECONDS_MAX) - now)

    def forget(self, address: str) -> None:
        """Forget the failed logins of an address, after a login that has succeeded."""
        self._failures.pop(_network(address), None)


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address
