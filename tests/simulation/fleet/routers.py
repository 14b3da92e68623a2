"""The routers: which director each flow reaches, by the announcements of all directors."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import Final, Literal

from hadirector.announce.decision import AnnouncementRole

BUCKETS: Final = 1024
"""Buckets of a resilient group, at least 16 for each of 64 directors."""
HASH_MAX: Final = 1 << 31
"""Linux hashes a flow to 31 bits (net/ipv4/fib_semantics.c, fib_select_multipath)."""
Policy = Literal["threshold", "resilient"]


@dataclass(eq=False)
class Route:
    """The route to a group of addresses on all routers. They receive the same announcements."""

    policy: Policy
    announced: list[int]
    reluctant: list[int] = field(default_factory=list)
    buckets: list[int] = field(default_factory=list)
    updates: int = 0

    def __post_init__(self) -> None:
        self._rebalance()

    @property
    def next_hops(self) -> list[int]:
        """The directors that get packets: reluctant ones only if there is no other."""
        return self.announced or self.reluctant

    def change(self, director: int, role: AnnouncementRole) -> bool:
        """Take an announcement or its withdrawal; return whether the next hops have changed."""
        before = list(self.next_hops)
        for role_of_list, directors in (
            (AnnouncementRole.ANNOUNCED, self.announced),
            (AnnouncementRole.RELUCTANT, self.reluctant),
        ):
            if director in directors and role is not role_of_list:
                directors.remove(director)
            elif director not in directors and role is role_of_list:
                insort(directors, director)
        self.updates += 1
        changed = before != self.next_hops
        if changed:
            self._rebalance()
        return changed

    def select(self, flow: int) -> int | None:
        """Return the director of a flow with this hash; None if there is no route."""
        if not self.next_hops:
            return None
        if self.policy == "resilient":
            return self.buckets[flow % BUCKETS]
        return self.next_hops[flow * len(self.next_hops) // HASH_MAX]

    def _rebalance(self) -> None:
        """Give the buckets of lost next hops to others, and new next hops buckets of others.

        This is what a resilient group does when all its buckets are idle (net/ipv4/nexthop.c).
        """
        hops = self.next_hops
        if self.policy != "resilient" or not hops:
            return
        self.buckets = self.buckets or [hops[n * len(hops) // BUCKETS] for n in range(BUCKETS)]
        counts = dict.fromkeys(hops, 0)
        free = []
        most = -(-BUCKETS // len(hops))
        for number, hop in enumerate(self.buckets):
            if hop in counts and counts[hop] < most:
                counts[hop] += 1
            else:
                free.append(number)
        for hop in hops:
            while free and counts[hop] < BUCKETS // len(hops):
                self.buckets[free.pop()] = hop
                counts[hop] += 1
        for number, hop in zip(list(free), hops, strict=False):
            self.buckets[number] = hop
