"""Makes the real servers and the sorry server of a pool."""

from __future__ import annotations

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
from hadirector.model.ipvs import ForwardingMethod


def real_servers(
    server: VirtualServerSection, inherited: CheckTemplate | None
) -> tuple[RealServer, ...]:
    """Return the real servers. ``inherited`` is the check of servers without their own check."""
    via = vip_route(server)
    return tuple(_real_server(section, server, inherited, via) for _, section in server.members)


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
        check=template and check_for_target(template, key, vip_route(server)),
        tunnel=_tunnel(server, None),
    )


def _real_server(
    section: RealServerSection,
    server: VirtualServerSection,
    inherited: CheckTemplate | None,
    via: VipRoute,
) -> RealServer:
    key = destination(section.address, server.port)
    template = inherited if section.check is None else check_template(section.check)
    return build_struct(
        RealServer,
        section,
        key=key,
        check=template and check_for_target(template, key, via),
        tunnel=_tunnel(server, section.tunnel),
        slow_start=section.slow_start or server.slow_start,
    )


def vip_route(server: VirtualServerSection) -> VipRoute:
    """Return the virtual server as the route of checks with ``via: vip``."""
    return VipRoute(server.title, server.forwarding, server.keys[0].address)


def _tunnel(server: VirtualServerSection, own: TunnelSection | None) -> TunnelSection | None:
    if server.forwarding is not ForwardingMethod.TUN:
        return None
    return own or server.tunnel or TunnelSection()
