"""Searches a reply for a regular expression in a limited time."""

from __future__ import annotations

import re
import signal
from types import FrameType

SEARCH_TIME_MAX = 0.1
"""The limit on the CPU time of one search, in seconds."""


class SearchTooLongError(Exception):
    """The search has exceeded its CPU time."""


def search(pattern: str, text: str) -> bool:
    """Return whether ``pattern`` matches anywhere in ``text``.

    Some patterns take exponential time on some texts. A search holds the interpreter lock, so
    neither a thread nor a task can end it. The regular expression engine handles signals while it
    backtracks, so an interval timer on the CPU time of this process (setitimer(2)) can end it.
    Python allows signal handlers only in the main thread.

    Raises SearchTooLongError after SEARCH_TIME_MAX.
    """

    def end_search(_signal: int, _frame: FrameType | None) -> None:
        raise SearchTooLongError(f"searching {len(text)} characters for /{pattern}/ took too long")

    compiled = re.compile(pattern)
    previous = signal.signal(signal.SIGVTALRM, end_search)
    signal.setitimer(signal.ITIMER_VIRTUAL, SEARCH_TIME_MAX)
    try:
        return compiled.search(text) is not None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)
