"""DESIGN's first two promises, watched at every moment of a simulated world.

The bounds, where ``interval`` is the longest advertisement interval any router was configured with,
``delay`` the longest way of a packet, and clocks differ by ``CLOCK_SKEW`` at most:

- **Nobody holds the addresses** for no longer than 3 intervals, the longest skew time (one
  interval; a second in version 2), what a router that starts only listens at first, and one delay,
  counted from the last trouble. When that is long over, there is no such moment at all.
- **Two hold them**, neither of which is handing over, for no longer than two delays. In the first
  moments after trouble, two routers that could not hear each other need one of them to advertise:
  an interval more.
- **Two hold them, one of which is handing over**, for no longer than it goes on without a
  successor: two intervals and 0.2 s, then the release delay of 0.2 s, and two delays.
- **Nobody changes his state** once all of that, and the longest preemption delay, is over.

They hold for every side of a partitioned link by itself. Of a link that loses packets or is deaf
in one direction nothing can be promised; it must only be well again afterwards. A process that is
dead or frozen can do nothing about its addresses: its kernel ends them by their lifetime, and until
then they are not counted as a second holder.
"""

from __future__ import annotations

from tests.simulation.world import Node, World
from vrrp.router.handover import RELEASE_DELAY, RESIGNATION_MARGIN

CLOCK_SKEW = 0.01
ROUNDING = 0.000_1

Side = tuple[int, int]
"""A link, and a part of it when it is partitioned."""


class BrokenPromiseError(AssertionError):
    """Which, where, when and for how long."""


class Promises:
    """Watches one world; tell it of every trouble."""

    def __init__(
        self,
        world: World,
        *,
        interval: float,
        longest_skew: float,
        preempt_delay: float,
        start_delay: float,
    ) -> None:
        self._world = world
        delay = world.delay[1]
        slow = 1 + 2 * CLOCK_SKEW
        patience = 2 * (interval + RESIGNATION_MARGIN) + RELEASE_DELAY
        silence = 3 * interval + longest_skew + start_delay
        self.gap_limit = silence * slow + delay + ROUNDING
        self.overlap_limit = 2 * delay + ROUNDING
        self.meeting_limit = self.overlap_limit + interval * slow
        self.departure_limit = self.overlap_limit + patience * slow
        self.calm_after = self.gap_limit * 2 + self.departure_limit + preempt_delay * slow
        self._troubled_at = 0.0
        self._since: dict[tuple[str, Side], float] = {}

    def trouble(self) -> None:
        """Something went wrong at this moment, or was asked for."""
        self._troubled_at = self._world.now
        self._since.clear()

    def state_changed(self, node: Node) -> None:
        """Raise BrokenPromiseError if there was no reason to."""
        lossy = self._world.loss > 0 or self._world.deaf
        if not lossy and self._world.now > self._troubled_at + self.calm_after:
            raise BrokenPromiseError(f"{node} changed its state at {self._world.now:.4f} in calm")

    def check(self) -> None:
        """Raise BrokenPromiseError if one is."""
        if self._world.loss > 0 or self._world.deaf:
            return
        for side in {(node.link, node.side) for node in self._world.nodes}:
            self._check_side(side)

    def _check_side(self, side: Side) -> None:
        now = self._world.now
        nodes = [node for node in self._world.nodes if (node.link, node.side) == side]
        working = [node for node in nodes if node.working]
        holders = [node for node in working if node.holds(now)]
        staying = [node for node in holders if not node.router.handing_over]
        nobody = bool(working) and not any(node.holds(now) for node in nodes)
        gap_limit = ROUNDING if self._calm("nobody holds", side) else self.gap_limit
        self._judge("nobody holds", side, nobody, gap_limit)
        self._judge("two hold and leave", side, len(holders) > 1, self.departure_limit)
        overlap_limit = self.overlap_limit if self._calm("two hold", side) else self.meeting_limit
        self._judge("two hold", side, len(staying) > 1, overlap_limit)

    def _calm(self, what: str, side: Side) -> bool:
        """Whether what lasts now began when trouble was long over."""
        since = self._since.get((what, side), self._world.now)
        return since > self._troubled_at + self.calm_after

    def _judge(self, what: str, side: Side, lasts: bool, limit: float) -> None:
        if not lasts:
            self._since.pop((what, side), None)
            return
        now = self._world.now
        seconds = now - self._since.setdefault((what, side), now)
        if seconds > limit:
            raise BrokenPromiseError(f"{what} the addresses at {now:.4f} for {seconds:.4f} s")
