"""Builds the real servers and the sorry server of a pool from the configuration."""

from __future__ import annotations

from typing import NamedTuple

from hadirector.config.checks.build import (
    CheckTemplate,
    VipRoute,
    check_for_target,
    check_template,
)
from hadirector.config.keys.build import build_struct
from hadirector.config.pools.schema import RealServerSection, destination
from hadirector.config.services.schema import VirtualServerSection
from hadirector.config.services.tunnel import TunnelSection
from hadirector.model.configuration import RealServer
from hadirector.model.ipvs import ForwardingMethod, Tunnel
from hadirector.model.policy import SlowStart


class _Inherited(NamedTuple):
    """The values that a real server inherits, made once for the whole pool.

    ``tunnel`` is None if the forwarding method has no tunnels.
    """

    port: int
    check: CheckTemplate | None
    via: VipRoute
    tunnel: Tunnel | None
    slow_start: SlowStart | None


def real_servers(
    server: VirtualServerSection, check: CheckTemplate | None
) -> tuple[RealServer, ...]:
    """Return the real servers. ``check`` is the check of servers without their own check."""
    section = server.slow_start
    slow_start = None if section is None else build_struct(SlowStart, section)
    inherited = _Inherited(server.port, check, _vip_route(server), _tunnel(server), slow_start)
    return tuple(_real_server(member, inherited) for _, member in server.members)


def sorry_server(server: VirtualServerSection) -> RealServer | None:
    """Return the sorry server.

    It does not inherit the check of the pool, which may not fit it.
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
        check=template and check_for_target(template, key, _vip_route(server)),
        tunnel=_tunnel(server),
    )


def _real_server(section: RealServerSection, inherited: _Inherited) -> RealServer:
    key = destination(section.address, inherited.port)
    template = inherited.check if section.check is None else check_template(section.check)
    return build_struct(
        RealServer,
        section,
        key=key,
        check=template and check_for_target(template, key, inherited.via),
        tunnel=inherited.tunnel and (section.tunnel or inherited.tunnel),
        slow_start=section.slow_start or inherited.slow_start,
    )


def _vip_route(server: VirtualServerSection) -> VipRoute:
    """Return the virtual server as the route of checks with ``via: vip``."""
    return VipRoute(server.title, server.forwarding, server.keys[0].address)


def _tunnel(server: VirtualServerSection) -> Tunnel | None:
    if server.forwarding is not ForwardingMethod.TUN:
        return None
    return build_struct(Tunnel, server.tunnel or TunnelSection())
