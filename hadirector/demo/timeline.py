"""Prints the demo as it happens, and the table at its end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hadirector.demo.judge import Judgement

PLAIN_WIDTH = 118


class Timeline:
    """Lines with the seconds since the beginning in front; coloured on a terminal."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        self._console = (
            console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)
        )
        self._began = time.monotonic()

    def act(self, text: str) -> None:
        """What the demo does."""
        self._print(f"[bold]>> {escape(text)}[/]")

    def fact(self, who: str, text: str, *, style: str = "") -> None:
        """What somebody says has happened."""
        self._print(
            f"   [cyan]{who}[/] " + (f"[{style}]{escape(text)}[/]" if style else escape(text))
        )

    def traffic(self, active: str, servers: Mapping[str, int], failed: int) -> None:
        """What the client saw since the last such line."""
        shares = "  ".join(f"{name} {count:3d}" for name, count in servers.items())
        failures = f"[red]failed {failed}[/]" if failed else "[dim]failed 0[/]"
        self._print(f"   [dim]ACTIVE[/] {active}  [dim]answers by[/]  {shares}  {failures}")

    def say(self, text: str) -> None:
        """Something for the reader, as it stands."""
        self._console.print(escape(text), soft_wrap=True)

    def table(self, judgements: Sequence[Judgement]) -> None:
        """The judgement on every event, then how the bounds are made up and what failed."""
        table = Table(box=box.SIMPLE_HEAD, title="what each event cost", title_justify="left")
        table.add_column("event")
        for heading in ("sent", "failed", "blackout", "over after", "promised"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("")
        for each in judgements:
            promise = each.event.promise
            table.add_row(
                each.event.title,
                str(each.sent),
                str(each.failed),
                _milliseconds(each.blackout),
                _milliseconds(each.over_after),
                _milliseconds(promise.seconds) if promise.seconds else "no failure",
                "[green]ok[/]" if each.kept else "[bold red]NOT OK[/]",
            )
        self._console.print(table)
        for each in judgements:
            if each.event.promise.seconds:
                bound = _milliseconds(each.event.promise.seconds)
                self.say(f"{each.event.title}: {bound} = {each.event.promise.because}")
            for failure, count in each.failures.items():
                self.say(f"{each.event.title}: {count} x {failure}")

    def _print(self, text: str) -> None:
        since = time.monotonic() - self._began
        self._console.print(f"[dim]{since:6.2f} s[/] {text}", soft_wrap=True)


def _milliseconds(seconds: float | None) -> str:
    return "not over" if seconds is None else f"{seconds * 1000:.0f} ms"
