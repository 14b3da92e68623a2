"""Reads the bodies of requests, and prepares and sends answers, with limits on time and memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from aiohttp import web
from msgspec.structs import asdict

from hadirector.api.problems import MEDIA_TYPE, Code, ProblemDetails, ProblemError
from hadirector.dataplane.slices import Slices
from hadirector.status.report import Status

BODY_SECONDS_MAX = 5.0
SEND_SECONDS_MAX = 10.0
PIECE_BYTES: Final = 64 * 1024
"""An answer is sent in pieces, so that a client that does not read holds little memory."""


async def read_body(request: web.BaseRequest, size_max: int) -> bytes:
    """Return the body of a request.

    Raises ProblemError if it is too large or arrives too slowly.
    """
    if (request.content_length or 0) > size_max:
        raise _too_large(size_max)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            while piece := await request.content.readany():
                body += piece
                if len(body) > size_max:
                    raise _too_large(size_max)
    except TimeoutError:
        raise ProblemError(
            Code.REQUEST_INCOMPLETE, f"the body did not arrive within {BODY_SECONDS_MAX:g} s"
        ) from None
    return bytes(body)


def _too_large(size_max: int) -> ProblemError:
    return ProblemError(
        Code.TOO_LARGE,
        f"the body is too large (expected at most {size_max} bytes)",
        headers={"Connection": "close"},
    )


async def send(
    request: web.BaseRequest,
    body: bytes | Sequence[bytes],
    headers: Mapping[str, str],
    status: int = 200,
) -> web.StreamResponse:
    """Send an answer, or its pieces.

    If the client does not read it in time, its connection is aborted.
    """
    pieces = (body,) if isinstance(body, bytes) else body
    length = sum(map(len, pieces))
    if length <= PIECE_BYTES or request.method == "HEAD":
        return web.Response(body=b"".join(pieces), headers=headers, status=status)
    response = web.StreamResponse(headers=headers, status=status)
    response.content_length = length
    try:
        async with asyncio.timeout(SEND_SECONDS_MAX):
            await response.prepare(request)
            for piece in pieces:
                view = memoryview(piece)
                for start in range(0, len(view), PIECE_BYTES):
                    await response.write(view[start : start + PIECE_BYTES])
            await response.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the client did not read its answer in time") from None
    return response


async def encode_status(status: Status) -> list[bytes]:
    """Encode a status as JSON in pieces, with pauses: 10,000 real servers take 20 ms.

    A text of 5 MB in one piece takes some milliseconds more, for each copy.
    """
    slices = Slices(rest=True)
    text = _Pieces()
    text.open_list(asdict(status), "virtual_servers")
    for server in status.virtual_servers:
        text.open_list(asdict(server), "real_servers")
        for member in server.real_servers:
            text.add(msgspec.json.encode(member))
            await slices.pause()
        text.close_list()
    text.close_list()
    return text.finish()


class _Pieces:
    """Writes a JSON text in pieces of at least ``PIECE_BYTES``, except the last one."""

    def __init__(self) -> None:
        self._done: list[bytes] = []
        self._piece = bytearray()
        self._separator = b""

    def open_list(self, fields: Mapping[str, object], name: str) -> None:
        """Begin an object with these fields. The last one is a list, whose elements follow."""
        others = {key: value for key, value in fields.items() if key != name}
        self.add(msgspec.json.encode(others)[:-1] + f',"{name}":['.encode())
        self._separator = b""

    def add(self, element: bytes) -> None:
        """Add an element of the list."""
        self._piece += self._separator + element
        self._separator = b","
        if len(self._piece) >= PIECE_BYTES:
            self._done.append(bytes(self._piece))
            self._piece.clear()

    def close_list(self) -> None:
        """End the list and its object."""
        self._piece += b"]}"
        self._separator = b","

    def finish(self) -> list[bytes]:
        """Return the pieces."""
        return [*self._done, bytes(self._piece)]


async def prepare_in_thread(pieces: Iterator[bytes]) -> list[bytes]:
    """Prepare the pieces one after the other in a thread.

    A cancellation waits for the end of the piece that is being prepared.
    """
    prepared: list[bytes] = []
    while True:
        preparing = asyncio.ensure_future(asyncio.to_thread(next, pieces, None))
        try:
            piece = await asyncio.shield(preparing)
        finally:
            await asyncio.wait([preparing])
        if piece is None:
            return prepared
        prepared.append(piece)


def problem_answer(problem: ProblemDetails, headers: Mapping[str, str]) -> web.Response:
    """Return the answer that reports an error."""
    return web.Response(
        status=problem.status,
        body=msgspec.json.encode(problem),
        headers={**headers, "Content-Type": MEDIA_TYPE},
    )
