"""The view of ``hadirector watch``: lines for a terminal of any width and height.

Every line fits into the width. Text from outside has no control characters.
"""

from __future__ import annotations

import textwrap
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from checks.definition.result import Verdict
from hadirector.cli.events import line as event_line
from hadirector.cli.status_text import needs_attention
from hadirector.cli.terminal import printable, short_duration
from hadirector.events.event_log import Event
from hadirector.status.report import RealServerStatus, Status, VirtualServerStatus
from hadirector.status.verdict import DirectorVerdict, Level
from vrrp.model.report import InstanceStatus, State

STALE_SECONDS: Final = 3.0
"""From this age on, figures are gray, and their age is stated."""
UNKNOWN_SECONDS: Final = 10.0
"""From this age on, there is no verdict."""
POINTS_MAX: Final = 60
EVENTS_SHOWN: Final = 5
MEMBERS_SHOWN: Final = 10
"""Real servers of one virtual server that are listed."""
VERDICT_LINES: Final = 3
_STYLES: Final = {
    Level.OK: "bold green",
    Level.DEGRADED: "bold yellow",
    Level.CRITICAL: "bold white on red",
}
_GRAY: Final = "dim"
_NAME_WIDTH: Final = 22


class Symbols(NamedTuple):
    """The characters of a terminal: marks of real servers, and the steps of a sparkline."""

    fails: str
    override: str
    unknown: str
    differs: str
    more: str
    steps: str


UNICODE: Final = Symbols("✖", "⏸", "?", "→", "…", "▁▂▃▄▅▆▇█")
ASCII: Final = Symbols("x", "=", "?", ">", "~", "_.-:=+*#")


class Line(NamedTuple):
    """One line, and its style in the words of rich."""

    text: str
    style: str = ""


class View(msgspec.Struct, frozen=True):
    """The content of the view: the latest status, its verdict and its age in seconds, and events.

    ``points`` has the latest numbers of new connections per second of each virtual server.
    """

    status: Status
    verdict: DirectorVerdict
    age: float
    events: Sequence[Event] = ()
    points: Mapping[str, deque[int]] = {}


def view_lines(view: View, width: int, height: int, symbols: Symbols = UNICODE) -> list[Line]:
    """Return the lines of the view, each at most ``width`` characters, at most ``height`` lines."""
    head = [*_head(view, width)]
    body = [Line(""), *_instances(view.status.instances)]
    events = [Line(_event(event), _GRAY) for event in view.events[-EVENTS_SHOWN:]]
    tail = [Line(""), *events] if events else []
    room = max(3, height - len(head) - len(body) - len(tail))
    pools = _fit([*_pools(view, symbols)], room)
    stale = view.age > STALE_SECONDS
    figures = [Line(line.text, _GRAY if stale else line.style) for line in (*body, *pools, *tail)]
    lines = [*head, *figures][: max(1, height)]
    return [Line(_cut(printable(line.text), width, symbols), line.style) for line in lines]


def _event(event: Event) -> str:
    """Render an event without its date, which leaves room for its fields."""
    return event_line(event).partition(" ")[2]


def _head(view: View, width: int) -> Iterator[Line]:
    """Yield the verdict and the age of the figures."""
    status, verdict = view.status, view.verdict
    if view.age > UNKNOWN_SECONDS:
        word, style = "NOT KNOWN", "bold white on red"
        summary = f"no answer for {short_duration(view.age)}; before: {verdict.level}"
    else:
        word, style = str(verdict.level), _STYLES[verdict.level]
        summary = verdict.summary
    wrapped = textwrap.wrap(printable(f"{word}  {summary}"), width, max_lines=VERDICT_LINES)
    yield from (Line(text, style) for text in wrapped)
    age = "live" if view.age <= STALE_SECONDS else f"as of {short_duration(view.age)} ago"
    observes = ", observes" if status.observing else ""
    yield Line(f"{status.name}  hadirector {status.version}, {status.dataplane}{observes}  ({age})")


