"""What an operator sees of one director: its log, and the output of the commands."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli import main
from hadirector.events.event_log import Event, Page
from hadirector.status.report import Status
from tests.waiting import eventually

PATIENCE_SECONDS = 20.0


class Shown(NamedTuple):
    """The exit status and the output of a command."""

    status: int
    out: str
    err: str


class Console:
    """Commands against the director with this socket, and a look into its log."""

    def __init__(self, socket: Path, log_file: Path) -> None:
        self.socket = str(socket)
        self._log_file = log_file

    def command(self, *words: str) -> Shown:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main([*words, "--socket", self.socket])
        return Shown(status, out.getvalue(), err.getvalue())

    def status(self) -> Status | None:
        """Return the status, None while the director does not answer."""
        with contextlib.suppress(ApiError):
            return msgspec.json.decode(request(self.socket, "GET", "/v1/status"), type=Status)
        return None

    def state(self) -> str:
        """Return the state of the first VRRP instance."""
        status = self.status()
        return status.instances[0].state.value if status and status.instances else "unknown"

    def log_lines(self, event: str) -> list[dict[str, Any]]:
        lines = self._log_file.read_text().splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{") and event in line]
        return [line for line in found if line["event"] == event]

    def events(self, name: str) -> list[Event]:
        with contextlib.suppress(ApiError):
            page = msgspec.json.decode(request(self.socket, "GET", "/v1/events"), type=Page)
            return [event for event in page.events if event.name == name]
        return []

    def expect_log(self, event: str, level: str, **fields: object) -> dict[str, Any]:
        """Wait for a line of the log with these values, and return the first one."""

        def find() -> dict[str, Any] | None:
            wanted = {"level": level, **fields}
            return next(
                (line for line in self.log_lines(event) if wanted.items() <= line.items()), None
            )

        found: dict[str, Any] = {}

        def look() -> bool:
            found.update(find() or {})
            return bool(found)

        eventually(look, PATIENCE_SECONDS, f"the {level} {event} with {fields}")
        return found

    def expect_event(self, name: str, **fields: object) -> None:
        """Wait for an event with these values."""

        def look() -> bool:
            return any(fields.items() <= event.fields.items() for event in self.events(name))

        eventually(look, PATIENCE_SECONDS, f"the event {name} with {fields}")

    def expect_status(self, *texts: str) -> str:
        """Wait until `hadirector status` shows all these texts."""

        def missing() -> list[str]:
            shown = self.command("status").out
            return [text for text in texts if text not in shown]

        eventually(missing, PATIENCE_SECONDS, "texts that the status lacks", expected=[])
        return self.command("status").out
