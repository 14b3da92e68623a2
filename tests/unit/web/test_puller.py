"""The requests to a peer: their pace, and the text that does not hold up the state."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from hadirector.model.pair import Pair, PairPeer
from hadirector.pair.peer_configuration import PeerConfiguration
from hadirector.pair.peers import PeerReport
from hadirector.pair.state import PairState, encode
from hadirector.web.link import puller as module
from hadirector.web.link.connector import PeerConnector
from hadirector.web.link.puller import Puller, rest_after


@pytest.mark.parametrize(
    ("taken", "pause", "expected"),
    [
        pytest.param(0.001, 0.02, 0.02, id="the director takes a report at once"),
        pytest.param(0.0625, 0.02, 0.5625, id="nine times as long as the director took"),
        pytest.param(0.5, 0.02, 1.0, id="no longer than a peer waits for a change"),
        pytest.param(0.5, 4.0, 4.0, id="the pause after failures is longer"),
    ],
)
def test_the_director_takes_reports_in_a_tenth_of_the_time(
    taken: float, pause: float, expected: float
) -> None:
    assert rest_after(taken, pause) == expected


class PlainConnector(PeerConnector):
    """Opens connections without TLS."""

    async def _create_connection(self, *_arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        where = self._peer.address, self._peer.port
        return (await loop.create_connection(self._factory, *where))[1]


class Peer:
    """A peer that answers with its state at once, and with its text when it is ``released``."""

    def __init__(self) -> None:
        self.asked, self.released = asyncio.Event(), asyncio.Event()

    async def answer(self, request: web.BaseRequest) -> web.Response:
        if request.path.endswith("/state"):
            return web.Response(body=encode(PairState(pair="edge", name="lb2", incarnation="aa")))
        self.asked.set()
        await self.released.wait()
        return web.Response(body=b'{"text":"one"}')

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """Answer on a port of loopback during a block."""
        server = web.Server(self.answer)
        listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
        try:
            yield listening.sockets[0].getsockname()[1]
        finally:
            listening.close()
            await server.shutdown(1.0)


async def test_a_text_that_takes_long_does_not_hold_up_the_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A peer whose state is not read for three seconds counts as lost."""
    monkeypatch.setattr(module, "PeerConnector", PlainConnector)
    reports: asyncio.Queue[PeerReport] = asyncio.Queue()
    peer = Peer()
    async with asyncio.timeout(10), peer.serving() as port:
        other = PairPeer(name="lb2", address="127.0.0.1", port=port, certificate="/lb2.pem")
        pair = Pair(
            name="edge",
            address="127.0.0.1",
            port=9471,
            certificate="/lb1.pem",
            key="/lb1.key",
            peers=(other,),
        )
        context = ssl.create_default_context()
        puller = Puller(pair, other, context, b"", reports.put)
        running = asyncio.create_task(puller.run())
        reading = asyncio.create_task(puller.read_configuration())
        try:
            await peer.asked.wait()
            for _ in range(reports.qsize() + 3):
                report = await asyncio.wait_for(reports.get(), 2.0)
                assert report.state is not None
            peer.released.set()
            assert await reading == PeerConfiguration("one")
        finally:
            running.cancel()
            reading.cancel()
            await asyncio.wait([running, reading])
