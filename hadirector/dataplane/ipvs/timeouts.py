"""The kernel's connection timeouts, which all its services share: IPVS_CMD_GET_CONFIG and SET."""

from __future__ import annotations

import errno

from pyroute2.netlink import NLM_F_ACK, NLM_F_REQUEST

from hadirector.dataplane.base import DataplaneError
from hadirector.dataplane.ipvs.failures import refusal
from hadirector.dataplane.ipvs.messages import IpvsMessage
from hadirector.dataplane.ipvs.netlink import IpvsNetlink
from hadirector.dataplane.ipvs.uapi import FAMILY_VERSION
from hadirector.model import ConnectionTimeouts

_GET, _SET = 13, 12
_ATTRIBUTES = {
    "tcp": "IPVS_CMD_ATTR_TIMEOUT_TCP",
    "tcp_fin": "IPVS_CMD_ATTR_TIMEOUT_TCP_FIN",
    "udp": "IPVS_CMD_ATTR_TIMEOUT_UDP",
}


async def read() -> ConnectionTimeouts:
    """Read all three. Raises DataplaneError."""
    netlink = await IpvsNetlink.open()
    try:
        answer = await netlink.get(_message(_GET, NLM_F_REQUEST))
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


def read_timeouts(answer: IpvsMessage) -> ConnectionTimeouts:
    """Read the kernel's answer."""
    return ConnectionTimeouts(**{key: answer.get_attr(name) for key, name in _ATTRIBUTES.items()})


def write_timeouts(timeouts: ConnectionTimeouts) -> IpvsMessage:
    """Write the order; what is 0 stays as it is."""
    message = _message(_SET, NLM_F_REQUEST | NLM_F_ACK)
    message["attrs"] = [(name, getattr(timeouts, key)) for key, name in _ATTRIBUTES.items()]
    return message


def _message(command: int, flags: int) -> IpvsMessage:
    message = IpvsMessage()
    message["cmd"] = command
    message["version"] = FAMILY_VERSION
    message["header"]["flags"] = flags
    return message
