"""Puts the accepted members of sources into the pools of a configuration. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from hadirector.model.configuration import (
    Configuration,
    DiscoveredServers,
    RealServer,
    VirtualServer,
)
from hadirector.model.discovery import Member
from hadirector.model.ipvs import HASH_SCHEDULERS, DestinationKey, ForwardingMethod
from hadirector.sources.admission import Accepted, AcceptedMember


class PoolSource(NamedTuple):
    """A source of a pool, by the names of the virtual server and the source."""

    virtual_server: str
    source: str


AcceptedPools = Mapping[PoolSource, Accepted]


def expand(configuration: Configuration, accepted: AcceptedPools) -> Configuration:
    """Return the configuration with the accepted members as real servers.

    Real servers from an earlier expansion are replaced.
    """
    if not any(server.discovered for server in configuration.virtual_servers):
        return configuration
    servers = tuple(_expand_pool(each, accepted) for each in configuration.virtual_servers)
    return replace(configuration, virtual_servers=servers)


def find_unsuitable(server: VirtualServer, servers: DiscoveredServers, member: Member) -> str:
    """Return why a pool cannot have a member; empty if it can."""
    method = server.forwarding_of(servers.template)
    if method is not ForwardingMethod.TUN and _is_ipv6(member.address) != _is_ipv6(
        server.keys[0].address
    ):
        return f"{member} has another address family than the virtual server"
    port = server.keys[0].port
    if method in (ForwardingMethod.DR, ForwardingMethod.TUN) and member.port not in (0, port):
        return f"{member}: {method} cannot change the port, expected {port}"
    if any(key.address == member.address for key in server.keys):
        return f"{member} is the virtual server itself"
    return ""


def _expand_pool(server: VirtualServer, accepted: AcceptedPools) -> VirtualServer:
    if not server.discovered:
        return server
    fixed = [each for each in server.real_servers if not each.source]
    taken = {each.key for each in fixed}
    found = []
    for servers in server.discovered:
        pool = accepted.get(PoolSource(server.name, servers.source))
        for each in pool.members if pool else ():
            real_server = _real_server(server, servers, each)
            if real_server.key not in taken:  # the file and earlier sources come first
                taken.add(real_server.key)
                found.append(real_server)
    return replace(server, real_servers=(*fixed, *found))


def _real_server(
    server: VirtualServer, servers: DiscoveredServers, accepted: AcceptedMember
) -> RealServer:
    template, member = servers.template, accepted.member
    key = DestinationKey(member.address, member.port or template.key.port)
    check = servers.check
    identity = f" #{member.identity}" if member.identity else ""
    weight = template.weight if member.weight is None else member.weight
    absent = accepted.absent_since is not None
    if server.service.scheduler in HASH_SCHEDULERS:
        # A weight of its own would change the whole hash table. With weight 0 the share stays.
        absent |= weight == 0
        weight = template.weight
    return replace(
        template,
        key=key,
        check=None if check is None else check.for_target(key.address, key.port, identity),
        weight=weight,
        backup_tier=template.backup_tier if member.tier is None else member.tier,
        identity=member.identity,
        absent=absent,
    )


def _is_ipv6(address: str) -> bool:
    return ":" in address
