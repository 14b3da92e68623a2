"""Sockets of probes with the route options of their check, and limited reads over TCP and TLS."""

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
from checks.io.client_certificate import (
    ClientCertificateError,
    find_certificate,
    find_warning,
)
from checks.io.errors import describe
from checks.io.tls import client_context, describe_error, expiry, expiry_warning

REPLY_LENGTH_MAX = 64 * 1024
"""The maximum size of a reply in bytes. A probe does not wait for further bytes."""

HANDSHAKE = "in the TLS handshake"
AWAITING_REPLY = "waiting for the reply"

# linux/in.h; Python 3.11 has no name for it. The kernel then selects the source port at connect(),
# so that it only needs to be free for this target.
_IP_BIND_ADDRESS_NO_PORT = 24
_ANY_PORT = 9
ANY_ROUTE = Route()


def open_socket(definition: CheckDefinition, socket_type: int, protocol: int = 0) -> socket.socket:
    """Open a non-blocking socket with the route options of the check.

    Raises OSError, and ProbeFailedError if no source address is found.
    """
    family = family_of(definition.destination)
    opened = socket.socket(family, socket_type | socket.SOCK_NONBLOCK, protocol)
    _set_route_options(opened, definition, socket_type)
    return opened


def open_stream(definition: CheckDefinition, *, blocking: bool) -> socket.SocketType:
    """Open a TCP socket and return its descriptor, at less cost than a Python socket object.

    Raises the same exceptions as `open_socket`.
    """
    socket_type = socket.SOCK_STREAM if blocking else socket.SOCK_STREAM | socket.SOCK_NONBLOCK
    opened = socket.SocketType(family_of(definition.destination), socket_type)
    _set_route_options(opened, definition, socket.SOCK_STREAM)
    return opened


def _set_route_options(
    opened: socket.SocketType, definition: CheckDefinition, socket_type: int
) -> None:
    route = definition.route
    if route == ANY_ROUTE:
        return
    try:
        source = _source_towards(definition) if route.destination is not None else route.source
        if route.mark:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, route.mark)
        if route.interface is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, route.interface.encode())
        if route.hop_limit:
            _set_hop_limit(opened, route.hop_limit)
        if source is not None:
            if socket_type == socket.SOCK_STREAM:
                opened.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            opened.bind((source, 0))
    except BaseException:
        opened.close()
        raise


