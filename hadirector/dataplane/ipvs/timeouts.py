"""The kernel's connection timeouts, which all its services share: IPVS_CMD_GET_CONFIG and SET."""

from __future__ import annotations

import errno

from hadirector.dataplane.dataplane import DataplaneError
from hadirector.dataplane.ipvs.codec.attributes import attributes, read_number, uint32
from hadirector.dataplane.ipvs.codec.failures import refusal
from hadirector.dataplane.ipvs.codec.frames import Request
from hadirector.dataplane.ipvs.netlink import IpvsNetlink
from hadirector.model.ipvs import ConnectionTimeouts

_GET, _SET = 13, 12
_ATTRIBUTES = {"tcp": 4, "tcp_fin": 5, "udp": 6}
"""IPVS_CMD_ATTR_TIMEOUT_*."""


async def read() -> ConnectionTimeouts:
    """Read all three. Raises DataplaneError."""
    netlink = await IpvsNetlink.open()
    try:
        answer = await netlink.get(Request(_GET))
    finally:
        netlink.close()
    assert answer is not None, "there is always a configuration"
    return read_timeouts(answer)


async def write(timeouts: ConnectionTimeouts) -> None:
    """Set those that are not 0, for connections whose state changes from now on.

    Raises DataplaneError.
    """
    netlink = await IpvsNetlink.open()
    try:
        [code] = await netlink.perform([write_timeouts(timeouts)])
    finally:
        netlink.close()
    if code:
        words = "a time is longer than the kernel counts" if code == errno.EINVAL else refusal(code)
        raise DataplaneError(words)


def read_timeouts(answer: bytes) -> ConnectionTimeouts:
    """Read the kernel's answer."""
    held = attributes(answer)
    return ConnectionTimeouts(**{name: read_number(held[it]) for name, it in _ATTRIBUTES.items()})


def write_timeouts(timeouts: ConnectionTimeouts) -> Request:
    """Write the order; what is 0 stays as it is."""
    written = (uint32(it, getattr(timeouts, name)) for name, it in _ATTRIBUTES.items())
    return Request(_SET, b"".join(written))
