"""Builds the real servers and the sorry server of a pool from the configuration."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from checks.definition.template import CheckTemplate
from hadirector.config.checks.build import (
    VipRoute,
    check_for_target,
    check_template,
)
from hadirector.config.keys.build import build_struct
from hadirector.config.pools.schema import RealServerSection, SorryServerSection, destination
from hadirector.config.services.schema import VirtualServerSection
from hadirector.config.services.tunnel import TunnelSection
from hadirector.model.configuration import DiscoveredServers, RealServer
from hadirector.model.ipvs import ForwardingMethod, Tunnel
from hadirector.model.policy import SlowStart

_Member = RealServerSection | SorryServerSection


class _Inherited(NamedTuple):
    """The values that a real server inherits, made once for the whole pool."""

    server: VirtualServerSection
    check: CheckTemplate | None
    tunnel: Tunnel
    slow_start: SlowStart | None


def real_servers(
    server: VirtualServerSection, check: CheckTemplate | None
) -> tuple[RealServer, ...]:
    """Return the real servers. ``check`` is the check of servers without their own check."""
    inherited = _Inherited(server, check, _tunnel(server), _slow_start(server))
    return tuple(
        _real_server(member, inherited) for _, member in server.members if member.source is None
    )


def discovered_servers(
    server: VirtualServerSection, check: CheckTemplate | None
) -> tuple[DiscoveredServers, ...]:
    """Return the templates of real servers that sources name."""
    inherited = _Inherited(server, check, _tunnel(server), _slow_start(server))
    return tuple(
        DiscoveredServers(
            source=member.source,
            template=replace(_real_server(member, inherited), check=None, source=member.source),
            check=check if member.check is None else check_template(member.check),
        )
        for _, member in server.members
        if member.source is not None
    )


def _slow_start(server: VirtualServerSection) -> SlowStart | None:
    """Return the slow start of real servers without their own."""
    section = server.slow_start
    return None if section is None else build_struct(SlowStart, section)


def sorry_server(server: VirtualServerSection) -> RealServer | None:
    """Return the sorry server.

    It does not inherit the check of the pool, because it usually offers another service.
    """
    sorry = server.sorry_server
    if sorry is None:
        return None
    key = destination(sorry.address, server.port)
    template = None if sorry.check is None else check_template(sorry.check)
    return build_struct(
        RealServer,
        sorry,
        key=key,
        check=template and check_for_target(template, key, _vip_route(server, sorry)),
        tunnel=_own_tunnel(server, sorry, _tunnel(server)),
    )


def _real_server(section: RealServerSection, inherited: _Inherited) -> RealServer:
    server = inherited.server
    key = destination(section.address, server.port)
    template = inherited.check if section.check is None else check_template(section.check)
    return build_struct(
        RealServer,
        section,
        key=key,
        check=template and check_for_target(template, key, _vip_route(server, section)),
        tunnel=_own_tunnel(server, section, inherited.tunnel),
        slow_start=section.slow_start or inherited.slow_start,
    )


def _vip_route(server: VirtualServerSection, member: _Member) -> VipRoute:
    """Return the virtual server as the route of checks with ``via: vip``."""
    return VipRoute(server.title, server.forwarding_of(member), server.keys[0].address)


def _tunnel(server: VirtualServerSection) -> Tunnel:
    """Return the tunnel of real servers behind tun that have no tunnel of their own."""
    return build_struct(Tunnel, server.tunnel or TunnelSection())


def _own_tunnel(
    server: VirtualServerSection, member: _Member, inherited: Tunnel
) -> Tunnel | TunnelSection | None:
    """Return the tunnel to a server; None if its forwarding method has no tunnels."""
    if server.forwarding_of(member) is not ForwardingMethod.TUN:
        return None
    return member.tunnel or inherited
