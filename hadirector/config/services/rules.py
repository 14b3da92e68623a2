"""Judges virtual servers, each with its real servers, and all together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import starmap

from checks.definition.queries import transports
from hadirector.config.checks.rules import check_findings
from hadirector.config.checks.schema import NONE, CheckSection
from hadirector.config.document.errors import shown
from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.section import valid_items
from hadirector.config.pools.rules import pool_findings
from hadirector.config.schema import (
    DirectorSection,
    RealServerSection,
    Root,
    SorryServerSection,
    VirtualServerSection,
)
from hadirector.config.services.service_rules import (
    destination_findings,
    place_findings,
    service_findings,
)
from hadirector.model.configuration import OnFailure
from hadirector.model.ipvs import HASH_SCHEDULERS, ForwardingMethod, Protocol, Scheduler

USERSPACE_SCHEDULERS = (Scheduler.RR, Scheduler.WRR, Scheduler.LC, Scheduler.WLC)


def virtual_server_findings(root: Root) -> Iterator[Finding]:
    """Find what is wrong with the virtual servers."""
    placed: list[tuple[int, VirtualServerSection]] = []
    for index, server in valid_items(root.virtual_servers):
        misplaced = list(place_findings(("virtual_servers", index), server))
        yield from misplaced
        if not misplaced:
            placed.append((index, server))
    yield from duplicates(_names(placed))
    yield from duplicates(_keys(placed))
    for index, server in placed:
        path = ("virtual_servers", index)
        yield from _scheduler_findings(path, server)
        yield from service_findings(path, server)
        yield from _real_server_findings(path, server)
        yield from pool_findings(path, server)
        yield from destination_findings(path, server)
        if server.check is not None:
            yield from check_findings((*path, "check"), server.check)
        if root.director is None:
            continue
        if root.director.dataplane == "userspace":
            yield from _userspace_findings(path, server)
        yield from _unprobed_findings(path, server, root.director)


def _names(placed: Iterable[tuple[int, VirtualServerSection]]) -> Iterator[Claim]:
    for index, server in placed:
        key = server.place_key if server.name is None else "name"
        yield Claim(("virtual_servers", index, key), server.title, f"name {shown(server.title)}")


def _keys(placed: Iterable[tuple[int, VirtualServerSection]]) -> Iterator[Claim]:
    for index, server in placed:
        paths: list[Path] = [(server.place_key,)]
        if server.addresses:
            paths = [
                (server.place_key, at)
                for at, each in enumerate(server.addresses)
                for _ in range(each.first, each.last + 1)
            ]
        for path, key in zip(paths, server.keys, strict=True):
            yield Claim(("virtual_servers", index, *path), key, f"virtual server {key}")


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
    for index, real_server in valid_items(server.real_servers):
        place = (*path, "real_servers", index)
        yield from _address_findings((*place, "address"), server, real_server)
        if real_server.check is not None:
            yield from check_findings((*place, "check"), real_server.check)
    if server.sorry_server is not None:
        yield from _address_findings(
            (*path, "sorry_server", "address"), server, server.sorry_server
        )


def _destinations(path: Path, server: VirtualServerSection) -> Iterator[Claim]:
    for index, real_server in valid_items(server.real_servers):
        key = real_server.key(server)
        yield Claim((*path, "real_servers", index, "address"), key, f"real server {key}")


def _address_findings(
    path: Path, server: VirtualServerSection, real_server: RealServerSection | SorryServerSection
) -> Iterator[Finding]:
    key = real_server.key(server)
    family = "an IPv6" if ":" in server.keys[0].address else "an IPv4"
    if (":" in key.address) != (":" in server.keys[0].address):
        if server.forwarding is not ForwardingMethod.TUN:
            expected = (
                f"{family} address like the virtual server's; {server.forwarding} cannot mix them"
            )
            yield Finding(path, wrong(key.address, expected))
        return
    if any(key.address == each.address and key.port in (0, each.port) for each in server.keys):
        yield Finding(path, "a real server cannot be its own virtual server")


def _userspace_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Find what only the kernel can do (hadirector.dataplane.userspace)."""
    prefix = "the userspace dataplane"
    if server.protocol is not Protocol.TCP:
        yield Finding((*path, "protocol"), f"{prefix} relays tcp only (got {server.protocol})")
    if server.fwmark is not None:
        yield Finding((*path, "fwmark"), f"{prefix} sees no firewall marks")
    for index, each in valid_items(server.real_servers):
        if each.upper_threshold is not None:
            place = (*path, "real_servers", index, "upper_threshold")
            yield Finding(place, f"{prefix} has no thresholds")
    if server.scheduler not in USERSPACE_SCHEDULERS:
        names = ", ".join(USERSPACE_SCHEDULERS)
        message = f"{prefix} has no {server.scheduler} (expected one of {names})"
        yield Finding((*path, "scheduler"), message)
    if server.forwarding is not ForwardingMethod.NAT:
        message = f"{prefix} relays connections, which is nat (got {server.forwarding})"
        yield Finding((*path, "forwarding"), message)
    if server.persistence is not None:
        yield Finding((*path, "persistence"), f"{prefix} has no persistence")


def _unprobed_findings(
    path: Path, server: VirtualServerSection, director: DirectorSection
) -> Iterator[Finding]:
    """Find probes of a port that is not the one that is served."""
    inherited = server.check or director.check
    key = server.place_key if server.protocol is Protocol.TCP else "protocol"
    inherited_path = (*path, key if server.check is None else "check")
    found: dict[Path, str] = {}
    for index, each in valid_items(server.real_servers):
        own_path = (*path, "real_servers", index, "check")
        place = inherited_path if each.check is None else own_path
        if message := _unprobed(server, each, each.check or inherited):
            found.setdefault(place, message)
    yield from starmap(Finding, found.items())


def _unprobed(
    server: VirtualServerSection, real_server: RealServerSection, check: CheckSection | None
) -> str | None:
    """Say what is wrong with the port that a check asks without having been told which one."""
    if check is not None and (check.type == NONE or check.port is not None):
        return None
    asked = frozenset({"tcp"}) if check is None else transports(check.probe)
    if not asked:
        return None
    others = sorted(asked - {server.protocol.value})
    if others and server.fwmark is None:
        return (
            f"the check asks a {others[0]} port, which says nothing about the {server.protocol}"
            " port of the same number: give the check another type or a port of its own, or write"
            " check: none"
        )
    if not real_server.key(server).port:
        return "there is more than one port to probe: give the check a port, or write check: none"
    return None
