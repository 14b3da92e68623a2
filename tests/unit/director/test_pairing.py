"""The comparison of the states of a pair does not hold up the director."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from time import monotonic

import pytest
from msgspec.structs import replace

from hadirector.director import pair_view
from hadirector.director.pairing import Pairing
from hadirector.model.pair import Pair, PairPeer
from hadirector.pair.knowledge import Knowledge
from hadirector.pair.peers import PeerReport, Peers, Reach
from hadirector.pair.state import PairState
from tests.running import running
from tests.unit.director.seam import Seam, configuration

PAIR = Pair(
    name="edge",
    address="192.0.2.1",
    port=9471,
    certificate="/p/lb1.pem",
    key="/p/lb1.key",
    peers=(PairPeer(name="lb2", address="192.0.2.2", port=9471, certificate="/p/lb2.pem"),),
)


async def test_a_report_is_kept_at_once_and_compared_in_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: asyncio.Queue[tuple[Reach, bool]] = asyncio.Queue()
    loop, thread = asyncio.get_running_loop(), threading.current_thread()

    def update(known: Knowledge, _own: PairState, peers: Peers, _now: float) -> Knowledge:
        here = threading.current_thread() is thread
        loop.call_soon_threadsafe(compared.put_nowait, (peers["lb2"].reach, here))
        return known

    monkeypatch.setattr(pair_view, "update", update)
    pairing = Pairing(Seam(replace(configuration(tmp_path, 2.0), pair=PAIR)).parts)
    state = PairState(pair="edge", name="lb2", incarnation="aa")
    async with asyncio.timeout(30), running(pairing):
        assert await compared.get() == (Reach.UNKNOWN, False)
        now = monotonic()
        pairing.receive("lb2", PeerReport(state=state, asked_at=now, answered_at=now))
        assert pairing.peers["lb2"].reach is Reach.REACHED
        assert await compared.get() == (Reach.REACHED, False)
