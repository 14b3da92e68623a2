"""The webhooks process: sends messages to webhooks, so that no other process waits for a receiver.

Names of hosts are resolved here, and TLS runs here. The process has no rights of its own, and gets
each message with its signature, but never the key of a signature.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import ssl
from typing import Any, Final

import aiohttp
from aiohttp import ClientTimeout

from hadirector import __version__
from hadirector.processes.channel import Channel
from hadirector.processes.child import run_child, send_heartbeats
from hadirector.processes.messages import (
    DeliverMessage,
    Heartbeat,
    MessageDelivered,
    Stop,
    ToWebhooks,
)
from hadirector.runtime.imports import complete
from hadirector.runtime.privileges import drop_privileges

_NEEDED_LATER: Final = (
    *("ssl", "asyncio.sslproto", "hashlib", "hmac", "inspect"),
    *("concurrent.futures.thread", "encodings.idna", "netrc"),
)
"""Modules that are otherwise loaded at their first use, which the user of this process may not be
able to read."""
_HEADERS: Final = {
    "Content-Type": "application/json",
    "User-Agent": f"hadirector/{__version__}",
}


class Sender:
    """Sends messages, and reports each outcome to the director."""

    def __init__(self, channel: Channel[Any], tls: ssl.SSLContext) -> None:
        self._channel = channel
        self._tls = tls
        self._running: set[asyncio.Task[None]] = set()

    def start(self, message: DeliverMessage) -> None:
        """Send a message in a task of its own."""
        task = asyncio.create_task(self._deliver(message))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def close(self) -> None:
        """Give up the messages that are being sent."""
        for task in self._running:
            task.cancel()

    async def _deliver(self, message: DeliverMessage) -> None:
        self._channel.send(MessageDelivered(message.number, await self._post(message)))

    async def _post(self, message: DeliverMessage) -> str:
        """Send a message; return why that failed, or an empty text."""
        connector = aiohttp.TCPConnector(ssl=self._tls, force_close=True)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector,
                    timeout=ClientTimeout(total=message.timeout),
                    cookie_jar=aiohttp.DummyCookieJar(),
                    auto_decompress=False,
                ) as session,
                session.post(
                    message.url.value.decode(),
                    data=message.body,
                    headers={**_HEADERS, **message.headers},
                    allow_redirects=False,  # a redirection could lead to another host
                ) as response,
            ):
                status = response.status
        except TimeoutError:
            return f"no answer within {message.timeout:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _describe(error)
        return "" if 200 <= status < 300 else f"the receiver answered with the HTTP status {status}"


def _describe(error: Exception) -> str:
    """Return the reason of a failure, without the URL, which can be a secret.

    The texts of most errors of aiohttp contain the URL, so they are not used.
    """
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of the receiver is refused: {error.certificate_error}"
        case aiohttp.ClientConnectorError():
            return _describe_system_error(error.os_error) or str(error.os_error)
        case aiohttp.ClientResponseError():
            return "the receiver answered with invalid HTTP"
        case aiohttp.ServerDisconnectedError():
            return "the receiver closed the connection"
    found = _describe_system_error(error.__cause__) or _describe_system_error(error)
    return found or type(error).__name__


def _describe_system_error(error: BaseException | None) -> str:
    """Return the text of an error of TLS or of the system; empty for any other error."""
    match error:
        case ssl.SSLError():  # OpenSSL has error numbers of its own
            return error.strerror or ""
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number)
    return ""


async def serve(channel: Channel[ToWebhooks]) -> None:
    """Send messages until the director stops this process or ends."""
    sender = Sender(channel, ssl.create_default_context())
    drop_privileges(None)
    beating = asyncio.create_task(send_heartbeats(channel))
    try:
        while True:
            match await channel.receive():
                case None | Stop():
                    return
                case DeliverMessage() as message:
                    sender.start(message)
                case Heartbeat():
                    pass
    finally:
        beating.cancel()
        sender.close()


def main(descriptor: int) -> None:
    """Run this child process over its end of the channel."""
    complete(_NEEDED_LATER)
    run_child(descriptor, ToWebhooks, serve, selectors.EpollSelector())
