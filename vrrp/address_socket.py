"""Adds and removes addresses by rtnetlink messages that are plain bytes: the way to a takeover.

The kernel handles such a message while it is being sent, so a handful of addresses stand some tens
of microseconds later. Through a general netlink library the same takes over a millisecond.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Sequence
from ipaddress import IPv4Interface
from typing import Final

# linux/netlink.h, linux/rtnetlink.h, linux/if_addr.h
_NLMSG_ERROR: Final = 2
_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_REPLACE, _NLM_F_CREATE = 0x1, 0x4, 0x100, 0x400
_RTM_NEWADDR, _RTM_DELADDR = 20, 21
_IFA_ADDRESS, _IFA_LOCAL, _IFA_CACHEINFO = 1, 2, 6

_RENEW: Final = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_REPLACE | _NLM_F_CREATE
_DELETE: Final = _NLM_F_REQUEST | _NLM_F_ACK

_ANSWERS_BYTES: Final = 1 << 16


class AddressSocket:
    """A netlink socket for changing addresses. Close it.

    Raises OSError from the constructor.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )

    def renew(self, index: int, addresses: Sequence[IPv4Interface], lifetime: int) -> list[int]:
        """Add each address, or renew it, for ``lifetime`` seconds.

        Returns the kernel's error number for each, 0 when it agreed. Raises OSError.
        """
        return self._change([renewal(index, each, lifetime) for each in addresses])

    def delete(self, index: int, addresses: Sequence[IPv4Interface]) -> list[int]:
        """Delete each address; returns and raises as `renew` does."""
        return self._change([deletion(index, each) for each in addresses])

    def close(self) -> None:
        """Close the socket. Closing twice is harmless."""
        self._socket.close()

    def _change(self, messages: Sequence[bytes]) -> list[int]:
        """Send all at once; every one is answered before ``send`` returns (netlink(7))."""
        self._socket.send(b"".join(_numbered(messages)))
        codes = [errno.EIO] * len(messages)
        while True:
            try:
                answers = self._socket.recv(_ANSWERS_BYTES)
            except BlockingIOError:
                return codes
            for number, code in _answers(answers):
                codes[number] = code


def renewal(index: int, address: IPv4Interface, lifetime: int) -> bytes:
    """Build RTM_NEWADDR, without its sequence number, for `_numbered` to set."""
    times = struct.pack("=IIII", lifetime, lifetime, 0, 0)  # preferred, valid, and two for reading
    return _message(_RTM_NEWADDR, _RENEW, index, address, _attribute(_IFA_CACHEINFO, times))


def deletion(index: int, address: IPv4Interface) -> bytes:
    """Build RTM_DELADDR, without its sequence number."""
    return _message(_RTM_DELADDR, _DELETE, index, address, b"")


def _message(kind: int, flags: int, index: int, address: IPv4Interface, attributes: bytes) -> bytes:
    family, length = socket.AF_INET, address.network.prefixlen
    body = struct.pack("=BBBBI", family, length, 0, 0, index)
    body += _attribute(_IFA_LOCAL, address.packed) + _attribute(_IFA_ADDRESS, address.packed)
    body += attributes
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    """All values here are multiples of four bytes long, so nothing is padded."""
    return struct.pack("=HH", 4 + len(value), kind) + value


def _numbered(messages: Sequence[bytes]) -> list[bytes]:
    """Set each message's sequence number to its place."""
    return [
        each[:8] + struct.pack("=I", number) + each[12:] for number, each in enumerate(messages)
    ]


def _answers(data: bytes) -> list[tuple[int, int]]:
    """Sequence number and error number of each acknowledgement."""
    found: list[tuple[int, int]] = []
    offset = 0
    while offset + 20 <= len(data):
        length, kind, _, number, _, code = struct.unpack_from("=IHHIIi", data, offset)
        if kind == _NLMSG_ERROR:
            found.append((number, -code))
        offset += max((length + 3) & ~3, 16)
    return found
