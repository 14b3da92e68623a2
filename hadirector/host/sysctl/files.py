"""Reads and writes kernel parameters, and finds out through which interfaces hosts are reached."""

from __future__ import annotations

import socket
import struct
from collections.abc import Collection, Iterable
from pathlib import Path

ROUTES_BYTES_MAX = 1024 * 1024
"""Some 8000 routes. Of a larger table the first part is looked at: connected subnets come early."""

_ADDRESS = struct.Struct("=I")
"""The kernel prints an address as the number that its bytes make in this machine's order."""


def read(names: Iterable[str], root: Path = Path("/proc/sys")) -> dict[str, str | None]:
    """Read parameters by their paths; one that is not there, or not to be read, is None."""
    return {name: _read(root / name) for name in names}


def write(name: str, value: str, root: Path = Path("/proc/sys")) -> None:
    """Set a parameter. Raises OSError."""
    (root / name).write_text(f"{value}\n", encoding="ascii")


def read_routes(file: Path = Path("/proc/net/route")) -> str:
    """Read the main routing table of IPv4; a host without one has no routes."""
    try:
        with file.open(encoding="ascii") as opened:
            return opened.read(ROUTES_BYTES_MAX)
    except OSError:
        return ""


def interfaces_towards(addresses: Collection[str], routes: str) -> frozenset[str]:
    """Name the interfaces through which IPv4 addresses are reached, by ``read_routes``."""
    lines = (line for line in routes.splitlines()[1:] if line.count("\t") >= 10)
    left = {_ADDRESS.unpack(socket.inet_aton(each))[0] for each in addresses}
    found = set()
    for _, mask, subnet, interface in sorted(map(_route, lines), reverse=True):
        if reached := {number for number in left if number & mask == subnet}:
            left -= reached
            found.add(interface)
    return frozenset(found)


def _route(line: str) -> tuple[int, int, int, str]:
    """Read one line of proc(5), /proc/net/route; the length of the prefix first."""
    columns = line.split("\t")
    subnet, mask = int(columns[1], 16), int(columns[7], 16)
    return mask.bit_count(), mask, subnet, columns[0]


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return None
