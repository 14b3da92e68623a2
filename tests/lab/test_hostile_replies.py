"""Targets whose replies make every search take long, beside healthy targets of the same worker.

The verdict of a healthy target would change at its first failure (``fall: 1``).
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from checks.definition.check import CheckDefinition, Limits, Timing
from checks.definition.options import AgentProbe, TcpProbe
from checks.definition.result import Reason, Result, Verdict
from hadirector.health.workers import Workers
from hadirector.processes.messages import CheckStatistics, VerdictChanged
from hadirector.processes.supervisor import ChildStarted
from tests.waiting import eventually_async

pytestmark = pytest.mark.timeout(120)

HOSTILE = HEALTHY = 12
TIMING = Timing(interval=0.25, timeout=0.6, rise=1, fall=1)
SECONDS_MAX = 20.0
CLIENTS_MAX = 8
"""Clients that a server keeps waiting at the same time."""
ATTACK_SECONDS = 5.0
PATTERN = "(a+)+$"
SLOW_REPLY = b"a" * 40 + b"b"
GOOD_REPLY = b"up\n# ready a"
DOWN = b"down\n"


class Greeting(threading.Thread):
    """A server that sends a reply to every client and then waits for its end."""

    def __init__(self, reply: bytes) -> None:
        super().__init__(daemon=True)
        self.reply = reply
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self._clients: list[socket.socket] = []
        self.start()

    def run(self) -> None:
        """Greet one client after the other until the listener is shut down."""
        try:
            while True:
                client, _ = self._listener.accept()
                client.sendall(self.reply)
                self._clients.append(client)
                if len(self._clients) > CLIENTS_MAX:
                    self._clients.pop(0).close()
        except OSError:
            return

    def end(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self.join(5)
        self._listener.close()
        while self._clients:
            self._clients.pop().close()


class Director:
    """Receives the messages of the worker, as the director does."""

    def __init__(self, checks: dict[str, CheckDefinition]) -> None:
        self.workers = Workers(self.receive)
        self.workers.configure(checks, Limits())
        self.verdicts: dict[str, Verdict] = {}
        self.results: dict[str, Result] = {}
        self.failed: set[str] = set()

    async def receive(self, message: object) -> None:
        match message:
            case ChildStarted():
                self.workers.send({}, message.name)
            case VerdictChanged():
                self.verdicts[message.check] = message.verdict
                self.results[message.check] = message.result
                if message.verdict is Verdict.FAILING:
                    self.failed.add(message.check)
            case CheckStatistics():
                self.results.update(message.latest)

    def passing(self) -> int:
        return list(self.verdicts.values()).count(Verdict.PASSING)


@pytest.fixture
def greetings() -> Iterator[dict[str, Greeting]]:
    names = [f"hostile {n}" for n in range(HOSTILE)] + [f"healthy {n}" for n in range(HEALTHY)]
    made = {name: Greeting(GOOD_REPLY) for name in names}
    yield made
    for greeting in made.values():
        greeting.end()


async def test_targets_with_hostile_replies_fail_no_other_target(
    greetings: dict[str, Greeting],
) -> None:
    """The healthy targets are still tested, and the hostile ones fail and recover."""
    hostile = {name for name in greetings if name.startswith("hostile")}
    checks = {
        name: CheckDefinition(
            identity=name,
            address="127.0.0.1",
            port=greeting.port,
            probe=TcpProbe(expect=PATTERN) if name in hostile else AgentProbe(),
            timing=TIMING,
        )
        for name, greeting in greetings.items()
    }
    director = Director(checks)
    running = asyncio.create_task(director.workers.run())
    try:
        await eventually_async(director.passing, SECONDS_MAX, expected=HOSTILE + HEALTHY)
        for name in hostile:
            greetings[name].reply = SLOW_REPLY
        await asyncio.sleep(ATTACK_SECONDS)
        assert director.failed
        assert director.failed <= hostile
        greetings["healthy 0"].reply = DOWN
        await eventually_async(
            lambda: director.failed - hostile, SECONDS_MAX, expected={"healthy 0"}
        )
        await eventually_async(lambda: director.failed >= hostile, 2 * SECONDS_MAX, "all hostile")
        assert {director.results[name].reason for name in hostile} <= {
            Reason.REPLY,
            Reason.LOCAL_ERROR,
        }
        for greeting in greetings.values():
            greeting.reply = GOOD_REPLY
        await eventually_async(director.passing, SECONDS_MAX, expected=HOSTILE + HEALTHY)
        assert director.failed == hostile | {"healthy 0"}
    finally:
        director.workers.stop()
        async with asyncio.timeout(20):
            await running
