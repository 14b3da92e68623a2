"""Delivers the news for one receiver, one message at a time."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

import structlog

from hadirector.events.alerts.alert import printable
from hadirector.events.alerts.message import Message, Sender, write_message
from hadirector.events.alerts.outbox import Outbox
from hadirector.model.alerts import AlertReceiver
from hadirector.status.alert_status import ReceiverStatus

FAILURES_MIN: Final = 3
"""Failed attempts in a row after which a receiver counts as failing."""

Deliver = Callable[[AlertReceiver, Message], Awaitable[str]]
"""Makes one attempt; returns why it failed, or an empty text."""


class Receiver:
    """One receiver with its news. ``note_change`` is called when its stored state changes."""

    def __init__(
        self,
        configured: AlertReceiver,
        outbox: Outbox,
        sender: Sender,
        deliver: Deliver,
        note_change: Callable[[], None],
    ) -> None:
        self.configured = configured
        self.outbox = outbox
        self.failures = 0
        self._sender = sender
        self._deliver = deliver
        self._note_change = note_change
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._log = structlog.get_logger().bind(receiver=configured.name)

    @property
    def failing(self) -> bool:
        """Whether the latest attempts failed."""
        return self.failures >= FAILURES_MIN

    @property
    def status(self) -> ReceiverStatus:
        """The current status."""
        outbox = self.outbox
        return ReceiverStatus(
            name=self.configured.name,
            kind="webhook" if self.configured.webhook is not None else "command",
            failing=self.failing,
            failure=outbox.failure,
            waiting=outbox.waiting,
            delivered=outbox.delivered,
            failed_attempts=outbox.failed,
            lost=outbox.lost,
        )

    def wake(self) -> None:
        """Look again when the next message is due."""
        self._news.set()

    async def finish(self) -> None:
        """Deliver the waiting news at once. Returns when the receiver has got all of them."""
        self.outbox.hurry()
        self._idle.clear()
        self.wake()
        await self._idle.wait()

    async def run(self) -> None:
        """Deliver messages when they are due, until cancelled."""
        while True:
            await self._wait()
            batch = self.outbox.take(monotonic(), f"msg_{secrets.token_hex(12)}")
            if batch is None:
                continue
            now = time.time()  # noqa: TID251  # for people
            message = write_message(batch, self._sender, now)
            failure = printable(await self._deliver(self.configured, message))
            self._settle(failure, message)

    async def _wait(self) -> None:
        self._news.clear()
        due = self.outbox.next_at
        if due is None:
            self._idle.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if due is None else max(0.0, due - monotonic())):
                await self._news.wait()

    def _settle(self, failure: str, message: Message) -> None:
        was_failing = self.failing
        lost = self.outbox.settle(failure, monotonic())
        self.failures = self.failures + 1 if failure else 0
        if self.failing and not was_failing:
            self._log.warning("alert_receiver_failed", reason=failure)
        elif was_failing and not self.failing:
            self._log.info("alert_receiver_recovered")
        if lost:
            self._log.error("alert_message_lost", subject=message.subject, reason=failure)
        elif not failure:
            self._log.info("alert_message_delivered", subject=message.subject)
        self._note_change()
