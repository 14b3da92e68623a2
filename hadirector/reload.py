"""Decides what a new configuration changes in a running director."""

from __future__ import annotations

import msgspec

from hadirector.model import Configuration


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


_FIXED = ("name", "dataplane", "runtime_directory", "api_unix")


def plan(old: Configuration, new: Configuration) -> Plan:
    """Compare two configurations, virtual servers and VRRP instances by name."""
    refused = tuple(
        f"{field} cannot change from {getattr(old, field)} to {getattr(new, field)}"
        " without a restart"
        for field in _FIXED
        if getattr(old, field) != getattr(new, field)
    )
    before = _named(old)
    after = _named(new)
    return Plan(
        refused=refused,
        started=tuple(sorted(after.keys() - before.keys())),
        stopped=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(
            sorted(name for name in after.keys() & before.keys() if after[name] != before[name])
        ),
    )


def _named(configuration: Configuration) -> dict[str, object]:
    named: dict[str, object] = {
        f"virtual server {server.name}": server for server in configuration.virtual_servers
    }
    named["sysctls"] = configuration.sysctls
    if configuration.sync_daemon is not None:
        named["the sync daemon"] = configuration.sync_daemon
    named.update({f"VRRP instance {instance.name}": instance for instance in configuration.vrrp})
    return named
