"""The conversation with the kernel: one generic netlink socket, bound to the IPVS family."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Sequence
from typing import Self

from hadirector.dataplane.dataplane import DataplaneError
from hadirector.dataplane.ipvs.codec import frames
from hadirector.dataplane.ipvs.codec.attributes import attributes, read_number, text
from hadirector.dataplane.ipvs.codec.failures import NO_IPVS, refusal
from hadirector.dataplane.ipvs.codec.frames import Frame, Request
from hadirector.dataplane.ipvs.codec.uapi import FAMILY_NAME, FAMILY_VERSION
from hadirector.dataplane.slices import Slices

ANSWER_SECONDS = 10.0
"""The kernel answers at once, unless it first loads a module."""

DATAGRAM_SIZE_MAX = 64 * 1024
"""The kernel fills at most 32 KiB at a time (netlink_dump, net/netlink/af_netlink.c)."""

DUMP_SIZE_MAX = 256 * 1024 * 1024
"""Some 650,000 destinations; a longer dump is broken off."""

_SEQUENCE_MAX = 0xFFFFFFFF
_NETLINK_GENERIC = 16  # linux/netlink.h; the socket module does not name it

# The family that knows the others (linux/genetlink.h).
_CONTROL, _CONTROL_VERSION = 16, 1
_GET_FAMILY, _FAMILY_ID, _FAMILY_NAME = 3, 1, 2


class IpvsNetlink:
    """Asks and orders, one request or batch at a time. All of it raises DataplaneError.

    After an exception answers may still be on their way: close it and open another.
    """

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._family, self._version = _CONTROL, _CONTROL_VERSION
        self._sequence = 0

    @classmethod
    async def open(cls) -> Self:
        """Open a socket and look the family up, which loads ip_vs where modules can be loaded."""
        try:
            opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_GENERIC)
        except OSError as error:
            raise _broken_off(error) from error
        opened.setblocking(False)
        made = cls(opened)
        try:
            await made._bind()
        except BaseException:
            made.close()
            raise
        return made

    async def get(self, request: Request) -> bytes | None:
        """Ask for one thing; return its attributes, or None if it is not there."""
        self._send([request])
        answer = await self._answer()
        if answer.kind != frames.ERROR:
            return answer.content
        if answer.code == errno.ESRCH:
            return None
        raise DataplaneError(refusal(answer.code))

    async def list_all(self, request: Request) -> list[bytes]:
        """Ask for all of a kind; return the attributes of each."""
        datagrams = await self.dump(request)
        return [frame.content for datagram in datagrams for frame in frames.read(datagram)]

    async def dump(self, request: Request) -> list[bytes]:
        """Ask for all of a kind; return the datagrams in which they came, and nothing else."""
        self._send([request], frames.DUMP)
        slices = Slices()
        datagrams: list[bytes] = []
        size = 0
        while size <= DUMP_SIZE_MAX:
            datagram = await self._receive()
            frame = self._checked(frames.first(datagram))
            if frame.kind == frames.ERROR or (frame.kind == frames.DONE and frame.code):
                raise DataplaneError(refusal(frame.code))
            if frame.kind == frames.DONE:  # in a datagram of its own: others are filled up
                return datagrams
            datagrams.append(datagram)
            size += len(datagram)
            await slices.pause()
        raise DataplaneError(f"a list of IPVS is longer than {DUMP_SIZE_MAX} bytes")

    async def perform(self, requests: Sequence[Request]) -> list[int]:
        """Give orders in one datagram; return for each the kernel's errno, 0 for done.

        The kernel works all of them off before this process goes on: the length of a batch decides
        how long everything else here waits. Only what fails and the last one are answered.
        """
        first = self._sequence + 1
        self._send(requests, frames.ACKNOWLEDGE)
        codes = [0] * len(requests)
        while True:
            datagram = await self._receive()
            for frame in frames.read(datagram):
                if frame.kind != frames.ERROR or not first <= frame.sequence <= self._sequence:
                    raise DataplaneError("the conversation with IPVS got out of step")
                codes[frame.sequence - first] = frame.code
                if frame.sequence == self._sequence:
                    return codes

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    async def _bind(self) -> None:
        self._send([Request(_GET_FAMILY, text(_FAMILY_NAME, FAMILY_NAME))])
        answer = await self._answer()
        if answer.kind == frames.ERROR:
            raise DataplaneError(NO_IPVS if answer.code == errno.ENOENT else refusal(answer.code))
        self._family = read_number(attributes(answer.content)[_FAMILY_ID])
        self._version = FAMILY_VERSION

    def _send(self, requests: Sequence[Request], flags: int = 0) -> None:
        """Send in one datagram; the last request has these flags too."""
        if self._sequence + len(requests) > _SEQUENCE_MAX:
            self._sequence = 0
        written = [self._write(each) for each in requests[:-1]]
        written.append(self._write(requests[-1], flags))
        try:
            self._socket.send(b"".join(written))
        except OSError as error:
            raise _broken_off(error) from error

    def _write(self, request: Request, flags: int = 0) -> bytes:
        self._sequence += 1
        flags |= frames.REQUEST
        return frames.write(request, self._family, self._version, flags, self._sequence)

    async def _answer(self) -> Frame:
        return self._checked(frames.first(await self._receive()))

    def _checked(self, frame: Frame | None) -> Frame:
        if frame is None or frame.sequence != self._sequence:
            raise DataplaneError("the conversation with IPVS got out of step")
        return frame

    async def _receive(self) -> bytes:
        """Take the next datagram. It is there already, unless the kernel works on it."""
        try:
            return self._socket.recv(DATAGRAM_SIZE_MAX)
        except BlockingIOError:
            pass
        except OSError as error:
            raise _broken_off(error) from error
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await asyncio.get_running_loop().sock_recv(self._socket, DATAGRAM_SIZE_MAX)
        except TimeoutError as error:
            words = f"the kernel did not answer on IPVS within {ANSWER_SECONDS:g} s"
            raise DataplaneError(words) from error
        except OSError as error:
            raise _broken_off(error) from error


def _broken_off(error: OSError) -> DataplaneError:
    return DataplaneError(f"the conversation with IPVS broke off: {error}")
