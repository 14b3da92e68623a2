"""A stub of the kernel's IPVS behind generic netlink, for kernels without IPVS.

It keeps services and destinations as they were sent, acknowledges, and answers dumps with the same
bytes. It reports each request about a destination with its time.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from struct import Struct

from hadirector.dataplane.ipvs.codec import frames
from hadirector.dataplane.ipvs.codec.attributes import attribute, attributes, uint16, uint32
from hadirector.dataplane.ipvs.codec.destination_attributes import read_key as read_destination_key
from hadirector.dataplane.ipvs.codec.frames import Request
from hadirector.dataplane.ipvs.codec.service_attributes import read_key as read_service_key
from hadirector.dataplane.ipvs.codec.uapi import Command
from hadirector.model.ipvs import DestinationKey, ServiceKey

DATAGRAM_SIZE = 32 * 1024
FAMILY = 28

_CONTROL = 16  # GENL_ID_CTRL
_GET_CONFIGURATION = 13  # IPVS_CMD_GET_CONFIG
_HEADER = Struct("=IHHII")
_CODE = Struct("=i")
_SERVICE, _DESTINATION = 1, 2  # IPVS_CMD_ATTR_*

Ordered = Callable[[float, DestinationKey], None]


class StubKernel:
    """The table, and the answers to one datagram after the other."""

    def __init__(self, ordered: Ordered) -> None:
        self._ordered = ordered
        self._services: dict[ServiceKey, bytes] = {}
        self._pools: dict[ServiceKey, dict[DestinationKey, bytes]] = {}

    def answer(self, datagram: bytes) -> Iterator[bytes]:
        """Handle all requests of a datagram, and yield the datagrams that answer them."""
        offset = 0
        while offset < len(datagram):
            length, kind, flags, sequence, _ = _HEADER.unpack_from(datagram, offset)
            message = datagram[offset : offset + length]
            offset += length
            if kind == _CONTROL:
                yield _message(Request(1, uint16(1, FAMILY)), sequence)
            elif flags & frames.DUMP == frames.DUMP:
                yield from _packed(self._dumped(message, sequence))
                yield _HEADER.pack(20, frames.DONE, 2, sequence, 0) + _CODE.pack(0)
            else:
                yield from self._single(message, flags, sequence)

    def _single(self, message: bytes, flags: int, sequence: int) -> Iterator[bytes]:
        command, held = message[16], attributes(message[frames.CONTENT_AT :])
        if command == _GET_CONFIGURATION:
            yield _message(Request(command, b"".join(uint32(it, 0) for it in (4, 5, 6))), sequence)
        elif command == Command.GET_INFO:
            yield _message(Request(command, uint32(1, 0x010201)), sequence)
        elif command == Command.GET_SERVICE:
            service = self._services.get(_service(held))
            found = None if service is None else Request(command, attribute(_SERVICE, service))
            yield _error(errno.ESRCH, message) if found is None else _message(found, sequence)
        else:
            self._obey(command, held)
            if flags & frames.ACKNOWLEDGE:
                yield _error(0, message)

    def _dumped(self, message: bytes, sequence: int) -> Iterator[bytes]:
        command, held = message[16], attributes(message[frames.CONTENT_AT :])
        if command == Command.GET_SERVICE:
            found = [attribute(_SERVICE, each) for each in self._services.values()]
        elif command == Command.GET_DESTINATION:
            pool = self._pools.get(_service(held), {})
            found = [attribute(_DESTINATION, each) for each in reversed(pool.values())]
        else:
            found = []
        return (_message(Request(command, each), sequence) for each in found)

    def _obey(self, command: int, held: dict[int, bytes]) -> None:
        key = _service(held)
        if command in (Command.NEW_SERVICE, Command.SET_SERVICE):
            self._services[key] = held[_SERVICE]
            self._pools.setdefault(key, {})
        elif command == Command.DELETE_SERVICE:
            del self._services[key], self._pools[key]
        else:
            destination = read_destination_key(attributes(held[_DESTINATION]), key)
            self._ordered(time.monotonic(), destination)
            if command == Command.DELETE_DESTINATION:
                del self._pools[key][destination]
            else:
                self._pools[key][destination] = held[_DESTINATION]


def serve(path: str, ordered: Ordered) -> None:
    """Answer every client of a socket at this path (unix(7), SOCK_SEQPACKET), without end."""
    kernel = StubKernel(ordered)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen()
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for ready, _ in selector.select():
                if ready.fileobj is listener:
                    selector.register(listener.accept()[0], selectors.EVENT_READ)
                    continue
                client = ready.fileobj
                assert isinstance(client, socket.socket)
                datagram = client.recv(1024 * 1024)
                for each in kernel.answer(datagram):
                    client.send(each)
                if not datagram:
                    selector.unregister(client)
                    client.close()


def _service(held: dict[int, bytes]) -> ServiceKey:
    key = read_service_key(attributes(held[_SERVICE]))
    assert key is not None, "we ask only about what we know"
    return key


def _message(request: Request, sequence: int) -> bytes:
    return frames.write(request, FAMILY, 1, 2, sequence)


def _error(code: int, message: bytes) -> bytes:
    sequence = _HEADER.unpack_from(message)[3]
    return _HEADER.pack(36, frames.ERROR, 0, sequence, 0) + _CODE.pack(-code) + message[:16]


def _packed(messages: Iterable[bytes]) -> Iterator[bytes]:
    """Fill datagrams as the kernel does."""
    packed = b""
    for each in messages:
        if len(packed) + len(each) > DATAGRAM_SIZE:
            yield packed
            packed = b""
        packed += each
    if packed:
        yield packed
