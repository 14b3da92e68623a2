"""Searching a reply for a regular expression without letting the search stop everything else."""

from __future__ import annotations

import re
import signal
from types import FrameType

SEARCH_TIME_MAX = 0.1
"""Processor time one search may take, seconds."""


class SearchTooLongError(Exception):
    """The search used up its processor time."""


def search(pattern: str, text: str) -> bool:
    """Whether ``pattern`` is found anywhere in ``text``.

    Some patterns take exponential time on some texts, and a search holds the interpreter lock,
    so neither a thread nor a task can end it. The regular expression engine does look for
    signals while it backtracks: an interval timer of this process's own processor time ends it.
    To be called in the main thread, as signals demand.

    Raises SearchTooLongError when it takes longer than SEARCH_TIME_MAX.
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
