"""Runs the webhooks process while a receiver needs it, and waits for its reports."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import Any, Final

from hadirector.processes.messages import DeliverMessage, FromWebhooks, MessageDelivered, Stop
from hadirector.processes.supervisor import Child, ChildDied
from vrrp.model.configuration import Secret

MARGIN_SECONDS: Final = 5.0
"""How long the process may take, besides the time that the receiver has."""


class WebhookProcess:
    """The process that sends messages to webhooks. It runs while a receiver needs it (`want`)."""

    def __init__(self) -> None:
        self.child: Child[FromWebhooks] | None = None
        self._wanted = False
        self._changed = asyncio.Event()
        self._numbers = itertools.count(1)
        self._sending: dict[int, asyncio.Future[str]] = {}

    def want(self, *, wanted: bool) -> None:
        """Start the process, or end it."""
        self._wanted = wanted
        self._changed.set()

    async def run(self) -> None:
        """Run the process while it is wanted, until cancelled."""
        while True:
            self._changed.clear()
            if self._wanted:
                await self._run_child()
            else:
                await self._changed.wait()

    async def deliver(
        self, url: Secret, headers: dict[str, str], body: bytes, seconds: float
    ) -> str:
        """Send a message; return why that failed, or an empty text."""
        number = next(self._numbers)
        message = DeliverMessage(number, url, headers, body, seconds)
        if self.child is None or not self.child.send(message):
            return "the webhooks process does not run"
        outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._sending[number] = outcome
        try:
            async with asyncio.timeout(seconds + MARGIN_SECONDS):
                return await outcome
        except TimeoutError:
            return "the webhooks process does not answer"
        finally:
            del self._sending[number]

    async def _run_child(self) -> None:
        module = "hadirector.processes.webhook_process"
        child: Child[FromWebhooks] = Child("webhooks", module, FromWebhooks, self._receive)
        self.child = child
        running = asyncio.create_task(child.run(), name=child.name)
        try:
            while self._wanted:
                self._changed.clear()
                await self._changed.wait()
            child.stop(Stop())
            await running
        finally:
            self.child = None
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    async def _receive(self, message: Any) -> None:
        match message:
            case MessageDelivered():
                self._settle(message.number, message.failure)
            case ChildDied():
                for number in tuple(self._sending):
                    self._settle(number, "the webhooks process ended")

    def _settle(self, number: int, failure: str) -> None:
        outcome = self._sending.get(number)
        if outcome is not None and not outcome.done():
            outcome.set_result(failure)
