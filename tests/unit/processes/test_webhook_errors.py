"""The reason of a failed message names the fault, and never the URL, which can be a secret."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from hadirector.processes.webhook_process import _describe


@contextlib.asynccontextmanager
async def a_receiver(answer: bytes) -> AsyncIterator[str]:
    """Run a server that answers with these bytes, and ends. Yield its address and port."""

    async def answer_with_it(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(1) == b"P":
            await reader.readuntil(b"\r\n\r\nx")
        writer.write(answer)
        writer.write_eof()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer_with_it, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def post(url: str) -> Exception:
    """Return the error of a message to this URL."""
    async with aiohttp.ClientSession() as session:
        try:
            await session.post(url, data=b"x")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return error
    raise AssertionError


@pytest.mark.parametrize(
    ("scheme", "answer", "reason"),
    [
        ("http", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "the receiver answered with invalid HTTP"),
        ("http", b"", "the receiver closed the connection"),
        ("ftp", b"", "NonHttpUrlClientError"),
    ],
)
async def test_the_url_of_a_receiver_is_in_no_reason(
    scheme: str, answer: bytes, reason: str
) -> None:
    async with a_receiver(answer) as address:
        error = await post(f"{scheme}://{address}/s3cret")
    assert _describe(error) == reason


async def test_a_receiver_without_tls_is_named_by_the_error_of_tls() -> None:
    async with a_receiver(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        error = await post(f"https://{address}/s3cret")
    reason = _describe(error)
    assert "WRONG_VERSION_NUMBER" in reason or "RECORD_LAYER_FAILURE" in reason
    assert "s3cret" not in reason


async def test_a_closed_port_and_an_unknown_host_are_named() -> None:
    async with a_receiver(b"") as address:
        pass
    assert _describe(await post(f"http://{address}/s3cret")) == "Connection refused"
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    place = ConnectionKey("receiver", 80, False, True, None, None, None)
    reason = _describe(aiohttp.ClientConnectorDNSError(place, unknown))
    assert reason == "[Errno -2] Name or service not known"


@pytest.mark.parametrize(
    ("number", "cause", "reason"),
    [
        (errno.ECONNRESET, None, "Connection reset by peer"),
        (None, None, "ClientOSError"),
        (8, ssl.SSLEOFError(8, "EOF occurred"), "EOF occurred"),
    ],
)
def test_a_body_that_cannot_be_written_is_named_without_the_url(
    number: int | None, cause: OSError | None, reason: str
) -> None:
    """The text of this error of aiohttp contains the URL."""
    error = aiohttp.ClientOSError(number, "Can not write request body for http://lb/s3cret")
    error.__cause__ = cause
    assert _describe(error) == reason
