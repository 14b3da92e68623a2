"""How often a source is read whose server reports changes."""

from __future__ import annotations

from time import monotonic
from typing import Final

NEWS_SECONDS: Final = 0.2
NO_NEWS_SECONDS: Final = 1.0


def rest_after_watch(began: float, *, news: bool) -> float:
    """Return the seconds until the next reading. This one began at that monotonic time.

    A server that ends each watch at once must not be asked without a pause.
    """
    return (NEWS_SECONDS if news else NO_NEWS_SECONDS) - (monotonic() - began)
