"""The link of one web process: follows the settings, answers the peers, and asks each of them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final
from urllib.parse import quote

import msgspec
from aiohttp import web

from hadirector.api.actor import Actor, Role
from hadirector.api.asserted import assertion_headers
from hadirector.model.pair import Pair, PairPeer
from hadirector.pair.peer_configuration import PeerConfiguration
from hadirector.pair.peers import PeerReport
from hadirector.processes.messages import PairFiles
from hadirector.web.director import Answer, Director, UnreachableError
from hadirector.web.link.certificates import client_context, read_certificate, server_context
from hadirector.web.link.listener import Listener
from hadirector.web.link.puller import Puller
from hadirector.web.link.refusals import Refusals
from hadirector.web.tls import TlsError
from vrrp.model.report import Notice

OURSELVES: Final = Actor("pair link", Role.READ)
"""The actor of the requests of the link (`hadirector.api.resources.link`)."""


class PairLink:
    """The listener and one task for each peer. Without settings, the link has neither."""

    def __init__(
        self, director: Director, listening: socket.socket, report: Callable[[Notice], object]
    ) -> None:
        self._director = director
        self._listening = listening
        self._refusals = Refusals(report)
        self._listener: Listener | None = None
        self._pullers: list[Puller] = []
        self._pulling: list[asyncio.Task[None]] = []
        self._asking: set[asyncio.Task[None]] = set()
        self._reading: set[asyncio.Task[PeerConfiguration]] = set()
        self._settings: tuple[Pair | None, PairFiles] | None = None

    def configure(self, pair: Pair | None, files: PairFiles) -> list[str]:
        """Follow these settings and files; return the faults of files that cannot be used.

        With an unusable file of its own, the director keeps the link that it had.
        """
        if (pair, files) == self._settings:
            return []
        self._settings = pair, files
        if pair is None:
            self._stop()
            return []
        usable, faults = _read_certificates(pair, files)
        try:
            context = server_context(pair, files, usable.values())
            pullers = [
                Puller(
                    pair,
                    peer,
                    client_context(pair, files, usable[peer.name]),
                    usable[peer.name],
                    partial(self._report_peer, peer),
                )
                for peer in pair.peers
                if peer.name in usable
            ]
        except TlsError as error:
            return [*faults, str(error)]
        addresses: dict[str, set[bytes]] = defaultdict(set)
        for peer in pair.peers:
            if peer.name in usable:
                addresses[peer.address].add(usable[peer.name])
        certificates = {address: frozenset(found) for address, found in addresses.items()}
        if self._listener is not None:
            self._listener.configure(context, certificates)
        elif _is_listening(self._listening):
            self._listener = Listener(
                self._listening, context, certificates, self._read, self._refusals
            )
        self._stop_pulling()
        self._pullers = pullers
        self._pulling = [asyncio.create_task(each.run(), name="peer") for each in pullers]
        return faults

    def request_configuration(self, peer: str) -> None:
        """Request the text of a peer, and report its answer to the director."""
        task = asyncio.create_task(
            self._request_configuration(peer), name="configuration of a peer"
        )
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def close(self) -> None:
        """Close the connections in both directions, and report nothing more to the director."""
        self._stop()
        for task in self._asking:
            task.cancel()

    def _stop(self) -> None:
        self._stop_pulling()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _stop_pulling(self) -> None:
        for task in (*self._pulling, *self._reading):
            task.cancel()
        self._pullers = []

    async def _request_configuration(self, peer: str) -> None:
        found = await self._read_configuration(peer)
        path = f"/v1/pair/peers/{quote(peer, safe='')}/configuration"
        with contextlib.suppress(UnreachableError):
            await self._ask("PUT", path, msgspec.json.encode(found))

    async def _read_configuration(self, peer: str) -> PeerConfiguration:
        """Return the text of a peer, or why there is none. A change of the settings ends a request.

        The director waits for an answer, so every case has one.
        """
        puller = next((each for each in self._pullers if each.peer.name == peer), None)
        if puller is None:
            return PeerConfiguration(reason=self._reason_without_puller(peer))
        reading = asyncio.create_task(puller.read_configuration(), name="reading of a peer")
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)
        await asyncio.wait([reading])
        if reading.cancelled():
            return PeerConfiguration(reason="the link was configured again")
        return reading.result()

    def _reason_without_puller(self, peer: str) -> str:
        if self._settings is None:
            return "the web process has just started"
        pair, _ = self._settings
        if pair is None or peer not in [each.name for each in pair.peers]:
            return "the link has no such peer"
        return "its certificate cannot be used"

    async def _read(self, path: str) -> web.Response:
        """Pass the request of a peer to the director."""
        try:
            answer = await self._ask("GET", path)
        except UnreachableError:
            return web.Response(status=503)
        return web.Response(body=answer.body, status=answer.status, content_type="application/json")

    async def _report_peer(self, peer: PairPeer, report: PeerReport) -> None:
        path = f"/v1/pair/peers/{quote(peer.name, safe='')}"
        # A director that does not answer sees that nothing is reported.
        with contextlib.suppress(UnreachableError):
            await self._ask("PUT", path, msgspec.json.encode(report))

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        headers = {**assertion_headers(OURSELVES), "Content-Type": "application/json"}
        return await self._director.request(method, path, headers, body)


def _read_certificates(pair: Pair, files: PairFiles) -> tuple[Mapping[str, bytes], list[str]]:
    """Return the usable certificates of the peers, and the faults of the others."""
    usable: dict[str, bytes] = {}
    faults = []
    for peer in pair.peers:
        try:
            usable[peer.name] = read_certificate(peer.certificate, files.peers.get(peer.name))
        except TlsError as error:
            faults.append(str(error))
    return usable, faults


def _is_listening(listening: socket.socket) -> bool:
    """Return whether the director has opened the port."""
    return bool(listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
