"""Judges the sync daemon together with the VRRP instances that it follows."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.document.errors import shown
from hadirector.config.document.finding import Finding, wrong
from hadirector.config.keys.section import valid_items
from hadirector.config.schema import Root
from hadirector.model.ipvs import ForwardingMethod


def sync_daemon_findings(root: Root) -> Iterator[Finding]:
    """Find a daemon that could not know which role to play, or has nothing to synchronise."""
    daemon = root.sync_daemon
    if daemon is None:
        return
    path = ("sync_daemon",)
    names = [instance.name for _, instance in valid_items(root.vrrp)]
    if root.director is not None and root.director.dataplane == "userspace":
        yield Finding(path, "the userspace dataplane has no connections that IPVS could send")
    yield from _mixed_families(root)
    if daemon.role == "both":
        if daemon.instance is not None:
            message = "with role both no instance is followed; leave this out"
            yield Finding((*path, "instance"), message)
    elif root.vrrp is None or None in root.vrrp:
        return  # an instance that was cut out may be the one that is meant
    elif daemon.instance is not None:
        if daemon.instance not in names:
            expected = "the name of a VRRP instance"
            yield Finding((*path, "instance"), wrong(shown(daemon.instance), expected))
    elif not names:
        yield Finding(path, "without vrrp there is no role to follow (expected role: both)")
    elif len(names) > 1 and not _move_together(root, names):
        message = f'the key "instance" is missing: one of {", ".join(names)} has to be followed'
        yield Finding(path, message)


def _mixed_families(root: Root) -> Iterator[Finding]:
    """The kernel refuses such a destination while a thread runs, and such a thread beside one."""
    for index, server in valid_items(root.virtual_servers):
        if server.forwarding is not ForwardingMethod.TUN:
            continue  # which cannot mix them anyway
        ipv6 = any(":" in key.address for key in server.keys)
        for at, each in valid_items(server.real_servers):
            if server.keys and (":" in each.address.address) != ipv6:
                path = ("virtual_servers", index, "real_servers", at, "address")
                message = (
                    "the sync daemon cannot run beside a real server of another address family"
                    " than its virtual server's"
                )
                yield Finding(path, message)


def _move_together(root: Root, names: list[str]) -> bool:
    return any(set(names) <= set(each.instances) for _, each in valid_items(root.sync_groups))
