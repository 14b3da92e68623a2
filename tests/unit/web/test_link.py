"""The order to request the text of a peer: the director gets an answer in every case."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping
from typing import cast

import msgspec
import pytest

from hadirector.model.pair import Pair, PairPeer
from hadirector.pair.peer_configuration import PeerConfiguration
from hadirector.processes.messages import PairFiles
from hadirector.web.director import Answer, Director
from hadirector.web.link.link import PairLink
from hadirector.web.link.puller import Puller

PEER = PairPeer(name="lb2", address="192.0.2.2", port=9471, certificate="/lb2.pem")
PAIR = Pair(
    name="edge",
    address="192.0.2.1",
    port=9471,
    certificate="/lb1.pem",
    key="/lb1.key",
    peers=(PEER,),
)


class Requests:
    """The requests that the director gets."""

    def __init__(self) -> None:
        self.answered: asyncio.Queue[tuple[str, PeerConfiguration]] = asyncio.Queue()

    async def request(
        self, _method: str, path: str, _headers: Mapping[str, str], body: bytes
    ) -> Answer:
        await self.answered.put((path, msgspec.json.decode(body, type=PeerConfiguration)))
        return Answer(200, {}, b"")


class WaitingPuller:
    """A peer that does not answer."""

    peer = PEER

    async def read_configuration(self) -> PeerConfiguration:
        await asyncio.Event().wait()
        raise AssertionError


@pytest.fixture
def requests() -> Requests:
    return Requests()


@pytest.fixture
def link(requests: Requests) -> Iterator[PairLink]:
    with socket.socket() as listening:
        yield PairLink(cast(Director, requests), listening, lambda _notice: None)


async def reason(requests: Requests) -> str:
    path, found = await asyncio.wait_for(requests.answered.get(), 5.0)
    assert path == "/v1/pair/peers/lb2/configuration"
    return found.reason


async def test_a_change_of_the_settings_ends_the_request(
    link: PairLink, requests: Requests
) -> None:
    link._settings = PAIR, PairFiles()
    link._pullers = [cast(Puller, WaitingPuller())]
    link.request_configuration("lb2")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    link.configure(None, PairFiles())
    assert await reason(requests) == "the link was configured again"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (None, "the web process has just started"),
        ((None, PairFiles()), "the link has no such peer"),
        ((msgspec.structs.replace(PAIR, peers=()), PairFiles()), "the link has no such peer"),
        ((PAIR, PairFiles()), "its certificate cannot be used"),
    ],
)
async def test_the_reason_without_a_usable_peer(
    link: PairLink,
    requests: Requests,
    settings: tuple[Pair | None, PairFiles] | None,
    expected: str,
) -> None:
    link._settings = settings
    link.request_configuration("lb2")
    assert await reason(requests) == expected
