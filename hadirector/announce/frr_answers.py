"""Reads further answers of FRR, for `hadirector doctor`. Pure.

An answer in an unknown form has no content.
"""

from __future__ import annotations

import msgspec


class _GracefulRestart(msgspec.Struct, rename="camel"):
    local_gr_mode: str = ""


class _Neighbor(msgspec.Struct, rename="camel"):
    graceful_restart_info: _GracefulRestart = msgspec.field(default_factory=_GracefulRestart)


class _Path(msgspec.Struct):
    origin: str = ""


class _Routes(msgspec.Struct):
    routes: dict[str, list[_Path]] = {}


def read_frr_graceful(text: str) -> tuple[str, ...]:
    """Return the neighbors with graceful restart, from `show bgp neighbors json`.

    The mode is Disable, Helper or Restart. With Helper, this engine keeps the routes of a router.
    """
    try:
        found = msgspec.json.decode(text, type=dict[str, _Neighbor])
    except msgspec.MsgspecError:
        return ()
    return tuple(
        name
        for name, neighbor in found.items()
        if neighbor.graceful_restart_info.local_gr_mode.startswith("Restart")
    )


def read_frr_origins(text: str) -> dict[str, str]:
    """Return the origin of each address, from `show bgp ipv4 unicast json`."""
    try:
        found = msgspec.json.decode(text, type=_Routes)
    except msgspec.MsgspecError:
        return {}
    return {
        prefix.partition("/")[0]: paths[0].origin for prefix, paths in found.routes.items() if paths
    }
