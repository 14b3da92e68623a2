"""Asks one peer for its state, again and again, and reports every result to the director.

A request waits at the peer until its state changes, for a second at most, so no fact is older.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

import aiohttp
import msgspec
from aiohttp import ClientTimeout

from hadirector.model.pair import Pair, PairPeer
from hadirector.pair.peer_configuration import (
    ANSWER_BYTES_MAX,
    PeerConfiguration,
    decode_configuration,
)
from hadirector.pair.peers import PeerReport, Refusal
from hadirector.pair.state import (
    STATE_BYTES_MAX,
    IncompatibleError,
    OversizedError,
    PairState,
    StateError,
    decode,
)
from hadirector.web.link.certificates import fingerprint, looking_context
from hadirector.web.link.connector import (
    CONNECT_SECONDS_MAX,
    CertificateError,
    PeerConnector,
    find_verification_error,
    is_closed_by_peer,
)
from hadirector.web.link.listener import CONFIGURATION_PATH, PATH

WAIT_SECONDS: Final = 1.0
"""How long a peer waits for a change before it answers with the state that is known."""
ANSWER_SECONDS_MAX: Final = WAIT_SECONDS + 2.0
CONFIGURATION_SECONDS_MAX: Final = 8.0
"""How long a peer may take for its configuration: it hides the secrets first."""
PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before the next request after failures, each up to a quarter shorter by chance."""
CLOSED_MIN: Final = 2
"""New connections that a peer closes at once, before it counts as a refusal: one may be chance."""
REST_FACTOR: Final = 9
"""The director takes the reports about a peer in at most a tenth of the time."""
TURN_SECONDS: Final = 0.02
"""The shortest time between two requests: a peer whose state changes all the time."""

OK: Final = 200
NOT_FOUND: Final = 404

Report = Callable[[PeerReport], Awaitable[None]]


_REFUSALS: Final[dict[type[StateError], Refusal]] = {
    StateError: Refusal.MALFORMED,
    IncompatibleError: Refusal.INCOMPATIBLE,
    OversizedError: Refusal.OVERSIZED,
}


