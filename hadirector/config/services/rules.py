"""Rules for virtual servers, each alone and all together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hadirector.config.checks.rules import check_findings
from hadirector.config.director.schema import DirectorSection
from hadirector.config.document.errors import quote
from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.addresses import Endpoint
from hadirector.config.keys.section import Placed
from hadirector.config.pools.rules import pool_findings
from hadirector.config.pools.schema import RealServerSection, destination
from hadirector.config.services.forwarding import destination_findings, service_findings
from hadirector.config.services.places import place_findings
from hadirector.config.services.probed_ports import probed_port_findings
from hadirector.config.services.schema import VirtualServerSection
from hadirector.config.services.userspace import userspace_findings
from hadirector.model.configuration import OnFailure
from hadirector.model.ipvs import HASH_SCHEDULERS, ForwardingMethod


def virtual_server_findings(
    servers: Sequence[Placed[VirtualServerSection]], director: DirectorSection | None
) -> Iterator[Finding]:
    """Yield the faults of the virtual servers. ``director`` is None if that section is faulty."""
    placed: list[Placed[VirtualServerSection]] = []
    for path, server in servers:
        faults = list(place_findings(path, server))
        yield from faults
        if not faults:
            placed.append(Placed(path, server))
    yield from duplicates(_names(placed))
    yield from duplicates(_services(placed))
    for path, server in placed:
        yield from _scheduler_findings(path, server)
        yield from service_findings(path, server)
        yield from _real_server_findings(path, server)
        yield from pool_findings(path, server)
        yield from destination_findings(path, server)
        if server.check is not None:
            yield from check_findings((*path, "check"), server.check)
        if director is None:
            continue
        if director.dataplane == "userspace":
            yield from userspace_findings(path, server)
        yield from probed_port_findings(path, server, director)


def _names(servers: Sequence[Placed[VirtualServerSection]]) -> Iterator[Claim]:
    for path, server in servers:
        key = server.place_key if server.name is None else "name"
        yield Claim((*path, key), server.title, f"name {quote(server.title)}")


def _services(servers: Sequence[Placed[VirtualServerSection]]) -> Iterator[Claim]:
    for path, server in servers:
        places: list[Path] = [(server.place_key,)]
        if server.addresses:
            places = [
                (server.place_key, index)
                for index, ports in enumerate(server.addresses)
                for _ in range(ports.first, ports.last + 1)
            ]
        for place, key in zip(places, server.keys, strict=True):
            yield Claim((*path, *place), key, f"virtual server {key}")


def _scheduler_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    if server.scheduler in HASH_SCHEDULERS:
        yield from _hash_findings(path, server)
    elif server.scheduler_flags:
        message = f"only the schedulers sh and mh have flags (got scheduler {server.scheduler})"
        yield Finding((*path, "scheduler_flags"), message)


def _hash_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Yield values of ``on_failure`` that would change the table of a hash scheduler."""
    message = (
        f"scheduler {server.scheduler} always uses zero_weight: the removal of a real server would"
        " send clients of healthy servers elsewhere"
    )
    members = ((real_server.on_failure, step) for step, real_server in server.members)
    for on_failure, step in ((server.on_failure, ()), *members):
        if on_failure is OnFailure.REMOVE:
            yield Finding((*path, *step, "on_failure"), message)
    sorry = server.sorry_server
    if sorry is not None and sorry.on_failure is OnFailure.ZERO_WEIGHT:
        message = (
            f"scheduler {server.scheduler} would also assign clients to a sorry server with"
            " weight 0; leave this out"
        )
        yield Finding((*path, "sorry_server", "on_failure"), message)


def _real_server_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    yield from duplicates(_destinations(path, server))
    for step, member in server.all_members:
        if not member.address.address:
            if isinstance(member, RealServerSection) and member.source is None:
                yield Finding(
                    (*path, *step), 'the key "address" is missing (or "from", the name of a source)'
                )
            continue
        place = (*path, *step, "address")
        forwarding = server.forwarding_of(member)
        yield from _address_findings(place, server, forwarding, member.address)
    for step, real_server in server.members:
        if real_server.check is not None:
            yield from check_findings((*path, *step, "check"), real_server.check)


def _destinations(path: Path, server: VirtualServerSection) -> Iterator[Claim]:
    for step, real_server in server.members:
        if not real_server.address.address:
            continue
        key = destination(real_server.address, server.port)
        yield Claim((*path, *step, "address"), key, f"real server {key}")


def _address_findings(
    path: Path, server: VirtualServerSection, forwarding: ForwardingMethod, address: Endpoint
) -> Iterator[Finding]:
    key = destination(address, server.port)
    family = "an IPv6" if ":" in server.keys[0].address else "an IPv4"
    if (":" in key.address) != (":" in server.keys[0].address):
        if forwarding is not ForwardingMethod.TUN:
            expected = (
                f"{family} address like the virtual server's; {forwarding} cannot mix"
                " address families"
            )
            yield Finding(path, wrong(key.address, expected))
        return
    if any(
        key.address == service.address and key.port in (0, service.port) for service in server.keys
    ):
        yield Finding(path, "a real server cannot be its own virtual server")
