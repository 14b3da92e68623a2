"""Sockets of probes: how they leave this host, and bounded conversations over TCP and TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from checks.definition.check import CheckDefinition, Route
from checks.definition.options import TlsOptions
from checks.definition.result import Reason
from checks.io.attempt import CONNECTING, ProbeFailedError, Progress
from checks.io.errors import describe
from checks.io.tls import client_context, describe_error, expiry_warning

REPLY_LENGTH_MAX = 64 * 1024
"""Bytes of a reply that are read, of any probe; of a longer one the rest is not waited for."""

HANDSHAKE = "in the TLS handshake"
AWAITING_REPLY = "waiting for the reply"

# linux/in.h; Python 3.11 does not name it. The port is chosen at connect(), for this target only.
_IP_BIND_ADDRESS_NO_PORT = 24
_ANY_PORT = 9
ANY_ROUTE = Route()


def open_socket(definition: CheckDefinition, kind: int, protocol: int = 0) -> socket.socket:
    """Make a socket that does not block and leaves this host as the check says.

    Raises OSError, and ProbeFailedError where there is no source to be found.
    """
    family = family_of(definition.destination)
    made = socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)
    _lead_out(made, definition, kind)
    return made


def open_stream(definition: CheckDefinition, *, blocking: bool) -> socket.SocketType:
    """Make one for TCP, and without what Python puts around it: there are thousands a second.

    Raises as `open_socket`.
    """
    kind = socket.SOCK_STREAM if blocking else socket.SOCK_STREAM | socket.SOCK_NONBLOCK
    made = socket.SocketType(family_of(definition.destination), kind)
    _lead_out(made, definition, socket.SOCK_STREAM)
    return made


def _lead_out(made: socket.SocketType, definition: CheckDefinition, kind: int) -> None:
    route = definition.route
    if route == ANY_ROUTE:
        return
    try:
        source = _source_towards(definition) if route.destination is not None else route.source
        if route.mark:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, route.mark)
        if route.interface is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, route.interface.encode())
        if route.hop_limit:
            _limit_hops(made, route.hop_limit)
        if source is not None:
            if kind == socket.SOCK_STREAM:
                made.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            made.bind((source, 0))
    except BaseException:
        made.close()
        raise


def family_of(address: str) -> socket.AddressFamily:
    """Tell which family a literal address is of."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _limit_hops(made: socket.SocketType, hops: int) -> None:
    if made.family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
    else:
        made.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)


def _source_towards(definition: CheckDefinition) -> str:
    """Choose the address that this host uses towards the target.

    Towards the destination it could be the destination itself: here too that may be an address of
    this host, and the target would answer itself.
    """
    if definition.route.source is not None:
        return definition.route.source
    with socket.socket(family_of(definition.address), socket.SOCK_DGRAM) as asking:
        asking.connect((definition.address, _ANY_PORT))  # which sends nothing
        source = str(asking.getsockname()[0])
    if source == definition.destination or family_of(source) != family_of(definition.destination):
        detail = (
            f"no address of this host's own to ask {definition.destination} from:"
            " give the check a source"
        )
        raise ProbeFailedError(Reason.LOCAL_ERROR, detail)
    return source


