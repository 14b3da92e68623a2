"""Render the announced addresses of a director as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hadirector.announce.status import AnnouncementStatus, GroupStatus
from hadirector.cli.terminal import Paint, Row, short_duration, table

_HEADINGS: Final = ("announced group", "state", "since", "addresses", "reason")
_STATE_COLUMN: Final = 1
_STYLES: Final = {"announced": "bold green", "reluctant": "yellow", "withdrawn": "red"}


def render_announcements(status: AnnouncementStatus | None, paint: Paint) -> Iterator[str]:
    """Render a row for each group, and a line for each router and each failure.

    Render nothing if nothing is announced.
    """
    if status is None:
        return
    yield ""
    yield from table([Row(_HEADINGS), *map(_group, status.groups)], paint)
    if status.engine is not None:
        if status.engine.fault:
            yield paint(f"routing engine: {status.engine.fault}", "yellow")
        for session in status.engine.sessions:
            style = "dim" if session.established else "yellow"
            yield paint(f"router {session.neighbor}: {session.state}", style)
    for failure in status.failures:
        yield paint(f"announcement failing: {failure}", "red")


def _group(group: GroupStatus) -> Row:
    reason = group.reason
    if group.rises_in is not None:
        reason += f", {group.rises_in:.1f} s left"
    cells = (
        group.name,
        group.role.value,
        f"{short_duration(group.age)} ago",
        ", ".join(group.addresses),
        reason,
    )
    return Row(cells, _STATE_COLUMN, _STYLES[group.role.value])
