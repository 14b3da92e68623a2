"""The measured values as a table with verdicts [pure]."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

TOLERANCE_MS = 2.0


class Bar(Enum):
    """What an event may cost."""

    AS_KEEPALIVED = "keepalived's + 2 ms"
    NOTHING_LOST = "0"


@dataclass(frozen=True)
class Measured:
    """One event on one side: the time without an answer in ms."""

    event: str
    bar: Bar
    interval: float
    side: str
    lost_ms: float


Row = tuple[float, str, str]


def verdict(measured: Sequence[Measured]) -> dict[Row, bool]:
    """Return for each row (interval, event, side) of hadirector whether its bar was met."""
    return {
        (interval, event, side): _met(bar, lost, _lost(measured, interval, event, "keepalived"))
        for interval, event, side, bar in _rows(measured)
        if side != "keepalived"
        for lost in (_lost(measured, interval, event, side),)
    }


def render(measured: Sequence[Measured]) -> str:
    """Return the table in Markdown."""
    verdicts = verdict(measured)
    lines = [
        "| interval | event | router | runs | median ms | worst ms | to keepalived | bar | met |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for interval, event, side, bar in _rows(measured):
        lost = _lost(measured, interval, event, side)
        median, worst = statistics.median(lost), max(lost)
        theirs = statistics.median(_lost(measured, interval, event, "keepalived"))
        ratio = f"{median / theirs:.2f}" if theirs else "-"
        met = {True: "yes", False: "NO", None: ""}[verdicts.get((interval, event, side))]
        promised = bar.value if side != "keepalived" else ""
        lines.append(
            f"| {interval:g} s | {event} | {side} | {len(lost)} | {median:.1f} | {worst:.1f}"
            f" | {ratio} | {promised} | {met} |"
        )
    return "\n".join(lines)


def _met(bar: Bar, ours: Sequence[float], theirs: Sequence[float]) -> bool:
    if bar is Bar.NOTHING_LOST:
        return max(ours) == 0.0
    return (
        statistics.median(ours) <= statistics.median(theirs) + TOLERANCE_MS
        and max(ours) <= max(theirs) + TOLERANCE_MS
    )


def _rows(measured: Sequence[Measured]) -> Iterator[tuple[float, str, str, Bar]]:
    seen = dict.fromkeys((each.interval, each.event, each.side, each.bar) for each in measured)
    yield from seen


def _lost(measured: Sequence[Measured], interval: float, event: str, side: str) -> list[float]:
    return [
        each.lost_ms
        for each in measured
        if (each.interval, each.event, each.side) == (interval, event, side)
    ]