class Puller:
    """Follows the state of one peer. ``certificate`` is its only valid one (DER)."""

    def __init__(
        self,
        pair: Pair,
        peer: PairPeer,
        context: ssl.SSLContext,
        certificate: bytes,
        report: Report,
    ) -> None:
        self._pair = pair
        self.peer = peer
        self._context = context
        self._certificate = certificate
        self._report = report
        self._generation: int | None = None
        self._failures = 0
        self._closed = 0  # how often the peer has closed a new connection at once

    async def run(self) -> None:
        """Follow the peer until cancelled."""
        connector = self._connector()
        async with _session(connector) as session:
            while True:
                report = await self._ask(session, connector)
                began = monotonic()
                await self._report(report)
                taken = monotonic() - began
                await asyncio.sleep(rest_after(taken, self._pause(report)))

    async def read_configuration(self) -> PeerConfiguration:
        """Request the text of the configuration of the peer. A failure is the reason in the answer.

        It has a connection of its own: the answer takes seconds, and the state must not wait.
        """
        url = f"https://{self.peer.where}{CONFIGURATION_PATH}"
        try:
            async with _session(self._connector()) as session:
                status, content = await self._get(
                    session, url, ANSWER_BYTES_MAX, CONFIGURATION_SECONDS_MAX
                )
            if status == NOT_FOUND:
                return PeerConfiguration(reason="its version does not send its configuration")
            if status != OK:
                return PeerConfiguration(reason=_reason_in(content) or f"it answers {status}")
            return decode_configuration(content)
        except (StateError, CertificateError, aiohttp.ClientError, OSError, TimeoutError) as error:
            return PeerConfiguration(reason=_line(error))

    def _connector(self) -> PeerConnector:
        return PeerConnector(self._pair, self.peer, self._context, self._certificate)

    def _pause(self, report: PeerReport) -> float:
        if report.state is not None:
            self._failures = 0
            return TURN_SECONDS
        pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._failures += 1
        return pause * random.uniform(0.75, 1.0)  # noqa: S311  # no secret: it spreads requests

    async def _ask(self, session: aiohttp.ClientSession, connector: PeerConnector) -> PeerReport:
        """Send one request. Every failure is a report."""
        asked_at = monotonic()
        connector.is_new = False
        try:
            state = await self._request(session)
        except CertificateError as error:
            return self._refuse_certificate(str(error), error.presented)
        except StateError as error:
            return PeerReport(refusal=_REFUSALS[type(error)], reason=_line(error))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if (cause := find_verification_error(error)) is not None:
                return await self._look(cause.verify_message)
            return self._describe_failure(error, is_new=connector.is_new)
        self._closed = 0
        self._generation = state.generation
        return PeerReport(state=state, asked_at=asked_at, answered_at=monotonic())

    async def _request(self, session: aiohttp.ClientSession) -> PairState:
        after = "" if self._generation is None else f"&after={self._generation}"
        url = f"https://{self.peer.where}{PATH}?wait={WAIT_SECONDS:g}{after}"
        seconds_max = ANSWER_SECONDS_MAX + CONNECT_SECONDS_MAX
        status, content = await self._get(session, url, STATE_BYTES_MAX, seconds_max)
        if status != OK:
            raise aiohttp.ClientError(f"{self.peer.where} answers {status}")
        return decode(content)

    @staticmethod
    async def _get(
        session: aiohttp.ClientSession, url: str, size_max: int, seconds_max: float
    ) -> tuple[int, bytes]:
        """Return the status and the content of an answer. Raises OversizedError."""
        timeout = ClientTimeout(total=seconds_max)
        async with session.get(url, allow_redirects=False, timeout=timeout) as response:
            content = bytearray()
            async for piece in response.content.iter_any():
                content += piece
                if len(content) > size_max:
                    raise OversizedError(f"the answer has more than {size_max} bytes")
            return response.status, bytes(content)

    async def _look(self, reason: str) -> PeerReport:
        """Find out which certificate the peer presents, without a request. OpenSSL hides it."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                _, writer = await asyncio.open_connection(
                    self.peer.address,
                    self.peer.port,
                    ssl=looking_context(),
                    local_addr=(self._pair.address, 0),
                )
                secured = writer.get_extra_info("ssl_object")
                presented = secured.getpeercert(binary_form=True)
                writer.transport.abort()
        except (TimeoutError, OSError):
            presented = None
        return self._refuse_certificate(reason, presented)

    def _refuse_certificate(self, reason: str, presented: bytes | None) -> PeerReport:
        return PeerReport(
            refusal=Refusal.CERTIFICATE,
            reason=f"the certificate of {self.peer.where} is not accepted: {reason}",
            expected=fingerprint(self._certificate),
            presented="not known" if presented is None else fingerprint(presented),
        )

    def _describe_failure(self, error: Exception, *, is_new: bool) -> PeerReport:
        self._closed = self._closed + 1 if is_new and is_closed_by_peer(error) else 0
        if self._closed >= CLOSED_MIN:
            reason = (
                f"{self.peer.where} closes new connections at once: its file does not list this"
                f" director with the address {self._pair.address} and this certificate"
            )
            return PeerReport(refusal=Refusal.NOT_ACCEPTED, reason=reason)
        if isinstance(error, TimeoutError):
            return PeerReport(reason=f"no answer from {self.peer.where} in time")
        return PeerReport(reason=f"{self.peer.where}: {_line(error)}")


def _session(connector: PeerConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # a compressed answer could have any size
        headers={"Accept-Encoding": "identity"},
    )


def rest_after(taken: float, pause: float) -> float:
    """Return the seconds until the next request: ``pause``, or longer while the director is busy.

    ``taken`` is how many seconds the director took for the last report.
    """
    return max(pause, min(REST_FACTOR * taken, WAIT_SECONDS))


def _reason_in(content: bytes) -> str:
    """Return the reason in a problem document of a peer (RFC 9457); empty without one."""
    try:
        detail = msgspec.json.decode(content, type=dict[str, object]).get("detail")
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return ""
    return _line(detail) if isinstance(detail, str) else ""


def _line(error: BaseException | str) -> str:
    """Return a text, or the text of an error, in one printable line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(each if each.isprintable() else "?" for each in text)[:300]
