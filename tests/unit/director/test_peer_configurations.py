"""Requests for the text of a peer: who waits for which answer, and for how long."""

from __future__ import annotations

import asyncio

import pytest

from hadirector.director import peer_configurations as module
from hadirector.director.peer_configurations import PeerConfigurations
from hadirector.director.request_errors import RequestError
from hadirector.pair.peer_configuration import PeerConfiguration
from hadirector.processes.messages import RequestConfiguration


class Orders:
    """The orders for the web process, which runs or not."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.runs = True

    def send(self, order: RequestConfiguration) -> bool:
        self.sent.append(order.peer)
        return self.runs


async def turn() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_requests_at_the_same_time_get_the_same_answer() -> None:
    orders = Orders()
    texts = PeerConfigurations(orders.send)
    first, second = (asyncio.create_task(texts.request("lb2")) for _ in range(2))
    await turn()
    texts.receive("lb2", PeerConfiguration("one"))
    assert (await first, await second) == ("one", "one")
    assert orders.sent == ["lb2"]


async def test_a_web_process_that_does_not_run_is_the_reason() -> None:
    orders = Orders()
    orders.runs = False
    with pytest.raises(RequestError, match="the web process does not run"):
        await PeerConfigurations(orders.send).request("lb2")


async def test_all_that_wait_for_an_order_end_with_it_and_a_new_order_has_its_own_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    orders = Orders()
    texts = PeerConfigurations(orders.send)
    monkeypatch.setattr(module, "ANSWER_SECONDS_MAX", 0.02)
    first = asyncio.create_task(texts.request("lb2"))
    await turn()
    monkeypatch.setattr(module, "ANSWER_SECONDS_MAX", 0.06)
    second = asyncio.create_task(texts.request("lb2"))
    await turn()
    with pytest.raises(RequestError, match="lb2 is not known: it has not arrived"):
        await first
    monkeypatch.setattr(module, "ANSWER_SECONDS_MAX", 10.0)
    third = asyncio.create_task(texts.request("lb2"))
    await turn()
    with pytest.raises(RequestError, match="it has not arrived"):
        await second
    texts.receive("lb2", PeerConfiguration("three"))
    assert await asyncio.wait_for(third, 5.0) == "three"
    assert orders.sent == ["lb2", "lb2"]
