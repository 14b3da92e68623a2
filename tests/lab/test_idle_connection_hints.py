"""Hints from the kernel: a change on the path to a target causes a probe at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from checks.definition.check import CheckDefinition, Timing
from checks.definition.options import TcpProbe
from checks.definition.result import Result, Verdict
from checks.scheduling.checker import Checker
from hadirector.lab.topology import Host, Network
from tests.lab.experiment import start_web
from tests.lab.namespaces import inside
from tests.waiting import eventually_async

pytestmark = pytest.mark.netns

WEB = "10.99.0.2"
SELDOM = Timing(interval=600, timeout=0.5, fall=3)
CHECK = CheckDefinition(
    identity="web", address=WEB, port=80, probe=TcpProbe(), timing=SELDOM, idle_connection=True
)


class Known:
    """Collects the reported verdicts."""

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []

    def __call__(self, _identity: str, verdict: Verdict, _result: Result) -> None:
        self.verdicts.append(verdict)


@contextlib.asynccontextmanager
async def checking(host: Host, known: Known) -> AsyncIterator[Checker]:
    """Run a checker with an idle connection to the web server, and no probe due soon."""
    checker = Checker(known)
    with inside(host):
        task = asyncio.create_task(checker.run())
        checker.configure([CHECK], {})
        await eventually_async(lambda: checker.idle_connections, 15.0, expected=1)
        try:
            yield checker
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def hosts(network: Network) -> tuple[Host, Host]:
    """A host that probes, and a host that serves."""
    director, web = network.host("director", "10.99.0.1/24"), network.host("web", f"{WEB}/24")
    start_web(web, "web")
    return director, web


async def test_a_lost_carrier_causes_one_probe_and_no_verdict(hosts: tuple[Host, Host]) -> None:
    """The carrier is that of the route's interface; one failure of three changes no verdict."""
    director, _ = hosts
    known = Known()
    async with checking(director, known) as checker:
        assert checker.probes == 1
        director.link_down()
        await eventually_async(
            lambda: checker.hints >= 1 and checker.probes >= 2, 15.0, "a hint, and a probe after it"
        )
        assert known.verdicts == [Verdict.PASSING]


async def test_a_target_that_does_not_answer_arp_is_probed(hosts: tuple[Host, Host]) -> None:
    """Its cable is cut, and the kernel verifies its MAC address in vain."""
    director, web = hosts
    known = Known()
    async with checking(director, known) as checker:
        web.link_down()
        director.ip(f"neighbour change {WEB} dev eth0 nud probe")
        assert checker.hints == 0
        await eventually_async(
            lambda: checker.hints >= 1 and checker.probes >= 2, 15.0, "a hint, and a probe after it"
        )
        assert known.verdicts == [Verdict.PASSING]
