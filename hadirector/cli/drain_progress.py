"""Follows a drain until its real servers have left the table."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.cli.news import News
from hadirector.cli.terminal import erase_lines, exact_duration
from hadirector.status.drain_estimate import DrainEstimate

if TYPE_CHECKING:
    from hadirector.api.endpoint import Endpoint

STEP_SECONDS: Final = 1.0
LINE_SECONDS: Final = 10.0
"""Without a terminal, a line is printed at most this often."""
LINES_MAX: Final = 10
BAR_WIDTH: Final = 16
NAME_WIDTH_MAX: Final = 30
INTERRUPTED: Final = 130


class DrainState(msgspec.Struct, frozen=True):
    """The part of an override that the progress of a drain needs."""

    name: str
    state: str
    description: str = ""
    connections: int | None = None
    deadline_in: float | None = None

    @property
    def over(self) -> bool:
        """Whether the real server has left the table."""
        return self.state in ("drained", "disabled")


class _Overrides(msgspec.Struct):
    overrides: tuple[DrainState, ...]
    next: str | None = None


class Outcome(NamedTuple):
    """The finished drains, the drains in progress, and the names of drains ended by operators."""

    over: tuple[DrainState, ...]
    left: tuple[DrainState, ...]
    ended: tuple[str, ...]


def follow(
    endpoint: Endpoint, names: Collection[str], selection: str, *, quiet: bool = False
) -> int:
    """Show the progress until no connection is left, or only wait if ``quiet``.

    Return 0 when the real servers have left the table, 1 when an operator has ended a drain, and
    130 after Ctrl-C, which leaves the drain running. Raises ApiError.
    """
    try:
        return _follow(endpoint, names, quiet=quiet)
    except KeyboardInterrupt:
        if not quiet:
            print(f"the drain goes on; `hadirector wait drained {selection}` waits for its end")
        return INTERRUPTED


def _follow(endpoint: Endpoint, names: Collection[str], *, quiet: bool) -> int:
    news, estimates = News(endpoint), {name: DrainEstimate() for name in names}
    began, printed, shown_at = time.monotonic(), 0, float("-inf")
    live = sys.stdout.isatty()
    while True:
        now = time.monotonic()
        outcome = sort_out(_read(endpoint), names)
        for state in outcome.left:
            estimates[state.name].add(now, state.connections or 0)
        if live:
            erase_lines(printed)
        done = not outcome.left
        if not quiet and (live or done or now - shown_at >= LINE_SECONDS):
            shown_at = now
            lines = [*render(outcome, estimates, now - began)]
            width = shutil.get_terminal_size().columns - 1
            printed = len(lines)
            print("\n".join(line[:width] for line in lines) if live else "\n".join(lines))
            sys.stdout.flush()
        if done:
            return 1 if outcome.ended else 0
        news.wait(STEP_SECONDS)


def sort_out(overrides: Sequence[DrainState], names: Collection[str]) -> Outcome:
    """Sort the named drains by their states."""
    found = {override.name: override for override in overrides if override.name in names}
    present = [found[name] for name in names if name in found]
    over = tuple(state for state in present if state.over)
    left = tuple(state for state in present if state.state == "draining")
    known = {state.name for state in (*over, *left)}
    return Outcome(over, left, tuple(name for name in names if name not in known))


def render(
    outcome: Outcome, estimates: Mapping[str, DrainEstimate], seconds: float
) -> Iterator[str]:
    """Render one line for each drain, at most 10, and count the others."""
    width = min(NAME_WIDTH_MAX, max(map(len, estimates), default=0))
    lines = [
        *(f"{state.name:{width}}  {_progress(state, estimates)}" for state in outcome.left),
        *(f"{name:{width}}  the drain was ended by an operator" for name in outcome.ended),
        *(
            f"{state.name:{width}}  {state.state} after {exact_duration(seconds)}"
            for state in outcome.over
        ),
    ]
    yield from lines[:LINES_MAX]
    if len(lines) > LINES_MAX:
        yield f"and {len(lines) - LINES_MAX} more"


def _progress(state: DrainState, estimates: Mapping[str, DrainEstimate]) -> str:
    estimate = estimates[state.name]
    if state.connections is None:
        return "the number of connections is not known"
    rate = "" if estimate.rate is None else f"  -{estimate.rate:.1f}/s"
    return (
        f"{_bar(estimate)}  {estimate.left} of {estimate.first} left{rate}"
        f"{_remaining(estimate.seconds_left, state.deadline_in)}"
    )


def _bar(estimate: DrainEstimate) -> str:
    filled = round(BAR_WIDTH * (1 - estimate.left / estimate.first)) if estimate.first else 0
    return f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}]"


def _remaining(seconds: float | None, deadline: float | None) -> str:
    """Render the time until the end: the estimate, and the deadline if it comes first."""
    if deadline is not None and (seconds is None or seconds > deadline):
        return f"  at most {exact_duration(deadline)} (deadline)"
    return "" if seconds is None else f"  about {exact_duration(seconds)}"


def _read(endpoint: Endpoint) -> tuple[DrainState, ...]:
    """Return all overrides, page by page. Raises ApiError."""
    found: tuple[DrainState, ...] = ()
    after: str | None = ""
    while after is not None:
        page = _read_page(endpoint, after)
        found += page.overrides
        after = page.next
    return found


def _read_page(endpoint: Endpoint, after: str) -> _Overrides:
    """Return a page. The request is repeated during a restart. Raises ApiError."""
    path = f"/v1/overrides?after={quote(after)}" if after else "/v1/overrides"
    for _ in range(3):
        try:
            answer = request(endpoint, "GET", path)
        except ApiError as error:
            if error.status is not None:
                raise
            time.sleep(STEP_SECONDS)
            continue
        return msgspec.json.decode(answer, type=_Overrides)
    return msgspec.json.decode(request(endpoint, "GET", path), type=_Overrides)
