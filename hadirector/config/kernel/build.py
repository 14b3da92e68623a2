"""Makes the model of what is set in the kernel besides the table, out of good sections."""

from __future__ import annotations

from hadirector.config.keys.section import valid_items
from hadirector.config.schema import Root
from hadirector.model.configuration import SyncDaemon, SysctlPolicy
from hadirector.model.ipvs import ConnectionTimeouts, SyncSettings


def sysctl_policy(root: Root) -> SysctlPolicy:
    """What to do about sysctls."""
    assert root.sysctls is not None
    return SysctlPolicy(apply=root.sysctls.apply, leave=frozenset(root.sysctls.leave))


def connection_timeouts(root: Root) -> ConnectionTimeouts:
    """How long IPVS keeps idle connections."""
    section = root.connection_timeouts
    assert section is not None
    return ConnectionTimeouts(
        tcp=section.tcp or 0, tcp_fin=section.tcp_fin or 0, udp=section.udp or 0
    )


def sync_daemon(root: Root) -> SyncDaemon | None:
    """The sync daemon: it follows the instance that is named, or any one where all move together.

    Its id is by default the VRID of that instance, which keeps groups of directors apart.
    """
    section = root.sync_daemon
    if section is None:
        return None
    instances = {instance.name: instance for _, instance in valid_items(root.vrrp)}
    follows = section.role == "follow"
    instance = (section.instance or next(iter(instances))) if follows else None
    identity = instances[instance].virtual_router_id if instance is not None else 0
    settings = SyncSettings(
        interface=section.interface,
        id=identity if section.id is None else section.id,
        maximum_length=section.maximum_length,
        group=section.group,
        port=section.port,
        ttl=section.ttl,
    )
    return SyncDaemon(instance=instance, settings=settings)
