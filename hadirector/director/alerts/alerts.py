"""Follows the events and the conditions of the director, and informs the receivers of them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

from hadirector import __version__, storage
from hadirector.director.alerts.delivery import deliver
from hadirector.director.alerts.receiver import Receiver
from hadirector.director.alerts.store import FILE, KnownToReceiver, StoredAlerts, read_alerts
from hadirector.director.alerts.webhooks import WebhookProcess
from hadirector.director.request_errors import UnknownObjectError
from hadirector.events.alerts.alert import Alert, Key, note_event, printable
from hadirector.events.alerts.message import Message, Sender, write_test
from hadirector.events.alerts.outbox import Outbox
from hadirector.events.file_writer import FileWriter, Write
from hadirector.events.recorder import Recorder
from hadirector.model.alerts import AlertReceiver
from hadirector.model.configuration import Configuration
from hadirector.status.alert_status import AlertsStatus, OpenAlert, ReceiverStatus, TestResult

LOOK_SECONDS: Final = 5.0
"""The longest time between two looks at the conditions."""
REST_SECONDS: Final = 1.0
"""The shortest time between two looks."""
FINISH_SECONDS_MAX: Final = 3.0
"""How long a stop waits for the last messages."""

Find = Callable[[Collection[Key]], Awaitable[dict[Key, str] | None]]
"""Returns the current conditions, given the open alerts; None while they are not known."""


class Alerts:
    """The receivers, the open alerts, and the webhooks process."""

    def __init__(self, configuration: Configuration, recorder: Recorder, find: Find) -> None:
        self.webhooks = WebhookProcess()
        self._recorder = recorder
        self._find = find
        self._last = recorder.event_log.last
        self._open: dict[Key, Alert] = {}
        self._sender = Sender(configuration.name, socket.gethostname(), __version__)
        self._receivers: dict[str, Receiver] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._configured = asyncio.Event()
        self._testing = asyncio.Lock()
        self._path = Path(configuration.state_directory) / FILE
        self._writer = FileWriter(self._prepare, "alerts_not_written", "alerts_written_again")
        self._stored = read_alerts(self._path) if configuration.alerts else {}
        for known in self._stored.values():
            self._open |= {alert.key: alert for alert in known.alerts}
        self.configure(configuration)

    @property
    def receivers(self) -> tuple[ReceiverStatus, ...]:
        """The status of each receiver, in the order of the configuration."""
        return tuple(receiver.status for receiver in self._receivers.values())

    @property
    def status(self) -> AlertsStatus:
        """The open alerts and the receivers."""
        return AlertsStatus(
            alerts=tuple(
                OpenAlert(
                    condition=alert.condition,
                    object=alert.object,
                    reason=alert.reason,
                    began_at=datetime.fromtimestamp(alert.began_at, UTC),
                )
                for alert in self._open.values()
            ),
            receivers=self.receivers,
        )

    def configure(self, configuration: Configuration) -> None:
        """Replace the receivers. A receiver whose settings change keeps the news that it has."""
        before = self._receivers
        self._receivers = {each.name: self._receiver(each, before) for each in configuration.alerts}
        for name, receiver in before.items():
            if self._receivers.get(name) is not receiver and name in self._tasks:
                self._tasks.pop(name).cancel()
        self.webhooks.want(wanted=any(each.webhook is not None for each in configuration.alerts))
        self._start()
        self._configured.set()
        if before:
            self._writer.note_change()

    async def run(self) -> None:
        """Inform the receivers until cancelled."""
        async with self._writer.write_regularly("alerts"), asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self.webhooks.run(), name="webhooks")
            self._start()
            while True:
                await self._look_again()

    async def finish(self) -> None:
        """Send the last messages before a stop, for at most 3 s."""
        if not self._receivers:
            return
        await self._look()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH_SECONDS_MAX):
                await asyncio.gather(*(each.finish() for each in self._receivers.values()))

    async def test(self, name: str | None) -> tuple[TestResult, ...]:
        """Send a test message to one receiver or to all, once. Raises UnknownObjectError."""
        if name is not None and name not in self._receivers:
            raise UnknownObjectError("receiver of alerts", name, self._receivers)
        chosen = [each for key, each in self._receivers.items() if name in (None, key)]
        async with self._testing:
            failures = await asyncio.gather(*(self._test(each.configured) for each in chosen))
        return tuple(
            TestResult(receiver=each.configured.name, failure=failure)
            for each, failure in zip(chosen, failures, strict=True)
        )

    async def _test(self, receiver: AlertReceiver) -> str:
        message = write_test(f"msg_{secrets.token_hex(12)}", self._sender, _now())
        return printable(await self._deliver(receiver, message))

    def _receiver(self, configured: AlertReceiver, before: dict[str, Receiver]) -> Receiver:
        earlier = before.get(configured.name)
        if earlier is None:
            known = self._stored.pop(configured.name, KnownToReceiver())
        elif earlier.configured == configured:
            return earlier
        else:
            known = _describe(earlier)
        wanted = [alert for alert in known.alerts if alert.condition in configured.on]
        notes = [note for note in known.notes if note.condition in configured.on]
        outbox = Outbox(configured.on, wanted, notes)
        change = self._writer.note_change
        return Receiver(configured, outbox, self._sender, self._deliver, change)

    async def _deliver(self, receiver: AlertReceiver, message: Message) -> str:
        return await deliver(receiver, message, self._sender.host, self.webhooks)

    def _start(self) -> None:
        """Start the tasks of new receivers."""
        if self._group is not None:
            for name, receiver in self._receivers.items():
                if name not in self._tasks:
                    self._tasks[name] = self._group.create_task(
                        receiver.run(), name=f"alerts {name}"
                    )

    async def _look_again(self) -> None:
        """Look when there is an event, or after some seconds; then rest."""
        if not self._receivers:
            self._configured.clear()
            await self._configured.wait()
            self._last = self._recorder.event_log.last
        await self._recorder.after(self._last, LOOK_SECONDS)
        await self._look()
        await asyncio.sleep(REST_SECONDS)

    async def _look(self) -> None:
        """Pass new events and the current conditions to the receivers."""
        page = self._recorder.event_log.after(self._last)
        self._last = page.last
        for note in filter(None, map(note_event, page.events)):
            for receiver in self._receivers.values():
                receiver.outbox.note(note, monotonic())
                self._writer.note_change()
        found = await self._find(self._open.keys())
        if found is not None:
            self._update(found)
        for receiver in self._receivers.values():
            receiver.wake()

    def _update(self, found: dict[Key, str]) -> None:
        now, at = monotonic(), _now()
        for name, receiver in self._receivers.items():
            if receiver.failing:
                found[Key("receiver_failed", name)] = receiver.outbox.failure
        self._open = {
            key: self._open.get(key) or Alert(*key, printable(reason), at)
            for key, reason in found.items()
        }
        for name, receiver in self._receivers.items():
            # A receiver that fails is not the place for the alert about itself.
            own = Key("receiver_failed", name)
            others = {key: alert for key, alert in self._open.items() if key != own}
            receiver.outbox.observe(others, now, at)

    def _prepare(self) -> Write:
        known = {name: _describe(receiver) for name, receiver in self._receivers.items()}
        return partial(storage.store_durably, self._path, StoredAlerts(1, known))


def _describe(receiver: Receiver) -> KnownToReceiver:
    return KnownToReceiver(tuple(receiver.outbox.known.values()), receiver.outbox.notes)


def _now() -> float:
    return time.time()  # noqa: TID251  # for people
