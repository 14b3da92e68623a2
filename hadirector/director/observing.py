"""Derives the configuration of a director that only observes. Pure."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from msgspec.structs import replace

from hadirector.model.configuration import Configuration, SysctlPolicy
from hadirector.model.ipvs import ConnectionTimeouts
from vrrp.model.static_items import NO_STATIC_ITEMS

REFUSED: Final = "this director only observes: another program is in charge of this host"


def observed_configuration(configuration: Configuration, directory: PurePath) -> Configuration:
    """Return a configuration with the same virtual servers and instances, which changes nothing.

    It sets no sysctl, timeout or sync daemon, keeps no static items, runs no tracked script and no
    notify script, and sends no alerts. Its files and its socket are in ``directory``. The kernel
    keeps its state when the director ends. Raises ValueError if the configuration needs rules of
    netfilter or the userspace dataplane: only hadirector itself can serve such a configuration.
    """
    if configuration.dataplane != "ipvs":
        raise ValueError(f"dataplane {configuration.dataplane} cannot be observed (expected ipvs)")
    fullnat = [each.name for each in configuration.virtual_servers if each.forwarding == "fullnat"]
    if fullnat:
        raise ValueError(f"virtual server {fullnat[0]}: forwarding fullnat cannot be observed")
    return replace(
        configuration,
        observing=True,
        on_stop="keep",
        realtime=False,
        runtime_directory=str(directory),
        state_directory=str(directory / "state"),
        api_unix=str(directory / "api.sock"),
        sysctls=SysctlPolicy(apply=False),
        sync_daemon=None,
        pair=None,
        connection_timeouts=ConnectionTimeouts(),
        static=NO_STATIC_ITEMS,
        tracked_scripts=(),
        tracked_processes=(),
        notifications=(),
        alerts=(),
        needed_scripts=(),
        vrrp=tuple(replace(instance, track=()) for instance in configuration.vrrp),
    )
