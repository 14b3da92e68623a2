"""Searches a reply for a regular expression, within a limit on processor time."""

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
    """The search was aborted, because it used the whole processor time that one search may use."""


class SearchPostponedError(Exception):
    """The search was not finished, because other searches have used the shared processor time."""


class _BrokenOffError(Exception):
    """The timer has ended the search."""


class Offsets(NamedTuple):
    """The first and last offset at which a match may begin, in characters (last None: no limit)."""

    first: int = 0
    last: int | None = None


ANYWHERE: Final = Offsets()


def search(pattern: str, text: str, target: str, offsets: Offsets = ANYWHERE) -> bool:
    """Return whether ``pattern`` matches in ``text``, a reply of this target.

    The match must begin within the offsets. An anchor ``^`` still refers to the start of the
    text, not to the first offset.

    Some patterns take exponential time on some texts. A search holds the interpreter lock, so
    neither a thread nor a task can end it. The regular expression engine handles signals while
    it backtracks, so an interval timer on the CPU time of this process (setitimer(2)) can end
    it. Python allows signal handlers only in the main thread.

    Raises SearchTooLongError if this search needs more than the limit. Raises
    SearchPostponedError if `SearchBudget` has no time left to find that out.
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
    """Drop the search history of all targets except these."""
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