class Connection:
    """One TCP connection of a probe. What goes wrong is raised as ProbeFailedError or OSError."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        definition: CheckDefinition,
        progress: Progress,
    ) -> None:
        self._reader = reader
        self._writer = writer
        # TLS's own transport, once closed by the peer, does not close what is beneath it.
        self._beneath_tls = writer.transport
        self._definition = definition
        self._progress = progress

    async def start_tls(
        self, options: TlsOptions, name: str | None, protocol: str | None = None
    ) -> None:
        """Go on under TLS, with ``name`` or else the address in the peer's certificate.

        ``protocol`` must be agreed on (ALPN, RFC 7301).
        """
        await self._end_clear_text()
        self._progress.enter(HANDSHAKE)
        try:
            await self._writer.start_tls(
                tls_context(options, protocol),
                server_hostname=name or self._definition.destination,
                ssl_handshake_timeout=self._definition.timing.timeout,
            )
        except ssl.SSLError as error:
            if "no application protocol" in describe_error(error):  # the alert of RFC 7301
                raise _disagreement(protocol) from error
            raise
        tls = self._writer.get_extra_info("ssl_object")
        self._progress.tls = tls
        self._progress.warning = expiry_warning(tls, options.tls_expiry_warning)
        if tls.selected_alpn_protocol() != protocol:
            raise _disagreement(protocol)

    async def _end_clear_text(self) -> None:
        """See that nothing has come which would later be taken for something said under TLS."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a socket's
        with suppress(TimeoutError):
            async with asyncio.timeout(0):  # what has come is read at once
                if unread := await self._reader.read(REPLY_LENGTH_MAX):
                    detail = f"goes on without TLS: {unread.decode(errors='replace')}"
                    raise ProbeFailedError(Reason.PROTOCOL, detail)

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, data: bytes) -> None:
        """Send what a reply demands in between, if anything.

        A peer that has gone may have replied before: reading tells.
        """
        if data:
            with suppress(ConnectionError):
                await self.send(data)

    async def receive(self, length_max: int = REPLY_LENGTH_MAX) -> bytes:
        """Read what has come, at least one byte; empty at the end of the stream."""
        return await self._reader.read(length_max)

    async def exactly(self, length: int) -> bytes:
        """Read this many bytes."""
        try:
            return await self._reader.readexactly(length)
        except asyncio.IncompleteReadError as error:
            raise self._ended() from error

    async def line(self) -> bytes:
        """Read a line, without its end; one of more than 64 KiB is a fault of the peer's."""
        try:
            return (await self._reader.readuntil(b"\n")).rstrip(b"\r\n")
        except asyncio.IncompleteReadError as error:
            raise self._ended() from error
        except asyncio.LimitOverrunError as error:
            detail = f"{self._progress.stage}: a line of more than {REPLY_LENGTH_MAX} bytes"
            raise ProbeFailedError(Reason.PROTOCOL, detail) from error

    def local_address(self) -> str:
        """Our own address on this connection."""
        return str(self._writer.get_extra_info("sockname")[0])

    def close(self) -> None:
        """Take leave as TLS wants it, and wait for nothing."""
        self._writer.close()
        self._beneath_tls.abort()

    def _ended(self) -> ProbeFailedError:
        detail = f"{self._progress.stage}: connection closed without a complete reply"
        return ProbeFailedError(Reason.PROTOCOL, detail)


def _disagreement(protocol: str | None) -> ProbeFailedError:
    return ProbeFailedError(Reason.TLS, f"TLS: the server does not agree on {protocol}")


@asynccontextmanager
async def connected(definition: CheckDefinition, progress: Progress) -> AsyncIterator[Connection]:
    """Connect to the target; closed at the end, however that comes."""
    progress.enter(CONNECTING)
    with open_socket(definition, socket.SOCK_STREAM) as made:
        await connect(made, definition)
        # From here on the transport owns the socket; closing it once more does nothing.
        reader, writer = await asyncio.open_connection(sock=made, limit=REPLY_LENGTH_MAX)
        connection = Connection(reader, writer, definition, progress)
        try:
            yield connection
        finally:
            connection.close()


async def connect(made: socket.socket, definition: CheckDefinition) -> None:
    """Connect a socket to the target."""
    await asyncio.get_running_loop().sock_connect(made, (definition.destination, definition.port))


def tls_context(options: TlsOptions, protocol: str | None = None) -> ssl.SSLContext:
    """Make the TLS settings, where a want of this host is not held against the target."""
    try:
        return client_context(options.tls_ca_file, options.tls_verify, protocol)
    except OSError as error:
        detail = f"tls_ca_file {options.tls_ca_file}: {describe(error)}"
        raise ProbeFailedError(Reason.LOCAL_ERROR, detail) from error
