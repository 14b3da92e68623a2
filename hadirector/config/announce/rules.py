"""Rules for announced addresses, and for the virtual servers on them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from checks.definition.queries import requests_exit_weight, requests_percentage
from hadirector.config.announce.schema import AnnounceSection, GroupSection
from hadirector.config.director.schema import DirectorSection
from hadirector.config.document.errors import quote
from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.section import Placed
from hadirector.config.services.check_uses import DIRECTOR_CHECK, check_uses
from hadirector.config.services.schema import VirtualServerSection
from hadirector.model.configuration import OnFailure
from hadirector.model.ipvs import HASH_SCHEDULERS, ForwardingMethod

ADDRESSES_MAX: Final = 1000
_PATH: Path = ("announce",)


class Surroundings(NamedTuple):
    """The rest of the file. ``held`` names the user of each virtual and static address."""

    director: DirectorSection
    servers: Sequence[Placed[VirtualServerSection]]
    held: Mapping[str, str]
    instances: Collection[str]


def announce_findings(section: AnnounceSection, rest: Surroundings) -> Iterator[Finding]:
    """Yield the faults of the announced addresses and of the virtual servers on them."""
    if rest.director.dataplane == "userspace":
        message = "the dataplane userspace cannot continue connections of another director"
        yield Finding(_PATH, f"{message} (expected ipvs)")
    if section.device == section.reluctant_device:
        place = (*_PATH, "reluctant_device")
        yield Finding(place, wrong(quote(section.device), "another interface than device"))
    if section.engine == "none" and section.engine_socket is not None:
        message = "without an engine there is no socket; leave this out"
        yield Finding((*_PATH, "engine_socket"), message)
    if section.hold.quiet > section.hold.most:
        expected = f"at most hold.most, {section.hold.most:g} s"
        place = (*_PATH, "hold", "quiet") if section.hold.model_fields_set else _PATH
        yield Finding(place, wrong(f"{section.hold.quiet:g} s", expected))
    yield from _address_findings(section, rest.held, rest.instances)
    for path, group in section.placed_groups:
        yield from _group_findings(path, group, rest.servers)
    for path, server in announced_servers(section, rest.servers):
        yield from _forwarding_findings(path, server)
        if server.scheduler in HASH_SCHEDULERS:
            yield from _weight_findings(path, server, rest.director)


def announce_warnings(
    section: AnnounceSection, servers: Sequence[Placed[VirtualServerSection]]
) -> Iterator[Finding]:
    """Yield settings that break connections when a router moves them to another director."""
    for path, server in announced_servers(section, servers):
        if server.scheduler not in HASH_SCHEDULERS:
            message = (
                f"with scheduler {server.scheduler}, a connection that a router moves to another"
                " director breaks unless that director selects the same real server by chance; use"
                " mh, which selects the same real server on all directors"
            )
            yield Finding((*path, "scheduler"), message)
            if server.on_failure is not OnFailure.ZERO_WEIGHT:
                message = (
                    "on_failure remove sets expire_nodest_conn, which ends the connections of a"
                    " real server that fails; use zero_weight"
                )
                yield Finding((*path, "on_failure"), message)


def announced_servers(
    section: AnnounceSection, servers: Sequence[Placed[VirtualServerSection]]
) -> Iterator[Placed[VirtualServerSection]]:
    """Yield the virtual servers on announced addresses, and those named by a group."""
    addresses = {address for _, group in section.placed_groups for address in group.addresses}
    named = {name for _, group in section.placed_groups for name in group.pools or ()}
    for placed in servers:
        if placed.item.title in named or any(
            key.address in addresses for key in placed.item.keys if not key.firewall_mark
        ):
            yield placed


def pools_of(group: GroupSection, servers: Sequence[Placed[VirtualServerSection]]) -> list[str]:
    """Return the names of the virtual servers whose pools decide about a group."""
    if group.pools is not None:
        return group.pools
    return [
        server.title
        for _, server in servers
        if any(key.address in group.addresses and not key.firewall_mark for key in server.keys)
    ]


def _address_findings(
    section: AnnounceSection, held: Mapping[str, str], instances: Collection[str]
) -> Iterator[Finding]:
    places = [
        ((*path, "addresses", index), address)
        for path, group in section.placed_groups
        for index, address in enumerate(group.addresses)
    ]
    if len(places) > ADDRESSES_MAX:
        message = f"{len(places)} addresses are announced (expected at most {ADDRESSES_MAX})"
        yield Finding((*_PATH, "groups"), message)
    yield from duplicates(Claim(path, address, f"address {address}") for path, address in places)
    for path, address in places:
        if address in held:
            message = f"{address} belongs to {held[address]}; leave it out there or here"
            yield Finding(path, message)
    for path, group in section.placed_groups:
        if group.name in instances:
            message = f"{quote(group.name)} is the name of a VRRP instance; choose another name"
            yield Finding((*path, "name"), message)
    names = [(path, group.name) for path, group in section.placed_groups]
    yield from duplicates(Claim((*path, "name"), name, f"group {name}") for path, name in names)


def _group_findings(
    path: Path, group: GroupSection, servers: Sequence[Placed[VirtualServerSection]]
) -> Iterator[Finding]:
    if not group.addresses:
        yield Finding((*path, "addresses"), wrong("an empty list", "at least one address"))
    titles = {server.title for _, server in servers}
    for index, name in enumerate(group.pools or ()):
        if name not in titles:
            expected = "the name of a virtual server"
            yield Finding((*path, "pools", index), wrong(quote(name), expected))
    if group.addresses and not pools_of(group, servers):
        key = "addresses" if group.pools is None else "pools"
        message = "no virtual server has these addresses (expected one, or the key pools)"
        yield Finding((*path, key), message)
    low, high = group.passing.low, group.passing.high
    if low > high:
        place = (*path, "passing", "low" if "low" in group.passing.model_fields_set else "high")
        yield Finding(place, wrong(f"low {low}%, high {high}%", "low at most high"))


def _forwarding_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Yield methods whose answers need the director that got the request."""
    through = (ForwardingMethod.NAT, ForwardingMethod.FULLNAT)
    own = [(step, member.forwarding) for step, member in server.all_members if member.forwarding]
    methods: list[tuple[Path, ForwardingMethod]] = [((*path, *step), own) for step, own in own]
    if len(own) < len(server.all_members) or not own:
        methods.insert(0, (path, server.forwarding))
    for place, method in methods:
        if method in through:
            message = (
                "the address is announced by several directors, and the answers of a real server"
                f" behind {method} may pass another director (expected dr or tun)"
            )
            yield Finding((*place, "forwarding"), message)


def _weight_findings(
    path: Path, server: VirtualServerSection, director: DirectorSection
) -> Iterator[Finding]:
    """Yield checks that change weights, because the directors would fill different tables."""
    found: dict[Path, Finding] = {}
    for use in check_uses(path, server, director):
        probe = use.section.probe
        if requests_percentage(probe) or requests_exit_weight(probe):
            place = (*path, "scheduler") if use.path == DIRECTOR_CHECK else (*use.path, "type")
            message = (
                f"with scheduler {server.scheduler} on an announced address, a check of type"
                f" {use.section.type} cannot request a weight: the directors would select"
                " different real servers"
            )
            found.setdefault(place, Finding(place, message))
    yield from found.values()
