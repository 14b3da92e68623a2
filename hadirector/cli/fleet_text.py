"""Render the directors of a fleet as text: a table, and the differences below it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from hadirector.cli.terminal import Paint, Row, short_duration, table
from hadirector.fleet.asking import Asked
from hadirector.fleet.comparison import FleetDifference
from hadirector.status.explanation import RealServerExplanation
from hadirector.status.summary import DirectorSummary
from hadirector.status.verdict import Level

HEADINGS: Final = ("director", "version", "configuration", "hash tables", "roles", "age", "verdict")
DIFFERENCES_MAX: Final = 50
"""Differences that the text lists. The JSON form has all of them."""
_STYLES: Final = {Level.OK: "green", Level.DEGRADED: "yellow", Level.CRITICAL: "bold red"}


def render_status(
    found: Sequence[Asked[DirectorSummary]], differences: Sequence[FleetDifference], paint: Paint
) -> Iterator[str]:
    """Render the table of directors. A ``*`` marks a value that differs from that of most."""
    rows: list[Row | str] = [Row(HEADINGS)]
    rows += [_row(each, each.answer, differences) for each in found if each.answer]
    yield from table(rows, paint)
    for each in found:
        if each.answer is None:
            yield paint(f"{each.director}: {each.failure}", "yellow")
    for difference in differences[:DIFFERENCES_MAX]:
        yield paint(_describe(difference), "yellow")
    if len(differences) > DIFFERENCES_MAX:
        yield f"{len(differences) - DIFFERENCES_MAX} more differences: see --json"
    answered = sum(each.answer is not None for each in found)
    count = len(differences)
    text = f"with {count} difference{'s' if count > 1 else ''}" if count else "and they agree"
    yield f"{answered} of {len(found)} directors answer, {text}"


def _row(
    asked: Asked[DirectorSummary],
    summary: DirectorSummary,
    differences: Sequence[FleetDifference],
) -> Row:
    name = asked.director
    differs = {each.subject for each in differences if name in each.differing}
    cells = (
        f"{name}{_mark('name', differs)}",
        f"{summary.version}{_mark('version', differs)}",
        f"{summary.configuration}{_mark('configuration', differs)}",
        f"{summary.hash_tables or '-'}{_mark('hash tables', differs)}",
        ", ".join(f"{key.partition(' ')[2]} {role}" for key, role in summary.roles.items()) or "-",
        short_duration(asked.age) if asked.age else "now",
        f"{summary.level.value}: {summary.reason}",
    )
    return Row(cells, len(cells) - 1, _STYLES[summary.level])


def _mark(subject: str, differs: Collection[str]) -> str:
    return "*" if subject in differs else ""


def _describe(difference: FleetDifference) -> str:
    opinions = "; ".join(
        f"{each.value} on {', '.join(each.directors)}" for each in difference.opinions
    )
    detail = f" ({difference.detail})" if difference.detail else ""
    return f"{difference.subject} differs: {opinions}{detail}"


def render_opinions(found: Sequence[Asked[RealServerExplanation]]) -> Iterator[str]:
    """Render a line for each director: its verdict, its reason, and the steps to its weight."""
    for each in found:
        if each.answer is None:
            yield f"  {each.director}: {each.failure}"
            continue
        status = each.answer.status
        weight = (
            "out of the table" if status.actual_weight is None else f"weight {status.actual_weight}"
        )
        reasons = "; ".join(filter(None, (status.reason, status.weight_reason)))
        yield f"  {each.director}: {status.verdict.value}, {weight}: {reasons}"
