"""Compares a new configuration with the running one, by virtual server and instance. Pure."""

from __future__ import annotations

import msgspec

from hadirector.host.sysctl.rules import wanted_sysctls
from hadirector.model.configuration import Configuration


class Plan(msgspec.Struct, frozen=True):
    """The changes of a reload, by the names of virtual servers and instances.

    ``refused`` are changes that only a restart can make.
    """

    refused: tuple[str, ...]
    started: tuple[str, ...]
    stopped: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The plan in one line."""
        parts = (("start", self.started), ("stop", self.stopped), ("change", self.changed))
        changes = [f"{verb} {', '.join(names)}" for verb, names in parts if names]
        return "; ".join(changes) if changes else "nothing to change"


_FIXED = ("name", "dataplane", "runtime_directory", "state_directory", "api_unix")


def plan(old: Configuration, new: Configuration) -> Plan:
    """Compare two configurations, virtual servers and VRRP instances by name."""
    refused = tuple(
        f"{field} cannot change from {getattr(old, field)} to {getattr(new, field)}"
        " without a restart"
        for field in _FIXED
        if getattr(old, field) != getattr(new, field)
    )
    if old.api_roles.any and not new.api_roles.any:
        # A client that is connected already would have the role admin.
        refused = (*refused, "api.roles cannot be removed without a restart")
    before = reloadable_parts(old)
    after = reloadable_parts(new)
    return Plan(
        refused=refused,
        started=tuple(sorted(after.keys() - before.keys())),
        stopped=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(
            sorted(name for name in after.keys() & before.keys() if after[name] != before[name])
        ),
    )


def reloadable_parts(configuration: Configuration) -> dict[str, object]:
    """Return the parts that a reload can start, stop or change, by their names in messages."""
    parts: dict[str, object] = {
        f"virtual server {server.name}": server for server in configuration.virtual_servers
    }
    parts["sysctls"] = (configuration.sysctls, wanted_sysctls(configuration))
    parts.update({name: getattr(configuration, field) for field, name in _SETTINGS.items()})
    if configuration.sync_daemon is not None:
        parts["the sync daemon"] = configuration.sync_daemon
    parts.update({f"VRRP instance {instance.name}": instance for instance in configuration.vrrp})
    return parts


_SETTINGS = {
    "on_stop": "on_stop",
    "realtime": "realtime",
    "log": "log",
    "static": "the static items",
    "tracked_scripts": "the tracked scripts",
    "tracked_processes": "the tracked processes",
    "notifications": "the notifications",
    "connection_timeouts": "connection_timeouts",
    "web": "the web process",
    "pair": "the pair link",
    "announce": "the announced addresses",
    "sources": "the sources",
    "fleet": "the store of summaries",
    "alerts": "the receivers of alerts",
    "api_roles": "the roles of groups",
}
