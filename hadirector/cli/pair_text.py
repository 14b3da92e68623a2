"""Render the directors of a pair side by side as text. Facts that are not current are marked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final, NamedTuple

from hadirector.cli.terminal import Paint, Row, short_duration, table
from hadirector.pair.comparison import DifferenceKind
from hadirector.pair.readiness import MEANINGS
from hadirector.pair.report import PairDifference, PairDirector, PairFacts, PairFlow, PairReport
from vrrp.model.report import State

POOLS_MAX: Final = 8
"""With more virtual servers, only virtual servers with a difference have a row of their own."""
DIFFERENT_MAX: Final = 20
"""Virtual servers with a difference that have a row of their own."""
NOT_KNOWN: Final = "not known"
OLD: Final = "was "
_POOLS: Final = frozenset({DifferenceKind.VERDICTS, DifferenceKind.WANTED, DifferenceKind.ACTUAL})
_MARKS: Final = {
    DifferenceKind.VERSION: "differs, compatible",
    DifferenceKind.CLOCK: "differs",
    DifferenceKind.CONFIGURATION: "differs",
    DifferenceKind.INSTANCE: "differs",
    DifferenceKind.VERDICTS: "other verdicts",
    DifferenceKind.WANTED: "other weights",
    DifferenceKind.ACTUAL: "another table",
    DifferenceKind.OVERRIDE: "differ",
    DifferenceKind.PAUSE: "differs",
    DifferenceKind.CONNECTION_SYNC: "connections are not synchronized",
}

Cell = Callable[[PairFacts], str]


class _Line(NamedTuple):
    """A row: its name, its cell for the facts of a director, and the differences that it shows."""

    name: str
    cell: Cell
    kinds: frozenset[DifferenceKind] = frozenset()
    object: str | None = None


def render_pair(report: PairReport, paint: Paint) -> Iterator[str]:
    """Render the directors side by side, and mark each difference."""
    for found in report.split_brains:
        names = " and ".join(found.directors)
        text = f"{found.instance}: {names} are both ACTIVE for {short_duration(found.seconds)}"
        yield paint(f"{text}: {found.cause}", "bold red")
    headings = Row((f"pair {report.pair}", *map(_heading, report.directors), ""))
    yield from table([headings, *(_row(report, line) for line in _lines(report))], paint)
    for director in report.directors:
        if not director.current:
            yield paint(f"{director.name}: {director.reach}: {director.reason}", "yellow")
    for flow in report.flows:
        if flow.advertises:
            style = "bold red" if flow.description else "dim"
            yield paint(_flow(flow), style)


def _lines(report: PairReport) -> Iterator[_Line]:
    yield _Line("version", _version, frozenset({DifferenceKind.VERSION}))
    yield _Line("configuration", _configuration, frozenset({DifferenceKind.CONFIGURATION}))
    for name in _names(report, lambda facts: [each.name for each in facts.instances]):
        yield _Line(name, partial(_instance, name), frozenset({DifferenceKind.INSTANCE}), name)
    yield _Line("ready", _ready)
    yield from _pool_lines(report)
    yield _Line("overrides", _overrides, frozenset({DifferenceKind.OVERRIDE}))
    if any(director.facts and director.facts.pause for director in report.directors):
        yield _Line("paused", _pause, frozenset({DifferenceKind.PAUSE}))
    if any(director.facts and director.facts.connection_sync for director in report.directors):
        yield _Line("sync daemon", _sync, frozenset({DifferenceKind.CONNECTION_SYNC}))
    if any(each.kind is DifferenceKind.CLOCK for each in report.differences):
        yield _Line("clock", lambda _facts: "", frozenset({DifferenceKind.CLOCK}))
    yield _Line("last failover", _failover)


def _pool_lines(report: PairReport) -> Iterator[_Line]:
    names = _names(report, lambda facts: [each.name for each in facts.virtual_servers])
    different = dict.fromkeys(each.object for each in report.differences if each.kind in _POOLS)
    if len(names) > POOLS_MAX:
        yield _Line(f"{len(names)} virtual servers", _all_pools)
        names = [*different][:DIFFERENT_MAX]
    for name in names:
        yield _Line(name, partial(_pool, name), _POOLS, name)
    if len(different) > len(names):
        more = len(different) - len(names)
        yield _Line(f"and {more} more that differ", lambda _facts: "")


def _row(report: PairReport, line: _Line) -> Row:
    found = [
        each
        for each in report.differences
        if each.kind in line.kinds and line.object in (None, each.object)
    ]
    cells = (line.name, *(_cell(each, line.cell) for each in report.directors), _mark(found))
    fault = any(each.fault for each in found)
    return Row(cells, len(cells) - 1, "yellow" if fault else "dim" if found else "")


def _heading(director: PairDirector) -> str:
    if director.here:
        return f"{director.name} (here)"
    if director.age is None:
        return f"{director.name} ({NOT_KNOWN})"
    if director.current:
        return f"{director.name} ({director.age:.1f} s ago)"
    return f"{director.name} (as of {short_duration(director.age)} ago, {director.reach})"


def _cell(director: PairDirector, cell: Cell) -> str:
    if director.facts is None:
        return NOT_KNOWN
    text = cell(director.facts)
    return text if director.current or not text else f"{OLD}{text}"


def _mark(found: list[PairDifference]) -> str:
    """Render a mark for differences: the objects, what differs, and for how long."""
    if not found:
        return ""
    first, *others = found
    text = f"<- {_MARKS[first.kind]}"
    if first.kind in (DifferenceKind.CONFIGURATION, DifferenceKind.OVERRIDE):
        more = f" and {len(others)} more" if others else ""
        text += f": {first.object}{more}"
    if first.kind is DifferenceKind.CLOCK:
        text += f": {first.there} on {first.peer}"
    return f"{text} (for {short_duration(first.seconds)})"


def _names(report: PairReport, names: Callable[[PairFacts], list[str]]) -> list[str]:
    """Return the names of all directors, in the order of the first director that has them."""
    known = [names(each.facts) for each in report.directors if each.facts is not None]
    return [*dict.fromkeys(name for each in known for name in each)]


def _version(facts: PairFacts) -> str:
    return facts.version or NOT_KNOWN


def _configuration(facts: PairFacts) -> str:
    return facts.configuration[:6] or NOT_KNOWN


def _instance(name: str, facts: PairFacts) -> str:
    found = next((each for each in facts.instances if each.name == name), None)
    if found is None:
        return "not configured"
    shows_age = found.since_seconds is not None and found.state is State.ACTIVE
    age = f" for {short_duration(found.since_seconds or 0.0)}" if shows_age else ""
    return f"{found.state}{age}, priority {found.priority}, VRID {found.virtual_router_id}"


def _ready(facts: PairFacts) -> str:
    if facts.ready:
        return "yes"
    first, *others = facts.unready
    more = f" (and {len(others)} more)" if others else ""
    meaning = MEANINGS.get(first.code, first.code)
    return f"NO: {meaning} for {short_duration(first.seconds)}{more}"


def _pool(name: str, facts: PairFacts) -> str:
    found = next((each for each in facts.virtual_servers if each.name == name), None)
    if found is None:
        return NOT_KNOWN if facts.left_out else "not configured"
    return f"{found.passing}/{found.total} pass, {found.connections} connections"


def _all_pools(facts: PairFacts) -> str:
    servers = facts.virtual_servers
    passing, total = sum(each.passing for each in servers), sum(each.total for each in servers)
    connections = sum(each.connections for each in servers)
    left_out = f", without {facts.left_out} virtual servers" if facts.left_out else ""
    return f"{passing}/{total} pass, {connections} connections{left_out}"


def _overrides(facts: PairFacts) -> str:
    return "not shared" if facts.overrides is None else str(facts.overrides)


def _pause(facts: PairFacts) -> str:
    pause = facts.pause
    if pause is None:
        return "no"
    return f"by {pause.actor}: {pause.reason}, {short_duration(pause.seconds_left)} left"


def _sync(facts: PairFacts) -> str:
    sync = facts.connection_sync
    if sync is None:
        return "none"
    roles = [name for name, runs in (("master", sync.master), ("backup", sync.backup)) if runs]
    return f"{' and '.join(roles) or 'not running'}, id {sync.sync_id}"


def _failover(facts: PairFacts) -> str:
    failover = facts.last_failover
    if failover is None:
        return "none known"
    silence = "" if failover.silence is None else f", silence {failover.silence * 1000:.0f} ms"
    when = f"{datetime.fromtimestamp(failover.at, UTC):%Y-%m-%d %H:%M}Z"
    return f"{when} {failover.instance} {failover.state} ({failover.reason}){silence}"


def _flow(flow: PairFlow) -> str:
    text = f"advertisements of {flow.instance}, {flow.sender} to {flow.receiver}: "
    if flow.description:
        return text + flow.description
    if flow.silence is None:
        return f"{text}none received yet"
    return f"{text}{flow.received} received, the last one {flow.silence:.1f} s ago"
