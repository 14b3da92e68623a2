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


def interfaces_towards(
    addresses: Collection[str], routes: Path = Path("/proc/net/route")
) -> frozenset[str]:
    """Name the interfaces through which IPv4 addresses are reached, by the main routing table."""
    try:
        with routes.open(encoding="ascii") as file:
            lines = file.read(ROUTES_BYTES_MAX).splitlines()[1:]
    except OSError:
        return frozenset()  # a host without IPv4 routes reaches nobody
    table = sorted((_route(line) for line in lines if line.count("\t") >= 10), reverse=True)
    numbers = {_ADDRESS.unpack(socket.inet_aton(each))[0] for each in addresses}
    found = (
        next((name for _, mask, subnet, name in table if number & mask == subnet), None)
        for number in numbers
    )
    return frozenset(name for name in found if name is not None)


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
