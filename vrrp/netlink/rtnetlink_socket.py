"""A netlink socket for addresses, routes and rules. It sends prepared bytes, for speed.

The kernel handles a message before ``send`` returns. Adding a few addresses takes tens of
microseconds. With a general netlink library it takes more than a millisecond, and listing 200
addresses takes tens of milliseconds.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from vrrp.netlink.rtnetlink import (
    NLMSG_DONE,
    NLMSG_ERROR,
    RTM_NEWADDR,
    Interface,
    InterfaceAddress,
    Message,
    VirtualAddress,
    deletion,
    error_code,
    listing,
    messages,
    number_messages,
    read_address,
    renewal,
)

# linux/netlink.h; absent from the socket module
_SOL_NETLINK: Final = 270
_NETLINK_GET_STRICT_CHK: Final = 12

_SIOCGIFFLAGS: Final = 0x8913  # linux/sockios.h
_SIOCGIFINDEX: Final = 0x8933
_INTERFACE_REQUEST: Final = struct.Struct("=16sI20x")  # struct ifreq

_ANSWERS_BYTES: Final = 1 << 16


class RtnetlinkSocket:
    """Changes and lists addresses, routes and rules. The owner must close it.

    The constructor raises OSError.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        with suppress(OSError):  # before Linux 4.20, addresses of all interfaces are listed
            self._socket.setsockopt(_SOL_NETLINK, _NETLINK_GET_STRICT_CHK, 1)

    def renew(self, targets: Sequence[tuple[int, VirtualAddress]], lifetime: int) -> list[int]:
        """Add each address to the interface with this index, or renew its lifetime, in seconds.

        Return the error number of the kernel for each address, 0 for success. Raises
        OSError.
        """
        return self.change([renewal(index, virtual, lifetime) for index, virtual in targets])

    def restore(self, index: int, address: VirtualAddress, lifetime: int) -> int:
        """Add a missing address. Return the error number of the kernel, EEXIST if it exists."""
        (code,) = self.change([renewal(index, address, lifetime, only_missing=True)])
        return code

    def delete(self, index: int, address: Interface) -> int:
        """Delete an address. Return the error number of the kernel. Raises OSError."""
        (code,) = self.change([deletion(index, address)])
        return code

    def addresses(self, index: int) -> list[InterfaceAddress]:
        """Return the addresses of an interface, in the order of the kernel.

        Raises OSError if the kernel cannot list them at this moment.
        """
        found = map(read_address, self.dump(listing(index), RTM_NEWADDR))
        return [each for each in found if each is not None and each.interface == index]

    def interface(self, name: str) -> tuple[int, int] | None:
        """Return the index and the flags of an interface (netdevice(7)); None if it does not exist.

        The netlink socket itself is used for the ioctl, so no further file descriptor is
        needed. Raises OSError if the kernel cannot answer at this moment.
        """
        try:
            index = self._query(_SIOCGIFINDEX, name) & 0xFFFFFFFF
            return index, self._query(_SIOCGIFFLAGS, name) & 0xFFFF
        except OSError as error:
            if error.errno in (errno.ENODEV, errno.ENXIO):
                return None
            raise

    def change(self, requests: Sequence[bytes]) -> list[int]:
        """Send requests. Return the error number of the kernel for each, 0 for success.

        Raises OSError.
        """
        self._socket.send(number_messages(requests))
        codes = [errno.EIO] * len(requests)
        for message in self._answers():
            if message.kind == NLMSG_ERROR:
                codes[message.number] = error_code(message.body)
        return codes

    def dump(self, request: bytes, kind: int) -> list[bytes]:
        """Request a list, and return the bodies of the answers of one message type.

        Raises OSError if the kernel cannot answer at this moment.
        """
        self._socket.send(request)
        answers = list(self._answers())
        for answer in answers:
            if answer.kind == NLMSG_ERROR:
                code = error_code(answer.body)
                raise OSError(code, os.strerror(code))
        complete = any(answer.kind == NLMSG_DONE for answer in answers)
        if not complete or any(answer.interrupted for answer in answers):
            raise OSError(errno.EAGAIN, "the list changed while the kernel returned it")
        return [answer.body for answer in answers if answer.kind == kind]

    def request(self, request: bytes, kind: int) -> list[bytes]:
        """Request one object, and return the bodies of the answers of one message type.

        Raises OSError if the kernel refuses the request.
        """
        self._socket.send(request)
        answers = list(self._answers())
        for answer in answers:
            if answer.kind == NLMSG_ERROR and (code := error_code(answer.body)):
                raise OSError(code, os.strerror(code))
        return [answer.body for answer in answers if answer.kind == kind]

    def close(self) -> None:
        """Close the socket. A second call has no effect."""
        self._socket.close()

    def _query(self, request: int, name: str) -> int:
        asked = _INTERFACE_REQUEST.pack(os.fsencode(name), 0)
        _, answer = _INTERFACE_REQUEST.unpack(fcntl.ioctl(self._socket, request, asked))
        return int(answer)

    def _answers(self) -> Iterator[Message]:
        """Read all answers. The kernel adds the rest of a long list while the socket is read."""
        while True:
            try:
                data = self._socket.recv(_ANSWERS_BYTES)
            except BlockingIOError:
                return
            yield from messages(data)
