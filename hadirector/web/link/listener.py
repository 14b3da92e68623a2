"""Answers the peers: who may connect, and the two paths that there are.

A connection from an address that is not of a peer ends before TLS. HTTP begins only after both
sides have proven their identity with the one certificate that they may have.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Final

from aiohttp import web

from hadirector.api.protocol import ApiProtocol
from hadirector.api.rate import Rate
from hadirector.web.clients import Clients, peer_address
from hadirector.web.link.refusals import Refusals
from hadirector.web.tls import describe_error

HANDSHAKES_PER_SECOND: Final = 5.0
"""TLS handshakes of one address. Further connections are closed at once."""
CONNECTIONS_MAX: Final = 3
"""Connections of one peer: for our state, for our text, and for the state with new settings."""
PATH: Final = "/pair/v1/state"
CONFIGURATION_PATH: Final = "/pair/v1/configuration"
"""The text of the configuration without its secrets. A peer requests it for its operator."""
CONFIGURATIONS_PER_SECOND: Final = 0.5
"""Texts for one peer. To hide the secrets of a text takes the time of a process."""
CONFIGURATIONS_MAX: Final = 3
"""Texts for one peer at once."""

Certificates = Mapping[str, frozenset[bytes]]
Read = Callable[[str], Awaitable[web.Response]]
"""Returns the answer of the director to a GET of this path."""


class Listener:
    """Accepts the connections of peers on the listening socket, until it is closed.

    ``certificates`` has the certificates (DER) by the address of their peer.
    """

    def __init__(
        self,
        listening: socket.socket,
        context: ssl.SSLContext,
        certificates: Certificates,
        read: Read,
        refusals: Refusals,
    ) -> None:
        self._read = read
        self._refusals = refusals
        self._certificates = certificates
        self._handshakes = Rate(HANDSHAKES_PER_SECOND, int(HANDSHAKES_PER_SECOND))
        self._configurations = Rate(CONFIGURATIONS_PER_SECOND, CONFIGURATIONS_MAX)
        self._connections: Counter[str] = Counter()
        self._server = web.Server(
            self._handle, handler_cancellation=True, loop=asyncio.get_running_loop()
        )
        self._clients = Clients(
            self._start_protocol,
            listening,
            accepts=self._accepts,
            note_failure=self._note_failure,
        )
        self._clients.context = context

    def configure(self, context: ssl.SSLContext, certificates: Certificates) -> None:
        """Answer only the peers with these certificates from now on."""
        self._clients.context = context
        self._certificates = certificates

    def close(self) -> None:
        """Close the port and all connections."""
        self._clients.close()

    def _accepts(self, client: socket.socket) -> bool:
        address = peer_address(client)
        if address not in self._certificates:
            self._refusals.note(address, "it is not the address of a peer")
            return False
        if not self._handshakes.take(address, monotonic()):
            self._refusals.note(
                address, f"it makes more than {HANDSHAKES_PER_SECOND:g} handshakes in a second"
            )
            return False
        return True

    def _note_failure(self, address: str, error: OSError) -> None:
        if isinstance(error, ssl.SSLError):
            reason = getattr(error, "verify_message", "") or describe_error(error)
        else:
            reason = str(error) or "the handshake took too long"
        self._refusals.note(address, f"the TLS handshake failed: {reason}")

    def _start_protocol(self) -> asyncio.Protocol:
        return PeerProtocol(self._server, self._certificates, self._connections, self._refusals)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        with self._clients.busy(request.transport):
            protocol = request.protocol
            assert isinstance(protocol, PeerProtocol), "every connection of a peer has it"
            if not protocol.is_of(self._certificates):
                return _refuse_former()
            path = request.rel_url.raw_path
            if path not in (PATH, CONFIGURATION_PATH):
                return web.Response(status=404)
            if request.method != "GET":
                return web.Response(status=405, headers={"Allow": "GET"})
            if path == PATH:
                return await self._read(f"/v1/pair/state?{request.rel_url.raw_query_string}")
            if not self._configurations.take(protocol.address, monotonic()):
                return web.Response(status=429)
            return await self._read("/v1/pair/configuration")


def _refuse_former() -> web.Response:
    """Answer a director that is no peer any more, or has another certificate now."""
    response = web.Response(status=403)
    response.force_close()
    return response


class PeerProtocol(ApiProtocol):
    """The HTTP protocol of one connection. A peer without a known certificate gets no answer."""

    def __init__(
        self,
        server: web.Server,
        certificates: Certificates,
        connections: Counter[str],
        refusals: Refusals,
    ) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # aiohttp itself passes None
            lingering_time=0.0,
        )
        self._certificates = certificates
        self._connections = connections
        self._refusals = refusals
        self.address = ""
        self._certificate: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve a peer below its limit of connections; abort every other connection."""
        assert isinstance(transport, asyncio.WriteTransport)
        address = str(transport.get_extra_info("peername")[0]).removeprefix("::ffff:")
        fault = self._find_fault(address, _certificate_of(transport))
        if fault is None:
            self.address, self._certificate = address, _certificate_of(transport)
            self._connections[address] += 1
            super().connection_made(transport)
            return
        self._refusals.note(address, fault)
        transport.set_protocol(asyncio.Protocol())  # it ignores what has arrived already
        transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End a connection that has begun."""
        self._connections[self.address] -= 1
        super().connection_lost(exc)

    def is_of(self, certificates: Certificates) -> bool:
        """Return whether the connection is of one of these peers."""
        return self._certificate in certificates.get(self.address, ())

    def _find_fault(self, address: str, certificate: bytes | None) -> str | None:
        """Return why the connection may not begin."""
        if certificate not in self._certificates.get(address, ()):
            return "its certificate is not the configured one of that address"
        if self._connections[address] >= CONNECTIONS_MAX:
            return f"it has {CONNECTIONS_MAX} connections already"
        return None


def _certificate_of(transport: asyncio.BaseTransport) -> bytes | None:
    """Return the certificate (DER) of the other end of a connection."""
    secured: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    return None if secured is None else secured.getpeercert(binary_form=True)
