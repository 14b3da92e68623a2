"""Rules for the sync daemon and the VRRP instances that it follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hadirector.config.document.errors import quote
from hadirector.config.document.finding import Finding, Path, wrong
from hadirector.config.kernel.schema import SyncDaemonSection
from hadirector.config.keys.section import Placed
from hadirector.config.services.schema import VirtualServerSection
from hadirector.config.tracking.schema import SyncGroupSection
from hadirector.config.vrrp.schema import VrrpSection
from hadirector.model.ipvs import ForwardingMethod


def role_findings(
    path: Path,
    daemon: SyncDaemonSection,
    instances: Sequence[Placed[VrrpSection]],
    groups: Sequence[Placed[SyncGroupSection]],
) -> Iterator[Finding]:
    """Yield the faults of the instance that decides the role of the daemon.

    ``instances`` are all instances.
    """
    names = [instance.name for _, instance in instances]
    if daemon.role == "both":
        if daemon.instance is not None:
            message = "role both does not depend on an instance; leave this out"
            yield Finding((*path, "instance"), message)
    elif daemon.instance is not None:
        if daemon.instance not in names:
            expected = "the name of a VRRP instance"
            yield Finding((*path, "instance"), wrong(quote(daemon.instance), expected))
    elif not names:
        message = "role follow needs a VRRP instance (add vrrp, or write role: both)"
        yield Finding(path, message)
    elif len(names) > 1 and not _move_together(names, groups):
        message = f'the key "instance" is missing (expected one of {", ".join(names)})'
        yield Finding(path, message)


def mixed_family_findings(servers: Sequence[Placed[VirtualServerSection]]) -> Iterator[Finding]:
    """Yield real servers whose address family is not that of their virtual server.

    The kernel has either such destinations or a sync thread, never both.
    """
    for path, server in servers:
        ipv6 = any(":" in key.address for key in server.keys)
        for place, real_server in server.members:
            if server.forwarding_of(real_server) is not ForwardingMethod.TUN:
                continue  # only tun can mix address families
            if real_server.source is not None:
                continue
            if server.keys and (":" in real_server.address.address) != ipv6:
                message = (
                    "the sync daemon cannot synchronize real servers of another address family"
                    " than the virtual server"
                )
                yield Finding((*path, *place, "address"), message)


def _move_together(names: list[str], groups: Sequence[Placed[SyncGroupSection]]) -> bool:
    return any(set(names) <= set(group.instances) for _, group in groups)
