"""Searches a reply for a regular expression in a limited time."""

from __future__ import annotations

import re
import signal
from collections.abc import Collection
from time import monotonic
from types import FrameType
from typing import Final, NamedTuple

from checks.io.search_budget import SearchBudget

_BUDGET: Final = SearchBudget()
"""The budget of this process. All searches share it, because they run in the main thread."""


class SearchTooLongError(Exception):
    """The search has exceeded its CPU time."""


class SearchPostponedError(Exception):
    """There is no time for the search, because other searches have used it."""


class _BrokenOffError(Exception):
    """The timer has ended the search."""


class Offsets(NamedTuple):
    """Where a match may begin, in characters. ``last`` is None for the end of the text."""

    first: int = 0
    last: int | None = None


ANYWHERE: Final = Offsets()


def search(pattern: str, text: str, target: str, offsets: Offsets = ANYWHERE) -> bool:
    """Return whether ``pattern`` matches in ``text``, a reply of this target.

    The match must begin within the offsets. The pattern sees the text before the first offset:
    ``^`` does not match there.

    Some patterns take exponential time on some texts. A search holds the interpreter lock, so
    neither a thread nor a task can end it. The regular expression engine handles signals while it
    backtracks, so an interval timer on the CPU time of this process (setitimer(2)) can end it.
    Python allows signal handlers only in the main thread.

    Raises SearchTooLongError if a whole search takes too long for this target. Raises
    SearchPostponedError if this is unknown, because `SearchBudget` has no time for a whole search.
    """
    began = monotonic()
    limit = _BUDGET.limit(target, began)
    if limit:
        try:
            found = _search(pattern, text, limit, offsets)
        except _BrokenOffError:
            _BUDGET.note_break(target, limit, monotonic())
        else:
            _BUDGET.note_end(target, min(monotonic() - began, limit))
            return found
    what = f"searching {len(text)} characters for /{pattern}/"
    if _BUDGET.is_too_long(target):
        raise SearchTooLongError(f"{what} took too long")
    raise SearchPostponedError(f"{what} is postponed, because other searches take too long")


def keep_targets(targets: Collection[str]) -> None:
    """Forget the searches of all other targets."""
    _BUDGET.keep(targets)


def _search(pattern: str, text: str, limit: float, offsets: Offsets) -> bool:
    def end_search(_signal: int, _frame: FrameType | None) -> None:
        raise _BrokenOffError

    compiled = re.compile(pattern)
    previous = signal.signal(signal.SIGVTALRM, end_search)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    try:
        found = compiled.search(text, offsets.first)
        return found is not None and (offsets.last is None or found.start() <= offsets.last)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)
