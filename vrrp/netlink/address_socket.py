"""Adds, removes and lists addresses by rtnetlink messages that are plain bytes: nothing is faster.

The kernel handles such a message while it is being sent, so a handful of addresses stand some tens
of microseconds later. Through a general netlink library the same takes over a millisecond, and a
list of 200 addresses some tens of them.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from vrrp.netlink.rtnetlink import (
    NLMSG_DONE,
    NLMSG_ERROR,
    RTM_NEWADDR,
    Interface,
    Message,
    Standing,
    VirtualAddress,
    deletion,
    error_code,
    listing,
    messages,
    numbered,
    read_address,
    renewal,
)

# linux/netlink.h; absent from the socket module
_SOL_NETLINK: Final = 270
_NETLINK_GET_STRICT_CHK: Final = 12

_ANSWERS_BYTES: Final = 1 << 16


class AddressSocket:
    """A netlink socket for changing and listing addresses, and what else rtnetlink has. Close it.

    Raises OSError from the constructor.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        with suppress(OSError):  # before Linux 4.20: then every interface's addresses are listed
            self._socket.setsockopt(_SOL_NETLINK, _NETLINK_GET_STRICT_CHK, 1)

    def renew(self, targets: Sequence[tuple[int, VirtualAddress]], lifetime: int) -> list[int]:
        """Add each address to the interface of its index, or renew it, for ``lifetime`` seconds.

        Returns the kernel's error number for each, 0 when it agreed. Raises OSError.
        """
        return self.change([renewal(index, each, lifetime) for index, each in targets])

    def restore(self, index: int, address: VirtualAddress, lifetime: int) -> int:
        """Add an address if it is missing; the kernel's error number, EEXIST where it stands."""
        (code,) = self.change([renewal(index, address, lifetime, only_missing=True)])
        return code

    def delete(self, index: int, address: Interface) -> int:
        """Delete an address; the kernel's error number. Raises OSError."""
        (code,) = self.change([deletion(index, address)])
        return code

    def standing(self, index: int) -> list[Standing]:
        """The addresses of an interface, in the kernel's order.

        Raises OSError when the kernel cannot say, which may be different a moment later.
        """
        listed = (read_address(each) for each in self.listed(listing(index), RTM_NEWADDR))
        return [each for each in listed if each is not None and each.interface == index]

    def change(self, requests: Sequence[bytes]) -> list[int]:
        """Have the kernel do what each message says; its error number for each, 0 when it has.

        Raises OSError.
        """
        self._socket.send(numbered(requests))
        codes = [errno.EIO] * len(requests)
        for message in self._answers():
            if message.kind == NLMSG_ERROR:
                codes[message.number] = error_code(message.body)
        return codes

    def listed(self, request: bytes, kind: int) -> list[bytes]:
        """The bodies of those answers to a request for a list that are of one kind.

        Raises OSError when the kernel cannot say, which may be different a moment later.
        """
        self._socket.send(request)
        answers = list(self._answers())
        for answer in answers:
            if answer.kind == NLMSG_ERROR:
                code = error_code(answer.body)
                raise OSError(code, os.strerror(code))
        whole = any(each.kind == NLMSG_DONE for each in answers)
        if not whole or any(each.interrupted for each in answers):
            raise OSError(errno.EAGAIN, "something changed while it was listed")
        return [each.body for each in answers if each.kind == kind]

    def close(self) -> None:
        """Close the socket. Closing twice is harmless."""
        self._socket.close()

    def _answers(self) -> Iterator[Message]:
        """What the kernel has answered. It has done so before ``send`` returns, and goes on with
        a long list as it is read.
        """
        while True:
            try:
                data = self._socket.recv(_ANSWERS_BYTES)
            except BlockingIOError:
                return
            yield from messages(data)
