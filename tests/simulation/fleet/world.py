"""One seeded world: directors, backends, sources, the links between directors, and routers.

Only faults and their consequences are events. A probe whose result is as expected changes nothing,
so it is no event: `probe_load` counts such probes by their rate. Times are seconds of the world.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any, Final

from checks.definition.result import Reason, Verdict
from hadirector.announce.decision import AnnouncementRole, due_in
from hadirector.model.discovery import Member
from hadirector.model.ipvs import DestinationKey
from tests.simulation.fleet.director import START_SECONDS, Director
from tests.simulation.fleet.flows import Flows
from tests.simulation.fleet.layout import Layout, Size, build_layout
from tests.simulation.fleet.links import Links
from tests.simulation.fleet.probe_load import ProbeLoad
from tests.simulation.fleet.probing import Probing
from tests.simulation.fleet.promises import Promises
from tests.simulation.fleet.routers import Policy, Route
from tests.simulation.fleet.tables import Shape, Weights
from tests.simulation.fleet.times import Times

LIFETIME: Final = 3.0
ROUTER_SECONDS: Final = 0.1
"""Until the routers have taken an announcement or a withdrawal."""
DECISION_SECONDS: Final = 0.001
"""Until a director has decided after a verdict. Verdicts within this time share a decision."""
SETTLE_SECONDS: Final = 60.0
"""After this time without a fault in a pool, all directors decide equally about it."""


class World:
    """All parts of a world, and the queue of events."""

    def __init__(self, seed: int, size: Size) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.now = 0.0
        self.layout: Layout = build_layout(size)
        self.story: list[str] = []
        self._queue: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = count()
        self.down: dict[str, Reason] = {}
        self.failed_at: dict[str, float] = {}
        self.drained: set[tuple[int, DestinationKey]] = set()
        self.disturbed_at: dict[int, float] = defaultdict(lambda: -SETTLE_SECONDS)
        self.altered: set[int] = set()
        self.named: dict[int, tuple[Member, ...] | None] = {}
        self._shapes: dict[tuple[int, int, Weights], Shape] = {}
        self._undecided: dict[int, set[int]] = defaultdict(set)
        self.directors = [Director(number, self.layout) for number in range(size.directors)]
        policy: Policy = "resilient" if seed % 2 else "threshold"
        everybody = range(size.directors)
        self.routes = [Route(policy, list(everybody)) for _ in self.layout.groups]
        self.links = Links(self)
        self.load = ProbeLoad(self)
        self.promises = Promises(self)
        self.times = Times()
        self.flows = Flows(self)
        self.probing = Probing(self)
        self.links.begin()

    # --- the queue ------------------------------------------------------------------------------

    def at(self, when: float, action: Callable[..., None], *arguments: Any) -> None:
        """Let something happen at a time."""
        heapq.heappush(self._queue, (when, next(self._numbers), action, arguments))

    def run(self, until: float) -> None:
        """Let everything happen that is due until then. Raises BrokenPromiseError."""
        queue = self._queue
        while queue and queue[0][0] <= until:
            self.now, _, action, arguments = heapq.heappop(queue)
            action(*arguments)
        self.now = until
        self.load.account()

    def note(self, text: str) -> None:
        """Write a line of the story."""
        self.story.append(f"{self.now:9.3f}  {text}")

    # --- backends -------------------------------------------------------------------------------

    def fail(self, target: str, reason: Reason) -> None:
        """Let a backend refuse connections, or be silent."""
        self.down[target] = reason
        self.failed_at[target] = self.now
        self._note_backend(target)

    def repair(self, target: str) -> None:
        """Let a backend answer again."""
        if self.down.pop(target, None) is not None:
            self._note_backend(target)

    def _note_backend(self, target: str) -> None:
        self.disturbed_at[self.layout.places[target].pool] = self.now
        for director in self.directors:
            if director.runs:
                self.probing.expect(director, target)

    def is_down(self, pool: int, key: DestinationKey) -> bool:
        """Return whether a real server is down, drained, or no longer named by its source."""
        target = self.target_at(key)
        absent = all(member.key != (key.address, key.port) for member in self.members(pool))
        return target in self.down or (pool, key) in self.drained or absent

    def was_cut_off(self, director: int) -> bool:
        """Return whether a director has lately not seen the backends."""
        one = self.directors[director]
        return not one.sees or self.now - one.saw_nothing_at < SETTLE_SECONDS

    def target_at(self, key: DestinationKey) -> str:
        """Return the target with this address and port."""
        return f"tcp {key.address}:{key.port} 0"

    def is_calm(self, pool: int) -> bool:
        """Return whether all real servers of a pool are up, and have been for a while."""
        if self.now - self.disturbed_at[pool] < SETTLE_SECONDS:
            return False
        drained = any(number == pool for number, _ in self.drained)
        return not drained and all(self.layout.places[each].pool != pool for each in self.down)

    # --- sources --------------------------------------------------------------------------------

    def members(self, pool: int) -> tuple[Member, ...]:
        """Return the members that a pool really has."""
        named = self.named.get(pool)
        return self.layout.members[pool] if named is None else named

    def has_members_of_start(self, pool: int) -> bool:
        """Return whether no source has ever changed the members of a pool."""
        return pool not in self.altered

    def read_source(self, director: Director, pool: int, members: tuple[Member, ...]) -> None:
        """Let a director read a snapshot of a pool."""
        if director.runs:
            self._admit(director, pool, members)

    def _admit(self, director: Director, pool: int, members: tuple[Member, ...] | None) -> None:
        before, present = director.server(pool), director.present(pool)
        admission = director.read(pool, members, self.now)
        assert admission is not None
        self.promises.judge_admission(director, pool, admission, present)
        if director.server(pool) is not before:
            self.disturbed_at[pool] = self.now
            self.decide_soon(director, pool)
        if admission.due is not None:
            self.at(admission.due + DECISION_SECONDS, self._admit_again, director, pool)

    def _admit_again(self, director: Director, pool: int) -> None:
        if director.runs:
            self._admit(director, pool, None)

    # --- decisions ------------------------------------------------------------------------------

    def decide_soon(self, director: Director, pool: int) -> None:
        """Let a director decide about a pool as soon as it can."""
        waiting = self._undecided[director.number]
        if not waiting:
            self.at(self.now + DECISION_SECONDS, self._decide, director)
        waiting.add(pool)

    def _decide(self, director: Director) -> None:
        waiting = self._undecided.pop(director.number)
        if not director.runs:
            return
        for pool in sorted(waiting):
            judgement = director.decide_pool(pool, self.now)
            self.promises.judge_pool(director, pool, judgement)
            self.times.note(director, pool, judgement, self.now)
        for group in sorted({self.layout.group_of(pool) for pool in waiting}):
            self.announce(director, group)

    def shape(self, director: int, pool: int) -> Shape:
        """Return the table of a pool in the kernel of a director."""
        one = self.directors[director]
        shape = Shape(one.server(pool), one.judgement(pool))
        present = hash(tuple(one.judgement(pool).derivations))
        return self._shapes.setdefault((pool, present, shape.weights), shape)

    def announce(self, director: Director, group: int) -> None:
        """Let a director decide about a group, and tell the routers."""
        before = director.announced[group]
        state = director.decide_group(group, self.now)
        due = due_in(self.layout.groups[group], state, self.now)
        if due is not None and state.good_since != before.good_since:
            self.at(self.now + due + DECISION_SECONDS, self._announce_again, director, group)
        if state.role is not before.role:
            self.at(self.now + ROUTER_SECONDS, self._route, director, group, state.role)

    def _announce_again(self, director: Director, group: int) -> None:
        if director.runs:
            self.announce(director, group)

    def _route(self, director: Director, group: int, role: AnnouncementRole) -> None:
        if self.routes[group].change(director.number, role):
            self.flows.reroute(group)
        self.promises.judge_route(group)

    # --- directors ------------------------------------------------------------------------------

    def kill(self, director: Director) -> None:
        """End all processes of a director. Its addresses expire."""
        self.load.account()
        director.runs, director.ended_at = False, self.now
        self.times.leave_out(director)
        director.trackers.clear()
        self.probing.forget(director)
        self.links.refresh()
        self.at(self.now + LIFETIME, self._expire, director, director.incarnation)

    def _expire(self, director: Director, incarnation: int) -> None:
        if director.runs or director.incarnation != incarnation:
            return
        for group in range(len(self.routes)):
            self._route(director, group, AnnouncementRole.WITHDRAWN)

    def stop(self, director: Director) -> None:
        """Stop a director in an orderly way: it withdraws first."""
        director.leaving = True
        for group in range(len(self.routes)):
            self.announce(director, group)
        self.at(self.now + 2.0, self.kill, director)

    def start(self, director: Director) -> None:
        """Start a director. It reads its sources, and probes every target within a second."""
        self.load.account()
        director.start(self.now)
        self.links.refresh()
        for target in sorted({*director.states, *self.down}):
            self.probing.expect(director, target, within=1.0)
        for pool in sorted({*director.snapshots, *self.named}):
            self.read_source(director, pool, self.members(pool))
        for pool in sorted(director.judgements):
            self.decide_soon(director, pool)
        for group in range(len(self.routes)):
            self.at(
                self.now + START_SECONDS + DECISION_SECONDS, self._announce_again, director, group
            )

    def is_agreed(self, director: Director, target: str) -> bool:
        """Return whether the verdict of a director on a target is right, and not in doubt."""
        passes = director.states.get(target).verdict is Verdict.PASSING
        return passes is (self.probing.outcome(director, target) is Reason.PASSED)
