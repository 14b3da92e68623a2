"""Policies of a pool, and constants that the configuration and other rooms share.

Pure. Durations are seconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from vrrp.model.configuration import TrackedKey

FAILURES_MAX: Final = 16
"""Failures of a target that are remembered; the oldest is forgotten first."""
VISIBILITY_OF_BACKENDS: Final = TrackedKey("visibility", "of backends")
"""The tracked object that is 0 while this director is blind, and 1 otherwise."""
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
)
"""Last components of the names of all sysctls that a configuration can imply."""


class HealthyMinimum(msgspec.Struct, frozen=True, gc=False):
    """How many real servers must stay in use: a number of them, or a part of all."""

    count: int = 0
    percent: int = 0

    def __bool__(self) -> bool:
        return bool(self.count or self.percent)

    def of(self, total: int) -> int:
        """Say how many of ``total`` that is, rounded up."""
        return max(min(self.count, total), -(-self.percent * total // 100))


class Curve(StrEnum):
    """How a weight grows: evenly, or with small steps at first."""

    LINEAR = "linear"
    QUADRATIC = "quadratic"


class SlowStart(msgspec.Struct, frozen=True, gc=False):
    """How a real server that comes in grows to its weight, from ``minimum`` percent of it."""

    duration: float
    minimum: int = 10
    curve: Curve = Curve.LINEAR


class FlapDamping(msgspec.Struct, frozen=True, gc=False):
    """When a real server flaps, by ``failures`` within ``window``, and how long it is held out."""

    failures: int
    window: float
    hold: float
    hold_max: float
