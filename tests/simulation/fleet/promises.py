"""The promises of the design that apply to a fleet, derived a second time from the world.

The numbers are those of the list in the design. Every limit is a literal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from checks.definition.result import Verdict
from hadirector.announce.decision import AnnouncementRole

if TYPE_CHECKING:
    from hadirector.pools.decision import Judgement
    from hadirector.sources.admission import Admission
    from tests.simulation.fleet.director import Director
    from tests.simulation.fleet.flows import Flow
    from tests.simulation.fleet.world import World


class BrokenPromiseError(AssertionError):
    """A promise was broken."""


class Promises:
    """Judges every verdict, decision, admission, route and flow. Raises at a broken promise."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._failures: Counter[tuple[int, str]] = Counter()
        self._passes: Counter[tuple[int, str]] = Counter()
        self._verdict_at: dict[tuple[int, str], float] = {}
        self._removals: dict[tuple[int, int], list[float]] = defaultdict(list)
        self._absent: dict[tuple[int, int], set[tuple[str, int]]] = defaultdict(set)
        self.judged: Counter[str] = Counter()

    def require(self, promise: str, kept: object, text: str) -> None:
        """Raise if a promise is broken. ``promise`` has its number."""
        self.judged[promise] += 1
        if not kept:
            raise BrokenPromiseError(f"{self._world.now:.3f} {promise}: {text}")

    # --- probes and verdicts --------------------------------------------------------------------

    def note_probe(self, director: Director, target: str, *, passed: bool) -> None:
        """Count the results in a row of the probes of a director."""
        key = director.number, target
        self._failures[key] = 0 if passed else self._failures[key] + 1
        self._passes[key] = self._passes[key] + 1 if passed else 0

    def judge_verdict(self, director: Director, target: str) -> None:
        """Only `fall` failures, or `rise` passes, of its own probes change a verdict."""
        key = director.number, target
        verdict = director.states.get(target).verdict
        row = self._passes if verdict is Verdict.PASSING else self._failures
        self._verdict_at[key] = self._world.now
        text = f"{director.name}: {target} is {verdict} after {row[key]} of its own probes"
        self.require("11 own probes", row[key] >= 2, text)

    # --- pools ----------------------------------------------------------------------------------

    def judge_pool(self, director: Director, pool: int, judgement: Judgement) -> None:
        """Judge a decision about a pool."""
        weights = {key: steps[-1].weight or 0 for key, steps in judgement.derivations.items()}
        who = f"{director.name} {director.server(pool).name}"
        wanted = present = 0
        for server in director.server(pool).real_servers:
            assert server.check is not None
            target, weight = server.check.identity, weights[server.key]
            at = self._verdict_at.pop((director.number, target), None)
            if at is not None:
                late = self._world.now - at
                self.require("4 within 10 ms", late <= 0.010, f"{who}: {target} {late} s")
            if (pool, server.key) in self._world.drained:
                self.require("9 overrides", weight == 0, f"{who}: {target} is drained and serves")
                continue
            if server.absent:
                self.require("4 absent", weight == 0, f"{who}: {target} is absent and serves")
                continue
            present += 1
            wanted += weight > 0
            if director.states.get(target).verdict is Verdict.FAILING:
                is_out = weight == 0 or server.key in judgement.held
                self.require("4 failing", is_out, f"{who}: {target} is failing and serves")
            else:
                self.require("4 passing", weight == 100, f"{who}: {target} passes with {weight}")
        self.require("7 brake", 2 * wanted >= present, f"{who}: {wanted} of {present} serve")

    def judge_blind(self, director: Director) -> None:
        """While a director is blind, what failed since then stays in the pools."""
        for pool in range(len(self._world.layout.servers)):
            judgement = director.judgement(pool)
            serving = sum(bool(steps[-1].weight) for steps in judgement.derivations.values())
            up = sum(
                not server.absent and not self._world.is_down(pool, server.key)
                for server in director.server(pool).real_servers
            )
            self.require(
                "7 blind", serving >= up - 1, f"{director.name} pool{pool}: {serving} of {up} serve"
            )

    def judge_admission(
        self, director: Director, pool: int, admission: Admission, before: int
    ) -> None:
        """At most 20 % of the members of a pool become absent within a minute.

        A snapshot with less than half of the members changes nothing. ``before`` is the number of
        present members before the admission.
        """
        named, after = len(director.snapshots[pool].members), admission.accepted.present
        text = f"{director.name} pool{pool}: {named} named, {after} of {before} stay"
        self.require("11 minimum", 2 * named >= before or after == before, text)
        key, now = (director.number, pool), self._world.now
        absent = {
            each.member.key for each in admission.accepted.members if each.absent_since is not None
        }
        removals = self._removals[key]
        removals += [now] * len(absent - self._absent[key])
        self._absent[key] = absent
        recent = sum(now - at < 60.0 for at in removals)
        most = len(self._world.layout.members[pool]) * 20 // 100
        self.require(
            "11 pace", recent <= most, f"{director.name} pool{pool}: {recent} removed in a minute"
        )

    # --- routes and flows -----------------------------------------------------------------------

    def judge_route(self, group: int) -> None:
        """A group has a route while a director runs that has had the time to announce it."""
        world, route = self._world, self._world.routes[group]
        able = [
            each
            for each in world.directors
            if each.runs and not each.leaving and world.now - each.started_at > 8.0
        ]
        self.require("2 route", route.next_hops or not able, f"group{group} has no route")
        for number in (*route.announced, *route.reluctant):
            director = world.directors[number]
            ended = not director.runs and world.now - director.ended_at > 4.5
            self.require("6 no stale route", not ended, f"{director.name} has ended")

    def judge_flow(self, flow: Flow, *, same: bool) -> None:
        """A flow that began while its whole pool was up keeps its real server."""
        self.require("5 flows", same, f"a flow to {flow.destination} in pool{flow.pool} broke")

    def judge_prediction(self) -> None:
        """No more flows break than the model of `mh` predicts, within the chance of a sample."""
        flows = self._world.flows
        limit = flows.predicted + 4 * flows.predicted**0.5 + 1
        text = f"{flows.broken} flows broke, and {flows.predicted:.1f} were expected"
        self.require("5 model", flows.broken <= limit, text)

    def judge_end(self) -> None:
        """After all faults, every director announces every group, and all tables are equal."""
        world = self._world
        for director in world.directors:
            for state, group in zip(director.announced, world.layout.groups, strict=True):
                is_announced = state.role is AnnouncementRole.ANNOUNCED
                text = f"{director.name} {group.name}: {state.role}, {state.reason}"
                self.require("6 announced at the end", is_announced, text)
        for pool in range(len(world.layout.servers)):
            present = {member.key for member in world.members(pool)}
            for director in world.directors:
                shape = world.shape(director.number, pool)
                serving = {(key.address, key.port) for key in shape.serving}
                self.require(
                    "6 table at the end",
                    serving == present,
                    f"{director.name} pool{pool}: {sorted(serving ^ present)}",
                )
