"""The generic netlink socket to IPVS in the kernel."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Sequence
from typing import Self

from hadirector.dataplane.dataplane import DataplaneError, DataplaneMissingError
from hadirector.dataplane.ipvs.codec import frames
from hadirector.dataplane.ipvs.codec.attributes import attributes, read_number, text
from hadirector.dataplane.ipvs.codec.failures import NO_IPVS, refusal
from hadirector.dataplane.ipvs.codec.frames import Frame, Request
from hadirector.dataplane.ipvs.codec.uapi import FAMILY_NAME, FAMILY_VERSION
from hadirector.dataplane.slices import Slices

ANSWER_SECONDS = 10.0
"""The kernel answers at once, unless it must load a module."""

DATAGRAM_SIZE_MAX = 64 * 1024
"""The kernel fills at most 32 KiB per datagram (netlink_dump, net/netlink/af_netlink.c)."""

DUMP_SIZE_MAX = 256 * 1024 * 1024
"""About 650,000 destinations; a longer dump is an error."""

_MISMATCH = "IPVS sent an answer that does not match the request; the connection is opened again"
_SEQUENCE_MAX = 0xFFFFFFFF
_NETLINK_GENERIC = 16  # linux/netlink.h; the socket module does not name it

# The control family, which resolves the names of other families (linux/genetlink.h).
_CONTROL, _CONTROL_VERSION = 16, 1
_GET_FAMILY, _FAMILY_ID, _FAMILY_NAME = 3, 1, 2


class IpvsNetlink:
    """Sends requests to IPVS and receives the answers. All methods raise DataplaneError.

    After an exception there may be unread answers, so the socket must be closed.
    """

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._family, self._version = _CONTROL, _CONTROL_VERSION
        self._sequence = 0

    @classmethod
    async def open(cls) -> Self:
        """Open a socket and resolve the family IPVS, which loads the module ip_vs if possible."""
        try:
            opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_GENERIC)
        except OSError as error:
            raise _connection_error(error) from error
        opened.setblocking(False)
        netlink = cls(opened)
        try:
            await netlink._resolve_family()
        except BaseException:
            netlink.close()
            raise
        return netlink

    async def get(self, request: Request) -> bytes | None:
        """Request one object; return its attributes, or None if it does not exist."""
        self._send([request])
        answer = await self._answer()
        if answer.kind != frames.ERROR:
            return answer.content
        if answer.code == errno.ESRCH:
            return None
        raise DataplaneError(refusal(answer.code))

    async def list_all(self, request: Request) -> list[bytes]:
        """Request all objects of one kind; return the attributes of each object."""
        datagrams = await self.dump(request)
        return [frame.content for datagram in datagrams for frame in frames.read(datagram)]

    async def dump(self, request: Request) -> list[bytes]:
        """Request all objects of one kind; return the datagrams of the answer undecoded."""
        self._send([request], frames.DUMP)
        slices = Slices()
        datagrams: list[bytes] = []
        size = 0
        while size <= DUMP_SIZE_MAX:
            datagram = await self._receive()
            frame = self._match(frames.first(datagram))
            if frame.kind == frames.ERROR or (frame.kind == frames.DONE and frame.code):
                raise DataplaneError(refusal(frame.code))
            if frame.kind == frames.DONE:  # always in a datagram of its own
                return datagrams
            datagrams.append(datagram)
            size += len(datagram)
            await slices.pause()
        raise DataplaneError(f"the answer of IPVS is longer than {DUMP_SIZE_MAX} bytes")

    async def perform(self, requests: Sequence[Request]) -> list[int]:
        """Send change requests in one datagram; return the errno of each request, 0 for success.

        The kernel handles the whole batch before `send` returns, so a long batch delays
        everything else in this process. The kernel acknowledges only failures and the last
        request.
        """
        first = self._sequence + 1
        self._send(requests, frames.ACKNOWLEDGE)
        codes = [0] * len(requests)
        while True:
            datagram = await self._receive()
            for frame in frames.read(datagram):
                if frame.kind != frames.ERROR or not first <= frame.sequence <= self._sequence:
                    raise DataplaneError(_MISMATCH)
                codes[frame.sequence - first] = frame.code
                if frame.sequence == self._sequence:
                    return codes

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    async def _resolve_family(self) -> None:
        self._send([Request(_GET_FAMILY, text(_FAMILY_NAME, FAMILY_NAME))])
        answer = await self._answer()
        if answer.kind == frames.ERROR:
            if answer.code == errno.ENOENT:
                raise DataplaneMissingError(NO_IPVS)
            raise DataplaneError(refusal(answer.code))
        self._family = read_number(attributes(answer.content)[_FAMILY_ID])
        self._version = FAMILY_VERSION

    def _send(self, requests: Sequence[Request], flags: int = 0) -> None:
        """Send requests in one datagram; ``flags`` are added to the last request."""
        if self._sequence + len(requests) > _SEQUENCE_MAX:
            self._sequence = 0
        encoded = [self._encode(request) for request in requests[:-1]]
        encoded.append(self._encode(requests[-1], flags))
        try:
            self._socket.send(b"".join(encoded))
        except OSError as error:
            raise _connection_error(error) from error

    def _encode(self, request: Request, flags: int = 0) -> bytes:
        self._sequence += 1
        flags |= frames.REQUEST
        return frames.write(request, self._family, self._version, flags, self._sequence)

    async def _answer(self) -> Frame:
        return self._match(frames.first(await self._receive()))

    def _match(self, frame: Frame | None) -> Frame:
        """Return a frame if it answers the last request. Raises DataplaneError."""
        if frame is None or frame.sequence != self._sequence:
            raise DataplaneError(_MISMATCH)
        return frame

    async def _receive(self) -> bytes:
        """Receive the next datagram. Usually it is available at once."""
        try:
            return self._socket.recv(DATAGRAM_SIZE_MAX)
        except BlockingIOError:
            pass
        except OSError as error:
            raise _connection_error(error) from error
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await asyncio.get_running_loop().sock_recv(self._socket, DATAGRAM_SIZE_MAX)
        except TimeoutError as error:
            reason = f"IPVS did not answer within {ANSWER_SECONDS:g} s"
            raise DataplaneError(reason) from error
        except OSError as error:
            raise _connection_error(error) from error


def _connection_error(error: OSError) -> DataplaneError:
    return DataplaneError(f"the netlink connection to IPVS failed: {error}")
