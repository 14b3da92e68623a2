"""Answers: what would happen if the active director died now? Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from hadirector.host.status import SyncDaemonStatus
from vrrp.model.report import InstanceStatus, State

_RECEIVES: Final = "backup "
"""The beginning of the description of a thread that receives connections."""


class PoolReserve(msgspec.Struct, frozen=True):
    """How many real servers of a virtual server get new connections, of how many."""

    virtual_server: str
    serving: int
    total: int


class Successor(msgspec.Struct, frozen=True, kw_only=True):
    """The director of the pair that would take over, as the pair link knows it.

    ``unready`` are the reasons why it should not, and ``age`` is the age of its state in seconds.
    ``sync`` has the threads of its sync daemon.
    """

    name: str
    priority: int
    age: float
    unready: tuple[str, ...] = ()
    pools: tuple[PoolReserve, ...] = ()
    sync: SyncDaemonStatus = SyncDaemonStatus((), ())

    @property
    def description(self) -> str:
        """The prediction in one sentence."""
        readiness = f"not ready: {', '.join(self.unready)}" if self.unready else "ready"
        return (
            f"{self.name} would take over (priority {self.priority}, {readiness};"
            f" {self.age:.1f} s ago)"
        )


class Takeover(msgspec.Struct, frozen=True):
    """The consequences of the death of the active director of one instance.

    ``takes_over`` is whether this director would become ACTIVE, None if another director decides
    it. ``within`` is the longest time until then in seconds. ``reason`` describes it in one
    sentence, and ``connections`` what happens to established connections. ``pools`` are the virtual
    servers at the addresses of the instance.
    """

    takes_over: bool | None
    within: float | None
    reason: str
    connections: str = ""
    pools: tuple[PoolReserve, ...] = ()


def predict_takeover(
    instance: InstanceStatus,
    unfit: Sequence[str],
    sync: SyncDaemonStatus,
    *,
    syncable: bool,
    pools: Collection[PoolReserve],
    successor: Successor | None = None,
) -> Takeover:
    """Predict the takeover from what this director knows.

    ``syncable`` is whether the sync daemon can carry the connections: the dataplane is ipvs, and no
    pool uses fullnat. ``successor`` is the next director of the pair, if the pair link knows one.
    """
    if instance.fault is not None:
        return Takeover(False, None, f"this director would not take over: {instance.fault}")
    if instance.state is State.ACTIVE and successor is not None:
        names = {pool.virtual_server for pool in pools}
        found = tuple(pool for pool in successor.pools if pool.virtual_server in names)
        return Takeover(
            None,
            None,
            successor.description,
            _describe_connections(successor.sync, syncable=syncable, host=f" on {successor.name}"),
            found,
        )
    if instance.state is State.ACTIVE:
        return Takeover(
            None,
            None,
            "this director is ACTIVE; to see a takeover predicted, run on the peer:"
            f" `hadirector why instance {instance.instance}`",
        )
    within = instance.active_down_interval
    reason = f"this director would be ACTIVE within {within:.2f} s"
    if unfit:
        reason += ", but it is not fit to serve, and any other router takes precedence"
    return Takeover(
        True, within, reason, _describe_connections(sync, syncable=syncable), tuple(pools)
    )


def _describe_connections(
    sync: SyncDaemonStatus, *, syncable: bool, host: str = " on this host"
) -> str:
    if not syncable:
        return "established connections are cut: the sync daemon cannot carry them"
    received = [thread for thread in sync.running if thread.startswith(_RECEIVES)]
    if received:
        return f"established connections continue (sync daemon {received[0]})"
    return f"established connections are cut: no sync daemon receives connections{host}"
