"""The keys of a tunnel to a real server, and their rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from hadirector.config.document.finding import Finding, Path, wrong
from hadirector.config.keys.addresses import Port
from hadirector.config.keys.key import Key
from hadirector.config.keys.readers import choice
from hadirector.config.keys.section import Section
from hadirector.model.ipvs import ForwardingMethod, Tunnel, TunnelChecksum, TunnelType


class TunnelSection(Section):
    """The encapsulation of packets on the way to a real server."""

    model = Tunnel

    type: Annotated[
        TunnelType,
        choice(TunnelType),
        Key(
            "IP in IP, GRE, or generic UDP encapsulation. `gre` and `gue` need Linux 5.3.",
            default="`ipip`",
        ),
    ] = TunnelType.IPIP
    port: Annotated[
        Port | None,
        Key(
            "Only with `gue`: the UDP port on which the real server decapsulates.",
            default="required for `gue`",
        ),
    ] = None
    checksum: Annotated[
        TunnelChecksum,
        choice(TunnelChecksum),
        Key(
            "The checksum of the outer header: none, full (`gre`, `gue`), or remote checksum"
            " offload (`gue`); `--tun-nocsum`, `--tun-csum` and `--tun-remcsum` of ipvsadm."
        ),
    ] = TunnelChecksum.NONE


def tunnel_findings(
    path: Path, forwarding: ForwardingMethod, tunnel: TunnelSection | None
) -> Iterator[Finding]:
    """Yield the faults of a tunnel."""
    if tunnel is None:
        return
    if forwarding is not ForwardingMethod.TUN:
        message = f"only forwarding tun has a tunnel (got {forwarding})"
        yield Finding(path, message)
        return
    if tunnel.type is TunnelType.GUE and tunnel.port is None:
        message = 'the key "port" is missing: the UDP port on which the real server decapsulates'
        yield Finding(path, message)
    elif tunnel.type is not TunnelType.GUE and tunnel.port is not None:
        yield Finding((*path, "port"), f"only the tunnel type gue has a port (got {tunnel.type})")
    allowed = _CHECKSUMS[tunnel.type]
    if tunnel.checksum not in allowed:
        expected = f"{' or '.join(allowed)}, the checksums of {tunnel.type}"
        yield Finding((*path, "checksum"), wrong(tunnel.checksum, expected))


_CHECKSUMS = {
    TunnelType.IPIP: (TunnelChecksum.NONE,),
    TunnelType.GRE: (TunnelChecksum.NONE, TunnelChecksum.FULL),
    TunnelType.GUE: tuple(TunnelChecksum),
}
