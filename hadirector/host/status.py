"""The status of the kernel state that the director maintains besides the IPVS table. Pure."""

from __future__ import annotations

import msgspec

from hadirector.host.sysctl.rules import SysctlStatus


class SyncDaemonStatus(msgspec.Struct, frozen=True):
    """The threads of the sync daemon: owned threads that run, foreign threads, and missing threads.

    A missing thread is wanted for the current state of the VRRP instances, but does not run.
    """

    running: tuple[str, ...]
    foreign: tuple[str, ...]
    missing: tuple[str, ...] = ()


class HostStatus(msgspec.Struct, frozen=True):
    """The kernel settings that the director maintains, and warnings about failed settings.

    ``repaired`` counts settings that another program changed and the director restored.
    """

    sysctls: tuple[SysctlStatus, ...] = ()
    sync_daemon: SyncDaemonStatus = SyncDaemonStatus((), ())
    warnings: tuple[str, ...] = ()
    repaired: int = 0