def family_of(address: str) -> socket.AddressFamily:
    """Return the address family of a literal address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _set_hop_limit(opened: socket.SocketType, hops: int) -> None:
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
    else:
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)


def _source_towards(definition: CheckDefinition) -> str:
    """Return the source address that this host uses towards the target.

    The destination may be a virtual address that this host has too. The kernel may then select the
    same address as the source, and the target would send its reply to itself.
    """
    if definition.route.source is not None:
        return definition.route.source
    with socket.socket(family_of(definition.address), socket.SOCK_DGRAM) as lookup:
        lookup.connect((definition.address, _ANY_PORT))  # on a UDP socket this sends no packet
        source = str(lookup.getsockname()[0])
    if source == definition.destination or family_of(source) != family_of(definition.destination):
        detail = (
            f"this host has no other address from which to probe {definition.destination}:"
            " set the key source of the check"
        )
        raise ProbeFailedError(Reason.LOCAL_ERROR, detail)
    return source


class Connection:
    """A TCP connection of a probe. Its methods raise ProbeFailedError and OSError."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        definition: CheckDefinition,
        progress: Progress,
    ) -> None:
        self._reader = reader
        self._writer = writer
        # After the peer has closed a TLS transport, closing it does not close the TCP transport.
        self._tcp_transport = writer.transport
        self._definition = definition
        self._progress = progress

    async def start_tls(
        self, options: TlsOptions, name: str | None, protocol: str | None = None
    ) -> None:
        """Continue over TLS.

        The certificate must contain ``name``, or the address if there is no name.

        If ``protocol`` is given, the server must select it (ALPN, RFC 7301).
        """
        await self._end_clear_text()
        self._progress.enter(HANDSHAKE)
        settings, own_warning = tls_settings(options, protocol)
        try:
            await self._writer.start_tls(
                settings,
                server_hostname=name or self._definition.destination,
                ssl_handshake_timeout=self._definition.timing.timeout,
            )
        except ssl.SSLError as error:
            if "no application protocol" in describe_error(error):  # the alert of RFC 7301
                raise _protocol_error(protocol) from error
            raise
        tls = self._writer.get_extra_info("ssl_object")
        self._progress.tls = tls
        warnings = (expiry_warning(tls, options.tls_expiry_warning), own_warning)
        self._progress.warning = "; ".join(warning for warning in warnings if warning)
        self._progress.certificate_expires_at = expiry(tls)
        if tls.selected_alpn_protocol() != protocol:
            raise _protocol_error(protocol)

    async def _end_clear_text(self) -> None:
        """Raise ProbeFailedError if the peer has sent clear text that would be read as TLS data."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket transport
        with suppress(TimeoutError):
            async with asyncio.timeout(0):  # data that has arrived is read at once
                if unread := await self._reader.read(REPLY_LENGTH_MAX):
                    detail = f"the server continues without TLS: {unread.decode(errors='replace')}"
                    raise ProbeFailedError(Reason.PROTOCOL, detail)

    async def send(self, data: bytes) -> None:
        """Send all data."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, data: bytes) -> None:
        """Send data that the protocol requires during the reply, such as HTTP/2 acknowledgements.

        Errors are ignored: a server may have sent its whole reply before it closed the
        connection.
        """
        if data:
            with suppress(ConnectionError):
                await self.send(data)

    async def receive(self, length_max: int = REPLY_LENGTH_MAX) -> bytes:
        """Read at least one byte. The result is empty at the end of the stream."""
        return await self._reader.read(length_max)

    async def exactly(self, length: int) -> bytes:
        """Read exactly ``length`` bytes."""
        try:
            return await self._reader.readexactly(length)
        except asyncio.IncompleteReadError as error:
            raise self._closed_error() from error

    async def line(self) -> bytes:
        """Read a line without its end. Raises ProbeFailedError if it is longer than 64 KiB."""
        try:
            return (await self._reader.readuntil(b"\n")).rstrip(b"\r\n")
        except asyncio.IncompleteReadError as error:
            raise self._closed_error() from error
        except asyncio.LimitOverrunError as error:
            detail = f"{self._progress.stage}: got a line of more than {REPLY_LENGTH_MAX} bytes"
            raise ProbeFailedError(Reason.PROTOCOL, detail) from error

    def local_address(self) -> str:
        """Return the local address of the connection."""
        return str(self._writer.get_extra_info("sockname")[0])

    def close(self) -> None:
        """Close the connection without waiting for the peer.

        Over TLS, send the closure alert first.
        """
        self._writer.close()
        self._tcp_transport.abort()

    def _closed_error(self) -> ProbeFailedError:
        detail = f"{self._progress.stage}: connection closed without a complete reply"
        return ProbeFailedError(Reason.PROTOCOL, detail)


def _protocol_error(protocol: str | None) -> ProbeFailedError:
    return ProbeFailedError(Reason.TLS, f"TLS: the server did not select {protocol} (ALPN)")


@asynccontextmanager
async def open_connection(
    definition: CheckDefinition, progress: Progress
) -> AsyncIterator[Connection]:
    """Connect to the target, and close the connection at the end of the context."""
    progress.enter(CONNECTING)
    with open_socket(definition, socket.SOCK_STREAM) as opened:
        await connect(opened, definition)
        # The transport owns the socket from here on. Closing the socket again has no effect.
        reader, writer = await asyncio.open_connection(sock=opened, limit=REPLY_LENGTH_MAX)
        connection = Connection(reader, writer, definition, progress)
        try:
            yield connection
        finally:
            connection.close()


async def connect(opened: socket.socket, definition: CheckDefinition) -> None:
    """Connect a socket to the target."""
    await asyncio.get_running_loop().sock_connect(opened, (definition.destination, definition.port))


def tls_settings(options: TlsOptions, protocol: str | None = None) -> tuple[ssl.SSLContext, str]:
    """Return the TLS settings of a probe, and a warning about the client certificate.

    Raises ProbeFailedError with LOCAL_ERROR if a file is not usable.
    """
    certificate, warning = None, ""
    try:
        if options.tls_certificate_file is not None:
            certificate = find_certificate(options.tls_certificate_file, options.tls_key_file)
            warning = find_warning(certificate, options.tls_expiry_warning)
        settings = client_context(options.tls_ca_file, options.tls_verify, protocol, certificate)
    except ClientCertificateError as error:
        raise ProbeFailedError(Reason.LOCAL_ERROR, str(error)) from error
    except OSError as error:
        detail = f"tls_ca_file {options.tls_ca_file}: {describe(error)}"
        raise ProbeFailedError(Reason.LOCAL_ERROR, detail) from error
    return settings, warning
