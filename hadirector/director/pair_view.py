"""Compares this director with its peers after each change, and logs the events of the pair.

The comparison is information: nothing here decides about elections, checks or the table.
"""

from __future__ import annotations

import asyncio
from time import monotonic

import structlog

from hadirector.model.pair import Pair
from hadirector.pair.comparison import LastingDifference
from hadirector.pair.knowledge import NOTHING_KNOWN, find_events, update
from hadirector.pair.peers import Peers
from hadirector.pair.problems import find_problems
from hadirector.pair.report import PairReport, find_successor, make_report, summarize
from hadirector.pair.state import PairState
from hadirector.status.pair_summary import PairSummary
from hadirector.status.takeover import Successor
from hadirector.status.verdict import DirectorVerdict


class PairView:
    """The pair as this director sees it. Without a pair link, there is nothing to see."""

    def __init__(self) -> None:
        self._known = NOTHING_KNOWN
        self._pair: Pair | None = None
        self._own: PairState | None = None
        self._peers: Peers = {}
        self._log = structlog.get_logger()

    async def follow(self, pair: Pair | None, own: PairState | None, peers: Peers) -> None:
        """Compare again, after a change of the own state or of a peer.

        A thread compares, because large states would hold up the director.
        """
        before, known = self._known, NOTHING_KNOWN
        if own is not None:
            known = await asyncio.to_thread(update, before, own, peers, monotonic())
        self._pair, self._own, self._peers, self._known = pair, own, peers, known
        for event in () if own is None else find_events(before.comparison, known.comparison):
            getattr(self._log, event.level)(event.name, **event.fields)

    @property
    def differences(self) -> tuple[LastingDifference, ...]:
        """The differences from the peers at the latest comparison."""
        return self._known.comparison.differences

    @property
    def contested(self) -> frozenset[str]:
        """The instances for which two directors seem to be ACTIVE."""
        return frozenset(instance for instance, *_ in self._known.conflicts)

    def summary(self) -> PairSummary | None:
        """Return the pair in a short form; None without a pair link."""
        if self._pair is None or self._own is None:
            return None
        now, comparison = monotonic(), self._known.comparison
        problems = find_problems(self._own, self._peers, comparison, now)
        return summarize(self._pair.name, self._peers, comparison, problems, now)

    def successor(self, instance: str) -> Successor | None:
        """Return the peer that would take an instance over, if one is known."""
        return find_successor(self._peers, instance, monotonic())

    def report(self, verdict: DirectorVerdict) -> PairReport | None:
        """Return the directors side by side; None without a pair link."""
        if self._pair is None or self._own is None:
            return None
        return make_report(
            self._pair,
            self._own,
            self._peers,
            self._known.comparison,
            verdict=verdict,
            now=monotonic(),
        )
