"""Builds the kernel settings besides the IPVS table."""

from __future__ import annotations

from collections.abc import Sequence

from hadirector.config.kernel.schema import SyncDaemonSection, SysctlsSection
from hadirector.config.keys.build import build_struct
from hadirector.config.keys.section import Placed
from hadirector.config.vrrp.schema import VrrpSection
from hadirector.model.configuration import SyncDaemon, SysctlPolicy
from hadirector.model.ipvs import SyncSettings


def sysctl_policy(section: SysctlsSection) -> SysctlPolicy:
    """Return the policy about sysctls."""
    return build_struct(SysctlPolicy, section, leave=frozenset(section.leave))


def sync_daemon(section: SyncDaemonSection, instances: Sequence[Placed[VrrpSection]]) -> SyncDaemon:
    """Return the sync daemon.

    It follows the instance that the section names, or else the first instance. The rules permit
    the second case only if all instances change state together. The default id is the VRID of
    that instance, because it differs between groups of directors.
    """
    by_name = {instance.name: instance for _, instance in instances}
    follows = section.role == "follow"
    name = (section.instance or next(iter(by_name))) if follows else None
    default_id = 0 if name is None else by_name[name].virtual_router_id
    identity = default_id if section.id is None else section.id
    return SyncDaemon(instance=name, settings=build_struct(SyncSettings, section, id=identity))
