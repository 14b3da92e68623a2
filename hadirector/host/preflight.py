"""Checks this host against a configuration, before anything is changed."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

from checks.definition.check import CheckDefinition
from checks.definition.options import Member
from checks.io.route_lookup import is_local
from checks.script_runner.permission import find_fault
from hadirector.model.configuration import Configuration, NeededInterface, UnheldAddress
from hadirector.model.queries import checks_by_identity, needs_ipvs
from hadirector.model.vip_probes import probe_services
from vrrp.addresses.addresses import virtual_addresses
from vrrp.addresses.routes import items
from vrrp.model.configuration import UdpUnicast
from vrrp.model.static_items import NO_STATIC_ITEMS

EXAMINED_ADDRESSES_MAX = 100
LISTED_INTERFACES_MAX = 20
"""Interfaces of this host that a message about a missing interface lists."""
CAPABILITY_BITS = {
    "CAP_NET_ADMIN": 12,
    "CAP_NET_RAW": 13,
    "CAP_KILL": 5,
    "CAP_SETGID": 6,
    "CAP_SETUID": 7,
    "CAP_IPC_LOCK": 14,
    "CAP_SYS_NICE": 23,
}
"""include/uapi/linux/capability.h, in the order in which missing capabilities are reported."""


async def faults(configuration: Configuration) -> list[str]:
    """Return every requirement that this host does not meet, as a sentence for the operator.

    A missing interface is no fault, because its VRRP instance waits for it.
    """
    found = _missing_capabilities(configuration)
    found += refused_scripts(configuration) + _unwritable_directories(configuration)
    if needs_ipvs(configuration) and not found:
        from hadirector.dataplane.ipvs import preflight
        from hadirector.host.masquerade import reconciler

        services = {server.service for server in configuration.virtual_servers}
        services |= {entry.service for entry in probe_services(configuration).values()}
        found += await preflight.faults(services)
        found += await reconciler.faults(configuration)
    return found


def refused_scripts(configuration: Configuration) -> list[str]:
    """Return the scripts that are not allowed to run, with the place in the file and the reason."""
    reasons = ((needed.place, find_fault(needed.script)) for needed in configuration.needed_scripts)
    return [f"{place}: {reason}" for place, reason in reasons if reason is not None]


def _unwritable_directories(configuration: Configuration) -> list[str]:
    """Check that the state directory is writable or can be created; create nothing.

    The runtime directory is not checked here: the director creates it at its start.
    """
    wanted = Path(configuration.state_directory)
    if wanted == Path(configuration.runtime_directory):
        return []
    existing = next(path for path in (wanted, *wanted.parents) if path.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return []
    return [f"state_directory: {wanted}: {existing} is not a writable directory"]


def unheld_addresses(configuration: Configuration) -> list[UnheldAddress]:
    """Return the addresses of virtual servers that neither an instance nor this host has.

    Only the first 100 addresses without an instance are examined, which takes some
    milliseconds.
    """
    candidates = configuration.unheld_addresses[:EXAMINED_ADDRESSES_MAX]
    return [unheld for unheld in candidates if not is_local(unheld.address)]


def missing_interfaces(configuration: Configuration) -> list[str]:
    """Return the configured interfaces that this host lacks, with their places in the file."""
    return _describe_missing(configuration.needed_interfaces)


def newly_missing_interfaces(old: Configuration, new: Configuration) -> list[str]:
    """Return missing interfaces that a reload would add to a part of ``old`` that is running.

    Because of such an interface, a running VRRP instance would give up its addresses. A new
    instance waits for its interface instead.
    """
    running = {needed.needed_by for needed in old.needed_interfaces}
    before = {(needed.needed_by, needed.name) for needed in old.needed_interfaces}
    return _describe_missing(
        needed
        for needed in new.needed_interfaces
        if needed.needed_by in running and (needed.needed_by, needed.name) not in before
    )


def _describe_missing(interfaces: Iterable[NeededInterface]) -> list[str]:
    present = {name for _, name in socket.if_nameindex()}
    names = sorted(present)
    listed = ", ".join(names[:LISTED_INTERFACES_MAX])
    more = len(names) - LISTED_INTERFACES_MAX
    there_are = f"{listed} and {more} more" if more > 0 else listed
    return [
        f"{needed.place}: {needed.needed_by}: interface {needed.name} does not exist"
        f" (there are: {there_are})"
        for needed in interfaces
        if needed.name not in present
    ]


def _missing_capabilities(configuration: Configuration) -> list[str]:
    purposes: dict[str, list[str]] = {name: [] for name in CAPABILITY_BITS}
    for capability, purpose in _needs(configuration):
        purposes[capability].append(purpose)
    effective = _effective_capabilities()
    return [
        f"{name} is missing: it is needed to {' and to '.join(purposes[name])}"
        " (run as root, or give the service this capability)"
        for name, bit in CAPABILITY_BITS.items()
        if purposes[name] and not effective >> bit & 1
    ]


def _needs(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """List the capabilities that a configuration needs, each with its purpose."""
    if configuration.realtime and configuration.vrrp:
        yield "CAP_IPC_LOCK", "lock the vrrp process in memory (realtime: true)"
        yield "CAP_SYS_NICE", "schedule the vrrp process in real time (realtime: true)"
    if os.geteuid() == 0 and any(
        needed.script.user != "root" for needed in configuration.needed_scripts
    ):
        yield "CAP_SETUID", "run scripts as their users"
        yield "CAP_SETGID", "run scripts as their users"
        yield "CAP_KILL", "end scripts that run too long"
    if os.geteuid() == 0 and configuration.web is not None:
        yield "CAP_SETUID", "run the web process as its own user (api.listen)"
        yield "CAP_SETGID", "run the web process as its own user (api.listen)"
    if os.geteuid() == 0 and any(each.webhook is not None for each in configuration.alerts):
        yield "CAP_SETUID", "run the webhooks process as another user (alerts)"
        yield "CAP_SETGID", "run the webhooks process as another user (alerts)"
    if any(_marks_packets(check) for check in checks_by_identity(configuration).values()):
        yield "CAP_NET_ADMIN", "mark the packets of probes"
    if needs_ipvs(configuration):
        yield "CAP_NET_ADMIN", "program IPVS"
    yield from _network_needs(configuration)


def _network_needs(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """List the capabilities for VRRP, and for addresses and routes."""
    if any(not isinstance(instance.transport, UdpUnicast) for instance in configuration.vrrp):
        yield "CAP_NET_RAW", "send and receive IP protocol 112"
    if any(virtual_addresses(instance) or items(instance) for instance in configuration.vrrp):
        yield "CAP_NET_ADMIN", "add virtual addresses"
        yield "CAP_NET_RAW", "announce virtual addresses"
    if configuration.announce is not None:
        yield "CAP_NET_ADMIN", "add announced addresses and their routes"
    if configuration.static != NO_STATIC_ITEMS:
        yield "CAP_NET_ADMIN", "add static addresses, routes and rules"


def _marks_packets(check: CheckDefinition) -> bool:
    """Return whether a check or one of its member checks has a mark."""
    members: tuple[Member, ...] = getattr(check.probe, "checks", ())
    return bool(check.route.mark) or any(member.mark for member in members)


def _effective_capabilities() -> int:
    """Read the effective capability set of this process (proc(5), CapEff)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0
