"""Decides what a new configuration changes in a running director."""

from __future__ import annotations

import msgspec

from hadirector.host.sysctl.rules import wanted_sysctls
from hadirector.model.configuration import Configuration


class Plan(msgspec.Struct, frozen=True):
    """What a reload would do, by name; ``refused`` lists what only a restart can change."""

    refused: tuple[str, ...]
    started: tuple[str, ...]
    stopped: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def summary(self) -> str:
        """Say it in one line."""
        parts = (("start", self.started), ("stop", self.stopped), ("change", self.changed))
        said = [f"{verb} {', '.join(names)}" for verb, names in parts if names]
        return "; ".join(said) if said else "nothing to change"


_FIXED = ("name", "dataplane", "runtime_directory", "state_directory", "api_unix")


def plan(old: Configuration, new: Configuration) -> Plan:
    """Compare two configurations, virtual servers and VRRP instances by name."""
    refused = tuple(
        f"{field} cannot change from {getattr(old, field)} to {getattr(new, field)}"
        " without a restart"
        for field in _FIXED
        if getattr(old, field) != getattr(new, field)
    )
    before = named(old)
    after = named(new)
    return Plan(
        refused=refused,
        started=tuple(sorted(after.keys() - before.keys())),
        stopped=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(
            sorted(name for name in after.keys() & before.keys() if after[name] != before[name])
        ),
    )


def named(configuration: Configuration) -> dict[str, object]:
    """List what a reload can start, stop or change, under the names that people know it by."""
    found: dict[str, object] = {
        f"virtual server {server.name}": server for server in configuration.virtual_servers
    }
    found["sysctls"] = (configuration.sysctls, wanted_sysctls(configuration))
    found.update({words: getattr(configuration, field) for field, words in _SETTINGS.items()})
    if configuration.sync_daemon is not None:
        found["the sync daemon"] = configuration.sync_daemon
    found.update({f"VRRP instance {instance.name}": instance for instance in configuration.vrrp})
    return found


_SETTINGS = {
    "on_stop": "on_stop",
    "realtime": "realtime",
    "tracked_scripts": "the tracked scripts",
    "notifications": "the notifications",
    "connection_timeouts": "connection_timeouts",
}
