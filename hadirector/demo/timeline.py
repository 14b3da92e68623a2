"""Prints the progress of the demo, and the table of outcomes at its end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hadirector.demo.outcome import Outcome

PLAIN_WIDTH = 118


class Timeline:
    """Prints lines with the seconds since the start. On a terminal they have colors."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        self._console = (
            console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)
        )
        self._began = time.monotonic()

    def print_action(self, text: str) -> None:
        """Print an action of the demo."""
        self._print(f"[bold]>> {escape(text)}[/]")

    def print_report(self, source: str, text: str, *, style: str = "") -> None:
        """Print a report of a director or the client."""
        styled = f"[{style}]{escape(text)}[/]" if style else escape(text)
        self._print(f"   [cyan]{source}[/] {styled}")

    def print_traffic(
        self, label: str, value: str, servers: Mapping[str, int], failed: int
    ) -> None:
        """Print the answers and failures that the client counted since the last such line."""
        shares = "  ".join(f"{name} {count:3d}" for name, count in servers.items())
        failures = f"[red]failed {failed}[/]" if failed else "[dim]failed 0[/]"
        self._print(f"   [dim]{label}[/] {value}  [dim]answers from[/]  {shares}  {failures}")

    def print_text(self, text: str) -> None:
        """Print a line without a time."""
        self._console.print(escape(text), soft_wrap=True)

    def print_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Print the table of outcomes, and below it the formulas of the bounds and the failures."""
        table = Table(box=box.SIMPLE_HEAD, title="effect of each event", title_justify="left")
        table.add_column("event")
        for heading in ("requests", "failed", "outage", "recovered after", "promise"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("")
        for outcome in outcomes:
            promise = outcome.event.promise
            table.add_row(
                outcome.event.title,
                str(outcome.sent),
                str(outcome.failed),
                _milliseconds(outcome.outage),
                _milliseconds(outcome.recovered_after),
                f"within {_milliseconds(promise.seconds)}" if promise.seconds else "no failure",
                "[green]ok[/]" if outcome.kept else "[bold red]NOT OK[/]",
            )
        self._console.print(table)
        for outcome in outcomes:
            title, promise = outcome.event.title, outcome.event.promise
            if promise.seconds:
                self.print_text(f"{title}: {_milliseconds(promise.seconds)} = {promise.formula}")
            for failure, count in outcome.failures.items():
                self.print_text(f"{title}: {count} x {failure}")

    def _print(self, text: str) -> None:
        since = time.monotonic() - self._began
        self._console.print(f"[dim]{since:6.2f} s[/] {text}", soft_wrap=True)


def _milliseconds(seconds: float | None) -> str:
    return "not ended" if seconds is None else f"{seconds * 1000:.0f} ms"
