"""The policies of a pool as values, and constants that several rooms share. Pure.

Durations are in seconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from vrrp.model.configuration import TrackedKey

FAILURES_MAX: Final = 16
"""Failures of a target that are kept; the oldest failure is dropped first."""
VISIBILITY_OF_BACKENDS: Final = TrackedKey("visibility", "of backends")
"""The tracked object that is 0 while this director is blind, and 1 otherwise."""
FITNESS: Final = TrackedKey("fitness", "of this director")
"""The tracked object that is 0 while this director is not fit to serve, and 1 otherwise."""
READINESS: Final = TrackedKey("readiness", "of this director")
"""The tracked object that is 0 while an unready director of a pair relies on a ready peer."""
UNFIT_PRIORITY_WEIGHT: Final = -253
"""Added to the priority while this director is not fit to serve. The result is always 1."""
ACCEPT_LOCAL: Final = "accept_local"
SYSCTL_NAMES: Final = (
    "ip_forward",
    "forwarding",
    "send_redirects",
    ACCEPT_LOCAL,
    "expire_nodest_conn",
    "expire_quiescent_template",
    "conn_reuse_mode",
    "conntrack",
    "sloppy_tcp",
    "backup_only",
    "schedule_icmp",
)
"""Last components of the names of all sysctls that a configuration can need."""


class HealthyMinimum(msgspec.Struct, frozen=True, gc=False):
    """The number or percentage of real servers that stay in the pool even if they fail."""

    count: int = 0
    percent: int = 0

    def __bool__(self) -> bool:
        return bool(self.count or self.percent)

    def of(self, total: int) -> int:
        """Return the minimum for a pool of ``total`` real servers, rounded up."""
        return max(min(self.count, total), -(-self.percent * total // 100))


class Curve(StrEnum):
    """The curve of a slow start: equal steps, or small steps first."""

    LINEAR = "linear"
    QUADRATIC = "quadratic"


class SlowStart(msgspec.Struct, frozen=True, gc=False):
    """The slow start of a real server that enters the pool.

    The weight starts at ``minimum`` percent and reaches the configured weight after
    ``duration``.
    """

    duration: float
    minimum: int = 10
    curve: Curve = Curve.LINEAR


class FlapDamping(msgspec.Struct, frozen=True, gc=False):
    """The policy that keeps flapping real servers out of the pool for a time.

    A real server is flapping after ``failures`` failures within ``window``. It then stays out
    of the pool for ``hold``. Each further failure doubles this time, up to ``hold_max``.
    """

    failures: int = 3
    window: float = 300.0
    hold: float = 30.0
    hold_max: float = 600.0


class PoolPolicy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The policies of a pool. The keys of the configuration are in ``config.pools.schema``.

    ``quorum`` and ``hysteresis`` are total weights. With ``initially_up``, a real server serves
    before its first probe has ended.
    """

    quorum: int = 1
    hysteresis: int = 0
    min_healthy: HealthyMinimum = HealthyMinimum()
    initially_up: bool = False
    flap_damping: FlapDamping | None = None
