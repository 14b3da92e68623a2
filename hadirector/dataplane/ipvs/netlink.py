"""The conversation with the kernel: one generic netlink socket, bound to the IPVS family."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Sequence
from typing import Self

from pyroute2.netlink.exceptions import NetlinkDecodeError, NetlinkError
from pyroute2.netlink.generic import AsyncGenericNetlinkSocket
from pyroute2.netlink.nlsocket import NetlinkRequest

from hadirector.dataplane.base import DataplaneError
from hadirector.dataplane.ipvs.failures import NO_IPVS, refusal
from hadirector.dataplane.ipvs.messages import IpvsMessage
from hadirector.dataplane.ipvs.uapi import FAMILY_NAME

ANSWER_SECONDS = 10.0
"""The kernel answers at once, unless it first loads a module."""


class _Socket(AsyncGenericNetlinkSocket):  # type: ignore[misc]  # pyroute2 has no types
    """pyroute2's socket, which need not log what we raise."""

    module_err_level = "debug"


class IpvsNetlink:
    """Asks and orders, one request or batch at a time.

    After an exception answers may still be on their way: close it and open another.
    """

    def __init__(self, socket: _Socket) -> None:
        self._socket = socket

    @classmethod
    async def open(cls) -> Self:
        """Open a socket and look the family up, which loads ip_vs where modules can be loaded.

        Raises DataplaneError.
        """
        socket = _Socket()
        try:
            async with _conversation():
                await _bind(socket)
        except BaseException:
            socket.close()
            raise
        return cls(socket)

    async def get(self, message: IpvsMessage) -> IpvsMessage | None:
        """Ask for one thing; None if it is not there. Raises DataplaneError."""
        async with _conversation():
            try:
                [answer] = await self._ask(message)
            except NetlinkError as error:
                if error.code == errno.ESRCH:
                    return None
                raise
            return answer

    async def list_all(self, message: IpvsMessage) -> list[IpvsMessage]:
        """Ask for all of a kind. Raises DataplaneError."""
        async with _conversation():
            return await self._ask(message)

    async def perform(self, messages: Sequence[IpvsMessage]) -> list[int]:
        """Give orders in one datagram; return for each the kernel's errno, 0 for done.

        The kernel works all of them off before this process goes on: the length of a batch decides
        how long everything else here waits. Raises DataplaneError.
        """
        async with _conversation():
            requests = [self._request(message) for message in messages]
            for request in requests:
                await request.prepare()
            self._socket.send(b"".join(request.msg.data for request in requests))
            return [await _outcome(request) for request in requests]

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    async def _ask(self, message: IpvsMessage) -> list[IpvsMessage]:
        request = self._request(message)
        await request.send()
        return [answer async for answer in request.response()]

    def _request(self, message: IpvsMessage) -> NetlinkRequest:
        return NetlinkRequest(self._socket, message, msg_type=self._socket.prid)


async def _bind(socket: _Socket) -> None:
    try:
        await socket.bind(FAMILY_NAME, IpvsMessage)
    except NetlinkError as error:
        if error.code == errno.ENOENT:
            raise DataplaneError(NO_IPVS) from error
        raise


async def _outcome(request: NetlinkRequest) -> int:
    try:
        async for _acknowledgement in request.response():
            pass
    except NetlinkError as error:
        return int(error.code)
    return 0


@contextlib.asynccontextmanager
async def _conversation() -> AsyncIterator[None]:
    """Limit the time of a conversation, and say what went wrong in words."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            yield
    except TimeoutError as error:
        words = f"the kernel did not answer on IPVS within {ANSWER_SECONDS:g} s"
        raise DataplaneError(words) from error
    except NetlinkError as error:
        raise DataplaneError(refusal(error.code)) from error
    except (OSError, NetlinkDecodeError) as error:
        raise DataplaneError(f"the conversation with IPVS broke off: {error}") from error
