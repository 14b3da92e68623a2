"""Reads the bodies of requests, and prepares and sends answers, with limits on time and memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

import msgspec
from aiohttp import web
from msgspec.structs import asdict

from hadirector.dataplane.slices import Slices
from hadirector.status.report import Status

BODY_SECONDS_MAX = 15.0
SEND_SECONDS_MAX = 15.0
PIECE_BYTES: Final = 64 * 1024
"""An answer is sent in pieces, so that a client that does not read holds little memory."""


async def read_body(request: web.Request, size: int | None = None) -> bytes:
    """Return the body, or its first ``size`` bytes. Raises HTTPRequestTimeout."""
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            if size is None:
                return await request.read()
            return await request.content.readexactly(size) if size else b""
    except TimeoutError:
        raise web.HTTPRequestTimeout(
            reason=f"The body did not arrive within {BODY_SECONDS_MAX:g} s"
        ) from None


async def send(request: web.Request, body: bytes, content_type: str) -> web.StreamResponse:
    """Send an answer. The connection of a client that does not read it in time is cut."""
    if len(body) <= PIECE_BYTES or request.method == "HEAD":
        return web.Response(body=body, headers={"Content-Type": content_type})
    response = web.StreamResponse(headers={"Content-Type": content_type})
    response.content_length = len(body)
    try:
        async with asyncio.timeout(SEND_SECONDS_MAX):
            await response.prepare(request)
            pieces = memoryview(body)
            for start in range(0, len(body), PIECE_BYTES):
                await response.write(pieces[start : start + PIECE_BYTES])
            await response.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the client did not read its answer in time") from None
    return response


async def encode_status(status: Status) -> bytes:
    """Encode a status as JSON, with pauses: 10,000 real servers take 20 ms."""
    slices = Slices(rest=True)
    servers = []
    for server in status.virtual_servers:
        members = []
        for member in server.real_servers:
            members.append(msgspec.Raw(msgspec.json.encode(member)))
            await slices.pause()
        fields = {**asdict(server), "real_servers": members}
        servers.append(msgspec.Raw(msgspec.json.encode(fields)))
    return msgspec.json.encode({**asdict(status), "virtual_servers": servers})


async def join_in_thread(pieces: Iterator[bytes]) -> bytes:
    """Prepare the pieces one after the other in a thread, and join them.

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
            return b"".join(prepared)
        prepared.append(piece)


def json_answer(value: object) -> web.Response:
    """Return a small answer."""
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def error_answer(status: int, message: str) -> web.Response:
    """Return an error."""
    body = msgspec.json.encode({"error": message})
    return web.Response(status=status, body=body, content_type="application/json")