def _instances(instances: Sequence[InstanceStatus]) -> Iterator[Line]:
    if not instances:
        return
    yield Line(
        f"{'VRRP instance':{_NAME_WIDTH}}  {'state':12}  {'for':7}  priority  active", "bold"
    )
    for instance in instances:
        age = "" if instance.state_age is None else short_duration(instance.state_age)
        active = instance.active_router or "unknown"
        if instance.state is State.ACTIVE:
            active = "this director"
        state = "FAULT" if instance.fault is not None else instance.state.value
        text = (
            f"{_pad(instance.instance, _NAME_WIDTH)}  {state:12}  {age:7}  {instance.priority:8}"
            f"  {active}"
        )
        yield Line(text, "bold green" if instance.state is State.ACTIVE else "")
    yield Line("")


def _pools(view: View, symbols: Symbols) -> Iterator[Line]:
    if not view.status.virtual_servers:
        return
    heading = f"{'virtual server':{_NAME_WIDTH}}  serving  connections  new/s  last minute"
    yield Line(heading, "bold")
    for server in _sort_worst_first(view.status.virtual_servers):
        yield _pool(server, view.points.get(server.name, ()), symbols)
        listed = [member for member in server.real_servers if needs_attention(member)]
        yield from (_member(member, symbols) for member in listed[:MEMBERS_SHOWN])
        if len(listed) > MEMBERS_SHOWN:
            yield Line(f"    and {len(listed) - MEMBERS_SHOWN} more", _GRAY)


def _sort_worst_first(servers: Sequence[VirtualServerStatus]) -> list[VirtualServerStatus]:
    """Return the pools without a serving real server first, then pools that lack real servers."""

    def share(server: VirtualServerStatus) -> float:
        members = server.real_servers
        return _serving(server) / len(members) if members else 1.0

    return sorted(servers, key=share)


def _serving(server: VirtualServerStatus) -> int:
    return sum(bool(member.wanted_weight) for member in server.real_servers)


def _pool(server: VirtualServerStatus, points: Sequence[int], symbols: Symbols) -> Line:
    serving = _serving(server)
    total = sum(not member.absent for member in server.real_servers)
    connections = server.active_connections + server.inactive_connections
    text = (
        f"{_pad(server.name, _NAME_WIDTH)}  {f'{serving}/{total}':7}  {connections:11}"
        f"  {server.per_second.connections:5}  {sparkline(points, symbols)}"
    )
    missing = "  missing from the table" * (not server.present)
    style = "bold red" if total and not serving else "yellow" if serving < total else ""
    return Line(f"{text}{missing}", style if server.present else "bold red")


def _member(member: RealServerStatus, symbols: Symbols) -> Line:
    connections = member.active_connections + member.inactive_connections
    weight = "out" if member.wanted_weight is None else str(member.wanted_weight)
    age = "" if member.verdict_age is None else f" for {short_duration(member.verdict_age)}"
    if member.verdict is Verdict.FAILING:
        mark, style = symbols.fails, "red"
        reason = f"fails{age}: {member.reason}"
    elif member.override is not None:
        mark, style = symbols.override, "yellow"
        reason = member.weight_reason or str(member.override)
    elif member.verdict is Verdict.UNKNOWN:
        mark, style = symbols.unknown, "yellow"
        reason = member.reason
    else:
        mark, style = symbols.differs, "yellow"
        reason = member.weight_reason or f"the table has {member.actual_weight}"
    name = _pad(f"  {mark} {member.address}", _NAME_WIDTH)
    return Line(f"{name}  {weight:7}  {connections:11}  {reason}", style)


def sparkline(points: Sequence[int], symbols: Symbols) -> str:
    """Render numbers as a row of bars; the highest number has the highest bar."""
    highest = max(points, default=0)
    if not highest:
        return ""
    top = len(symbols.steps) - 1
    return "".join(symbols.steps[-(-number * top // highest)] for number in points)


def _pad(text: str, width: int) -> str:
    return f"{text[:width]:{width}}"


def _fit(lines: list[Line], room: int) -> list[Line]:
    """Return the first lines; the last one counts the lines that have no room."""
    if len(lines) <= room:
        return lines
    return [*lines[: room - 1], Line(f"and {len(lines) - room + 1} more lines", _GRAY)]


def _cut(text: str, width: int, symbols: Symbols) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}{symbols.more}"
