"""Judges virtual servers, each with its real servers, and all together."""

from __future__ import annotations

from collections.abc import Iterator

from checks.options import transport
from hadirector.config.check_rules import check_findings
from hadirector.config.check_schema import NONE, CheckSection
from hadirector.config.errors import shown
from hadirector.config.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.pool_rules import pool_findings
from hadirector.config.schema import (
    DirectorSection,
    RealServerSection,
    Root,
    SorryServerSection,
    VirtualServerSection,
)
from hadirector.config.section import whole_ones
from hadirector.model import HASH_SCHEDULERS, ForwardingMethod, OnFailure, Protocol, Scheduler

USERSPACE_SCHEDULERS = (Scheduler.RR, Scheduler.WRR, Scheduler.LC, Scheduler.WLC)


def virtual_server_findings(root: Root) -> Iterator[Finding]:
    """Find what is wrong with the virtual servers."""
    yield from duplicates(_names(root))
    yield from duplicates(_keys(root))
    for index, server in whole_ones(root.virtual_servers):
        path = ("virtual_servers", index)
        yield from _scheduler_findings(path, server)
        yield from _real_server_findings(path, server)
        yield from pool_findings(path, server)
        if server.check is not None:
            yield from check_findings((*path, "check"), server.check)
        if root.director is None:
            continue
        if root.director.dataplane == "userspace":
            yield from _userspace_findings(path, server)
        yield from _other_transport_findings(path, server, root.director)


def _names(root: Root) -> Iterator[Claim]:
    for index, server in whole_ones(root.virtual_servers):
        key = "address" if server.name is None else "name"
        yield Claim(("virtual_servers", index, key), server.title, f"name {shown(server.title)}")


def _keys(root: Root) -> Iterator[Claim]:
    for index, server in whole_ones(root.virtual_servers):
        words = f"virtual server {server.key}"
        yield Claim(("virtual_servers", index, "address"), server.key, words)


def _scheduler_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    if server.scheduler in HASH_SCHEDULERS:
        if server.on_failure is OnFailure.REMOVE:
            message = (
                f"{server.scheduler} is always zero_weight: removing a real server would send the"
                " clients of healthy ones elsewhere"
            )
            yield Finding((*path, "on_failure"), message)
    elif server.scheduler_flags:
        message = f"only sh and mh have flags (got scheduler {server.scheduler})"
        yield Finding((*path, "scheduler_flags"), message)


def _real_server_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    yield from duplicates(_destinations(path, server))
    for index, real_server in whole_ones(server.real_servers):
        place = (*path, "real_servers", index)
        yield from _address_findings((*place, "address"), server, real_server)
        if real_server.check is not None:
            yield from check_findings((*place, "check"), real_server.check)
    if server.sorry_server is not None:
        yield from _address_findings(
            (*path, "sorry_server", "address"), server, server.sorry_server
        )


def _destinations(path: Path, server: VirtualServerSection) -> Iterator[Claim]:
    for index, real_server in whole_ones(server.real_servers):
        key = real_server.key(server)
        yield Claim((*path, "real_servers", index, "address"), key, f"real server {key}")


def _address_findings(
    path: Path, server: VirtualServerSection, real_server: RealServerSection | SorryServerSection
) -> Iterator[Finding]:
    key = real_server.key(server)
    if (":" in key.address) != (":" in server.key.address):
        family = "an IPv6" if ":" in server.key.address else "an IPv4"
        expected = (
            f"{family} address like the virtual server's; {server.forwarding} cannot mix them"
        )
        yield Finding(path, wrong(key.address, expected))
    elif key.address == server.key.address and key.port == server.key.port:
        yield Finding(path, "a real server cannot be its own virtual server")
    elif server.forwarding is ForwardingMethod.DR and key.port != server.key.port:
        message = (
            "with forwarding dr the packet reaches the real server unchanged, so the port cannot"
            f" differ from the virtual server's (got {key.port}, expected {server.key.port})"
        )
        yield Finding(path, message)


def _userspace_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Find what only the kernel can do (hadirector.dataplane.userspace)."""
    prefix = "the userspace dataplane"
    if server.protocol is not Protocol.TCP:
        yield Finding((*path, "protocol"), f"{prefix} relays tcp only (got {server.protocol})")
    if server.scheduler not in USERSPACE_SCHEDULERS:
        names = ", ".join(USERSPACE_SCHEDULERS)
        message = f"{prefix} has no {server.scheduler} (expected one of {names})"
        yield Finding((*path, "scheduler"), message)
    if server.forwarding is not ForwardingMethod.NAT:
        message = f"{prefix} relays connections, which is nat (got {server.forwarding})"
        yield Finding((*path, "forwarding"), message)
    if server.persistence is not None:
        yield Finding((*path, "persistence"), f"{prefix} has no persistence")


def _other_transport_findings(
    path: Path, server: VirtualServerSection, director: DirectorSection
) -> Iterator[Finding]:
    """Find probes of a port that merely has the number of the one that is served."""
    inherited = server.check or director.check
    inheriting = any(each.check is None for _, each in whole_ones(server.real_servers))
    if inheriting and (asked := _other_transport(inherited, server.protocol)):
        place = "protocol" if server.check is None else "check"
        yield Finding((*path, place), _other_port(asked, server.protocol))
    for index, each in whole_ones(server.real_servers):
        if each.check is not None and (asked := _other_transport(each.check, server.protocol)):
            real_server = (*path, "real_servers", index, "check")
            yield Finding(real_server, _other_port(asked, server.protocol))


def _other_transport(check: CheckSection | None, protocol: Protocol) -> str | None:
    """Tell whose port a check asks without having been told which one, unless it is ours."""
    if check is None:
        return None if protocol is Protocol.TCP else "tcp"
    if check.type == NONE or check.port is not None:
        return None
    asked = transport(check.probe)
    return None if asked == protocol else asked


def _other_port(asked: str, protocol: Protocol) -> str:
    return (
        f"the check asks a {asked} port, which says nothing about the {protocol} port of the same"
        " number: give the check another type or a port of its own, or write check: none"
    )
