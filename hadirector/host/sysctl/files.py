"""Reads and writes sysctls below /proc/sys, and finds the interfaces towards hosts."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Collection, Iterable
from pathlib import Path

ROUTES_BYTES_MAX = 1024 * 1024
"""About 8000 routes. The rest of a larger table is not read; connected subnets come early."""

_ADDRESS = struct.Struct("=I")
"""The kernel prints an address as a number in the byte order of this machine."""


def read(names: Iterable[str], root: Path = Path("/proc/sys")) -> dict[str, str | None]:
    """Return the values of sysctls by their paths; None for a missing or unreadable sysctl."""
    return {name: _read(root / name) for name in names}


def write(name: str, value: str, root: Path = Path("/proc/sys")) -> None:
    """Set a parameter. Raises OSError, also for a name that leads out of the directory ``root``."""
    if name.startswith("/") or ".." in name.split("/"):
        raise OSError(errno.EINVAL, "not the name of a sysctl", name)
    (root / name).write_text(f"{value}\n", encoding="ascii")


def read_routes(file: Path = Path("/proc/net/route")) -> str:
    """Read the main routing table of IPv4; return an empty text if it cannot be read."""
    try:
        # The kernel takes any byte in the name of an interface (net/core/dev.c, dev_valid_name).
        with file.open(encoding="ascii", errors="surrogateescape") as opened:
            return opened.read(ROUTES_BYTES_MAX)
    except OSError:
        return ""


def interfaces_towards(addresses: Collection[str], routes: str) -> frozenset[str]:
    """Return the interfaces through which IPv4 addresses are reached.

    ``routes`` is the text from ``read_routes``.
    """
    lines = (line for line in routes.splitlines()[1:] if line.count("\t") >= 10)
    remaining = {_ADDRESS.unpack(socket.inet_aton(address))[0] for address in addresses}
    interfaces = set()
    for _, mask, subnet, interface in sorted(map(_route, lines), reverse=True):
        if reached := {number for number in remaining if number & mask == subnet}:
            remaining -= reached
            interfaces.add(interface)
    return frozenset(interfaces)


def _route(line: str) -> tuple[int, int, int, str]:
    """Parse a line of /proc/net/route (proc(5)): prefix length, mask, subnet and interface."""
    columns = line.split("\t")
    subnet, mask = int(columns[1], 16), int(columns[7], 16)
    return mask.bit_count(), mask, subnet, columns[0]


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="surrogateescape").strip()
    except OSError:
        return None
