"""DESIGN's first two promises, checked after every event of a simulated world.

The limits are literal numbers from the RFC and the documents, not constants of the code: a longer
delay in the code breaks a promise. ``interval`` is the longest advertisement interval of a router,
``delay`` the longest time of a packet on the link. Clocks differ by at most ``CLOCK_SKEW``.

- **No router holds the addresses**, counted from the last trouble, for at most 3 intervals (or
  ``down_timer_adverts``), the
  longest skew time (one interval; a second in version 2), the start delay of a router, and one
  delay. Later than ``calm_after`` there is no such moment.
- **Two routers hold them, neither in a handover**, for at most two delays. After trouble, when two
  routers could not receive each other's advertisements, one of them has to advertise first: the
  limit is one interval longer.
- **Two routers hold them, one in a handover**, for at most two pauses between its advertisements of
  priority 0 (an interval and 0.1 s each), the release delay of 0.2 s, and two delays.
- **A dead or frozen process leaves the addresses to its kernel** for at most the lifetime. During
  that time the kernel does not count as a second holder.
- **No router changes its state** after ``calm_after``, when all of that and the longest preemption
  delay are over.
- **A router hands over without an order** at most once in 30 s of its own clock.

The limits hold for each side of a partitioned link. They do not hold on a link that loses packets
or is deaf in one direction. After such a fault the link must recover.
"""

from __future__ import annotations

import math

from tests.simulation.world import Node, World
from vrrp.router.machine import Router

CLOCK_SKEW = 0.01
ROUNDING = 0.000_1

ACTIVE_DOWN_INTERVALS = 3
"""RFC 9568 6.1: Active_Down_Interval = 3 * Active_Adver_Interval + Skew_Time."""
RELEASE_DELAY = 0.2
"""CHANGELOG: a handover ends at most 200 ms after the first advertisement of the successor."""
REPEAT_PAUSE = 0.1
"""Added to one interval: no skew time is longer than one interval (RFC 9568 6.1), so a second
advertisement of priority 0 after this pause cannot restart a successor's skew time."""
LIFETIME_SECONDS_MIN = 3
REFRESH_SECONDS = 0.5
"""docs/decisions/0006: a lifetime is four intervals and one refresh, and at least 3 s; one interval
more for each interval that `down_timer_adverts` is above 3."""

HANDOVER_PAUSE = 30.0
"""docs/operations.md: the shortest time between two handovers without an order."""

NONE = "no router holds the addresses"
TWO = "two routers hold the addresses"
TWO_IN_HANDOVER = "two routers hold the addresses, one in a handover,"

Side = tuple[int, int]
"""A link, and a part of it when it is partitioned."""


class BrokenPromiseError(AssertionError):
    """A promise was broken. The message names the promise, the place, the time and the duration."""


class _Hosts:
    """Numbers of hosts on one side: working, holding, both, and both without a handover."""

    __slots__ = ("holding", "serving", "staying", "working")

    def __init__(self) -> None:
        self.working = self.holding = self.serving = self.staying = 0


class Promises:
    """Checks the promises in one world. ``trouble`` must be called at every trouble."""

    def __init__(
        self,
        world: World,
        *,
        interval: float,
        longest_skew: float,
        preempt_delay: float,
        start_delay: float,
        down_timer_adverts: int = ACTIVE_DOWN_INTERVALS,
    ) -> None:
        self._world = world
        delay = world.delay[1]
        slow = 1 + 2 * CLOCK_SKEW
        handover = 2 * (interval + REPEAT_PAUSE) + RELEASE_DELAY
        silence = down_timer_adverts * interval + longest_skew + start_delay
        self.gap_limit = silence * slow + delay + ROUNDING
        self.overlap_limit = 2 * delay + ROUNDING
        self.meeting_limit = self.overlap_limit + interval * slow
        self.handover_limit = self.overlap_limit + handover * slow
        self.calm_after = self.gap_limit * 2 + self.handover_limit + preempt_delay * slow
        self.lifetime_limit = ROUNDING + max(
            LIFETIME_SECONDS_MIN, math.ceil((down_timer_adverts + 1) * interval + REFRESH_SECONDS)
        )
        self._troubled_at = 0.0
        self._since: dict[tuple[str, Side], float] = {}
        self._handovers: dict[Node, tuple[Router, float]] = {}
        self._left_since: dict[Node, float] = {}
        """Nodes without a working process whose kernel still holds the addresses."""

    def trouble(self) -> None:
        """Restart the limits: at this moment something failed, or an operator gave an order."""
        self._troubled_at = self._world.now
        self._since.clear()

    def handover_began(self, node: Node) -> None:
        """Note a handover without an order, which is trouble too.

        Raise BrokenPromiseError if the router began another one too short a time before.
        """
        self.trouble()
        now = node.local(self._world.now)
        router, began = self._handovers.get(node, (None, 0.0))
        if router is node.router and now - began < HANDOVER_PAUSE:
            raise BrokenPromiseError(f"{node} hands over again after {now - began:.4f} s")
        self._handovers[node] = node.router, now

    def state_changed(self, node: Node) -> None:
        """Raise BrokenPromiseError if a router changes its state in calm."""
        lossy = self._world.loss > 0 or self._world.deaf
        if not lossy and self._world.now > self._troubled_at + self.calm_after:
            raise BrokenPromiseError(f"{node} changed its state at {self._world.now:.4f} in calm")

    def check(self) -> None:
        """Raise BrokenPromiseError if a promise is broken now."""
        now = self._world.now
        sides: dict[Side, _Hosts] = {}
        for node in self._world.nodes:
            side = (node.link, node.side)
            hosts = sides.get(side)
            if hosts is None:
                hosts = sides[side] = _Hosts()
            holds = node.holds(now)
            hosts.holding += holds
            if node.working:
                hosts.working += 1
                if holds:
                    hosts.serving += 1
                    hosts.staying += not node.router.handing_over
            elif holds:
                self._check_lifetime(node)
                continue
            self._left_since.pop(node, None)
        if self._world.loss > 0 or self._world.deaf:
            return
        for side, hosts in sides.items():
            self._check_side(side, hosts)

    def _check_lifetime(self, node: Node) -> None:
        now = self._world.now
        seconds = now - self._left_since.setdefault(node, now)
        if seconds > self.lifetime_limit:
            raise BrokenPromiseError(f"the kernel of {node} holds for {seconds:.4f} s at {now:.4f}")

    def _check_side(self, side: Side, hosts: _Hosts) -> None:
        none = hosts.working > 0 and hosts.holding == 0
        self._judge(NONE, side, none, ROUNDING, self.gap_limit)
        limit = self.handover_limit
        self._judge(TWO_IN_HANDOVER, side, hosts.serving > 1, limit, limit)
        self._judge(TWO, side, hosts.staying > 1, self.overlap_limit, self.meeting_limit)

    def _judge(
        self, what: str, side: Side, lasts: bool, limit_in_calm: float, limit: float
    ) -> None:
        if not lasts:
            self._since.pop((what, side), None)
            return
        now = self._world.now
        since = self._since.setdefault((what, side), now)
        seconds, calm = now - since, since > self._troubled_at + self.calm_after
        if seconds > (limit_in_calm if calm else limit):
            raise BrokenPromiseError(f"{what} at {now:.4f} for {seconds:.4f} s")
