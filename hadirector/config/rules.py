"""Applies the rules of all topics: duplicates, and values that contradict each other.

The rules receive sections whose single values are valid. They do not examine the host.
"""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.alerts.rules import alert_findings
from hadirector.config.announce.rules import Surroundings, announce_findings
from hadirector.config.api.rules import api_findings
from hadirector.config.checks.rules import check_findings, source_findings
from hadirector.config.document.finding import Finding, Path
from hadirector.config.fleet.rules import fleet_findings
from hadirector.config.kernel.rules import mixed_family_findings, role_findings
from hadirector.config.pair.rules import pair_findings
from hadirector.config.schema import Root
from hadirector.config.scripts.rules import notify_findings
from hadirector.config.services.check_uses import check_uses
from hadirector.config.services.rules import virtual_server_findings
from hadirector.config.services.via_vip import via_findings
from hadirector.config.sources.rules import discovery_findings, source_list_findings
from hadirector.config.static.rules import static_address_findings
from hadirector.config.static.schema import FAMILY
from hadirector.config.tracking.rules import sync_group_findings, track_findings
from hadirector.config.vrrp.routes.rules import RoutingItems, instance_items, route_findings
from hadirector.config.vrrp.rules import vrrp_findings
from hadirector.config.vrrp.unfenced_roles import unfenced_role_findings


def findings(root: Root) -> Iterator[Finding]:
    """Yield every fault in the combination of values in a file."""
    if not root.model_fields_set & {"vrrp", "virtual_servers"}:
        yield Finding((), "the file configures nothing (expected vrrp, virtual_servers or both)")
    if root.director is not None and root.director.check is not None:
        yield from check_findings(("director", "check"), root.director.check)
    if root.api is not None:
        yield from api_findings(("api",), root.api)
    if root.pair is not None:
        yield from pair_findings(("pair",), root.pair)
    yield from alert_findings(root.receivers)
    yield from vrrp_findings(root.instances)
    yield from _routing_findings(root)
    yield from _static_address_findings(root)
    yield from track_findings(root.instances, {server.title for _, server in root.servers})
    yield from sync_group_findings(root.groups, root.instances)
    # A faulty sync group has been removed, and its notify script is not known.
    if root.sync_groups is None or None not in root.sync_groups:
        yield from unfenced_role_findings(root.instances, root.groups)
    yield from _sync_daemon_findings(root)
    yield from virtual_server_findings(root.servers, root.director)
    yield from source_list_findings(root.discovery)
    if root.sources is None or None not in root.sources:
        yield from discovery_findings(root.servers, root.discovery)
    yield from notify_findings(root)
    yield from _source_findings(root)
    yield from _via_findings(root)
    yield from _announce_findings(root)
    if root.fleet is not None:
        yield from fleet_findings(root.fleet)


def _routing_findings(root: Root) -> Iterator[Finding]:
    every = [instance_items(path, instance) for path, instance in root.instances]
    if root.static is not None:
        static = (("static", "routes"), root.static.routes, ("static", "rules"), root.static.rules)
        every.append(RoutingItems(*static, FAMILY))
    yield from route_findings(every)


def _static_address_findings(root: Root) -> Iterator[Finding]:
    if root.static is None:
        return
    virtual = {
        (address.host, address.device or instance.macvlan or instance.interface): instance.name
        for _, instance in root.instances
        for _, address in instance.held_addresses
    }
    yield from static_address_findings(("static",), root.static, virtual)


def _sync_daemon_findings(root: Root) -> Iterator[Finding]:
    path, daemon = ("sync_daemon",), root.sync_daemon
    if daemon is None:
        return
    if root.director is not None and root.director.dataplane == "userspace":
        yield Finding(path, "the sync daemon needs the dataplane ipvs (got userspace)")
    yield from mixed_family_findings(root.servers)
    # The daemon may follow an instance that was faulty and has been removed.
    if daemon.role == "both" or (root.vrrp is not None and None not in root.vrrp):
        yield from role_findings(path, daemon, root.instances, root.groups)


def _source_findings(root: Root) -> Iterator[Finding]:
    """Yield a fault of each source once, even if several real servers inherit the check."""
    if root.director is None:
        return
    found: dict[Path, Finding] = {}
    for path, server in root.servers:
        for use in check_uses(path, server, root.director):
            for finding in source_findings(use.path, use.section, use.address):
                found.setdefault(finding.path, finding)
    yield from found.values()


def _via_findings(root: Root) -> Iterator[Finding]:
    if root.director is None:
        return
    held = {
        address.host for _, instance in root.instances for _, address in instance.held_addresses
    }
    yield from via_findings(root.servers, root.director, held)


def _announce_findings(root: Root) -> Iterator[Finding]:
    if root.announce is None or root.director is None:
        return
    held = (
        {}
        if root.static is None
        else {address.host: "static.addresses" for address in root.static.addresses}
    )
    held |= {
        address.host: f"the VRRP instance {instance.name}"
        for _, instance in root.instances
        for _, address in instance.held_addresses
    }
    instances = [instance.name for _, instance in root.instances]
    rest = Surroundings(root.director, root.servers, held, instances)
    yield from announce_findings(root.announce, rest)
