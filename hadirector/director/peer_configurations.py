"""Requests the text of the configuration of peers, for an operator who compares the texts.

The web process has the link: it gets an order, and reports the answer of the peer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from hadirector.director.configurations.apply import Applications
from hadirector.director.request_errors import RequestError
from hadirector.pair.peer_configuration import TEXT_BYTES_MAX, PeerConfiguration
from hadirector.processes.messages import RequestConfiguration

ANSWER_SECONDS_MAX: Final = 10.0
"""A peer hides the secrets of its text first, in a process of its own."""


class PeerConfigurations:
    """The requests that wait for an answer. ``order`` sends an order to the web process."""

    def __init__(self, order: Callable[[RequestConfiguration], bool]) -> None:
        self._order = order
        self._waiting: dict[str, asyncio.Future[PeerConfiguration]] = {}

    async def request(self, peer: str) -> str:
        """Return the text of a peer. Requests at the same time get the same answer.

        Raises RequestError.
        """
        waiting = self._waiting.get(peer)
        if waiting is None:
            waiting = self._send_order(peer)
        found = await asyncio.shield(waiting)
        if found.reason:
            raise RequestError(f"the configuration of {peer} is not known: {found.reason}")
        return found.text

    def receive(self, peer: str, found: PeerConfiguration) -> None:
        """Pass the answer of a peer on. Without a request for it, it has no effect."""
        waiting = self._waiting.pop(peer, None)
        if waiting is not None:
            waiting.set_result(found)

    def _send_order(self, peer: str) -> asyncio.Future[PeerConfiguration]:
        loop = asyncio.get_running_loop()
        waiting = self._waiting[peer] = loop.create_future()
        if self._order(RequestConfiguration(peer)):
            loop.call_later(ANSWER_SECONDS_MAX, self._end_wait, peer, waiting)
        else:
            self.receive(peer, PeerConfiguration(reason="the web process does not run"))
        return waiting

    def _end_wait(self, peer: str, waiting: asyncio.Future[PeerConfiguration]) -> None:
        """End the wait for an answer. A later order for the same peer has its own time."""
        if self._waiting.get(peer) is waiting:
            reason = f"it has not arrived within {ANSWER_SECONDS_MAX:g} s"
            self.receive(peer, PeerConfiguration(reason=reason))


async def mask_running_text(applications: Applications) -> str:
    """Return the text of the configuration in use without its secrets. Raises RequestError."""
    running = applications.archive.running
    if running is None:
        raise RequestError("the configuration in use is not known: reload it first")
    text = await applications.mask_text(running.number)
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise RequestError(f"the configuration has more than {TEXT_BYTES_MAX} bytes")
    return text
