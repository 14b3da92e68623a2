"""Reads and sets the connection timeouts of IPVS, which all services share.

The commands are IPVS_CMD_GET_CONFIG and IPVS_CMD_SET_CONFIG.
"""

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
    """Read all timeouts. Raises DataplaneError."""
    netlink = await IpvsNetlink.open()
    try:
        answer = await netlink.get(Request(_GET))
    finally:
        netlink.close()
    assert answer is not None, "IPVS always has timeouts"
    return read_timeouts(answer)


async def write(timeouts: ConnectionTimeouts) -> None:
    """Set the timeouts that are not 0. A connection uses them from its next change of state on.

    Raises DataplaneError.
    """
    netlink = await IpvsNetlink.open()
    try:
        [code] = await netlink.perform([write_timeouts(timeouts)])
    finally:
        netlink.close()
    if code:
        too_long = "a timeout is longer than the kernel supports"
        raise DataplaneError(too_long if code == errno.EINVAL else refusal(code))


def read_timeouts(answer: bytes) -> ConnectionTimeouts:
    """Decode the answer of the kernel."""
    found = attributes(answer)
    return ConnectionTimeouts(
        **{name: read_number(found[number]) for name, number in _ATTRIBUTES.items()}
    )


def write_timeouts(timeouts: ConnectionTimeouts) -> Request:
    """Encode the request. The kernel does not change a timeout that is 0 in the request."""
    encoded = (uint32(number, getattr(timeouts, name)) for name, number in _ATTRIBUTES.items())
    return Request(_SET, b"".join(encoded))
