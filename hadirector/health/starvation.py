"""Decides whether a checks worker gets too little processor time for its probes. Pure.

Such a worker is starved.
"""

from __future__ import annotations

from typing import Final

from hadirector.processes.messages import CheckStatistics

SHARE_STARVED: Final = 0.25
"""A worker that does not attend to its probes for this share of the time becomes starved."""

SHARE_RECOVERED: Final = 0.1
"""Below this share it is no longer starved."""

SPAN_SECONDS: Final = 5.0
"""The time over which the share is measured. A new configuration may take a worker a second."""

_STARTED: Final = CheckStatistics(0, 0, {})


class Starvation:
    """The names of the starved workers."""

    def __init__(self) -> None:
        self.starved: set[str] = set()
        self._span_began: dict[str, CheckStatistics] = {}

    def note(self, name: str, latest: CheckStatistics) -> float | None:
        """Update the state of a worker from its statistics.

        If the worker becomes starved or recovers, return the share of the time for which it
        did not attend to its probes. Otherwise return None.
        """
        began = self._span_began.get(name, _STARTED)
        if latest.running < began.running:  # the worker has been restarted
            began = self._span_began[name] = _STARTED
        seconds = latest.running - began.running
        if seconds < SPAN_SECONDS:
            return None
        self._span_began[name] = latest
        share = min(1.0, (latest.unattended - began.unattended) / seconds)
        was_starved = name in self.starved
        if was_starved is (share >= (SHARE_RECOVERED if was_starved else SHARE_STARVED)):
            return None
        self.starved ^= {name}
        return share

    def forget(self, name: str) -> None:
        """Forget a worker that has been removed."""
        self.starved.discard(name)
        self._span_began.pop(name, None)
