"""Opens the connections to one peer, and finds the causes of failed connections."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from typing import Any, Final

import aiohttp

from hadirector.model.pair import Pair, PairPeer

CONNECT_SECONDS_MAX: Final = 2.0


class CertificateError(Exception):
    """The peer has presented another certificate (DER) than the configured one."""

    def __init__(self, presented: bytes) -> None:
        super().__init__("another certificate than the configured one")
        self.presented = presented


class PeerConnector(aiohttp.BaseConnector):
    """Opens connections to one peer from our own address, and compares its certificate.

    ``is_new`` is set when a connection is opened.
    """

    def __init__(
        self, pair: Pair, peer: PairPeer, context: ssl.SSLContext, certificate: bytes
    ) -> None:
        super().__init__(limit=1)
        self.is_new = False
        self._pair = pair
        self._peer = peer
        self._context = context
        self._certificate = certificate

    async def _create_connection(self, *_arguments: Any) -> Any:
        self.is_new = True
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            transport, protocol = await asyncio.get_running_loop().create_connection(
                self._factory,
                self._peer.address,
                self._peer.port,
                ssl=self._context,
                # The peer accepts connections only from the address that its file has for us.
                local_addr=(self._pair.address, 0),
            )
        secured = transport.get_extra_info("ssl_object")
        presented = secured.getpeercert(binary_form=True)
        if presented != self._certificate:
            transport.abort()
            raise CertificateError(presented)
        return protocol


def find_verification_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """Return why OpenSSL has refused the certificate of the peer, if that is the cause."""
    causes = _causes(error)
    return next((each for each in causes if isinstance(each, ssl.SSLCertVerificationError)), None)


def is_closed_by_peer(error: BaseException) -> bool:
    """Return whether the peer has closed the connection without an answer."""
    kinds = aiohttp.ServerDisconnectedError, ConnectionResetError
    return any(isinstance(each, kinds) for each in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
