"""What is kept true in the kernel besides the table, as values. Pure."""

from __future__ import annotations

import msgspec

from hadirector.host.sysctl.rules import SysctlStatus


class SyncDaemonStatus(msgspec.Struct, frozen=True):
    """The threads of the sync daemon: those that run for us, and those of others."""

    running: tuple[str, ...]
    foreign: tuple[str, ...]


class HostStatus(msgspec.Struct, frozen=True):
    """What is kept, and what cannot be. ``repaired`` counts what somebody else had changed."""

    sysctls: tuple[SysctlStatus, ...] = ()
    sync_daemon: SyncDaemonStatus = SyncDaemonStatus((), ())
    warnings: tuple[str, ...] = ()
    repaired: int = 0
