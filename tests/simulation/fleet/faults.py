"""An hour of faults, and their repair."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from checks.definition.result import Reason
from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.pair.state import Suspicions
from tests.simulation.fleet.cutoff import cut_off, reconnect
from tests.simulation.fleet.layout import new_member
from tests.simulation.fleet.times import Death

if TYPE_CHECKING:
    from hadirector.model.discovery import Member
    from tests.simulation.fleet.director import Director
    from tests.simulation.fleet.world import World

POLL: Final = 10.0
"""Each director reads a source so often."""
FLOW_POOLS: Final = 20
"""The pools whose flows are sampled."""
RACK_SHARE: Final = 0.012
"""The share of the targets in a rack: more than the suspicions of a director may name."""


class Faults:
    """Schedules the faults of a world between two times. All are repaired within minutes."""

    def __init__(self, world: World, began: float, ended: float) -> None:
        self._world = world
        self._random = world.random
        self._began, self._ended = began, ended
        self._flow_pools = min(FLOW_POOLS, len(world.layout.servers))

    def schedule(self, fault: Callable[[], None], number: int) -> None:
        """Let a fault occur a number of times."""
        for _ in range(number):
            self._world.at(self._random.uniform(self._began, self._ended), fault)

    # --- backends -------------------------------------------------------------------------------

    def death(self, kind: str = "refused", reason: Reason = Reason.REFUSED) -> None:
        """A backend dies, and returns after minutes."""
        if (target := self._choose_target()) is not None:
            self._kill_target(target, kind, reason, self._random.uniform(60.0, 300.0))

    def silence(self) -> None:
        """A host dies: its backend does not answer."""
        self.death("silent", Reason.TIMEOUT)

    def flap(self) -> None:
        """A backend dies and returns several times within a minute."""
        if (target := self._choose_target()) is None:
            return
        world, now = self._world, self._world.now
        world.note(f"{target} flaps")
        for _ in range(self._random.randint(2, 4)):
            now += self._random.uniform(0.1, 10.0)
            world.at(now, world.fail, target, Reason.REFUSED)
            now += self._random.uniform(0.1, 10.0)
            world.at(now, world.repair, target)

    def rack(self) -> None:
        """More than one percent of all targets die at once, half of them in one pool."""
        world = self._world
        count = int(len(world.layout.targets) * RACK_SHARE)
        first = self._random.randrange(len(world.layout.targets))
        targets = (world.layout.targets * 2)[first : first + count]
        seconds = self._random.uniform(60.0, 120.0)
        for target in targets:
            if target not in world.down:
                self._kill_target(target, "rack", Reason.REFUSED, seconds)

    def _choose_target(self) -> str | None:
        """Choose a backend that is up. Half of them are in the pools that have flows."""
        targets = self._world.layout.targets
        part = self._flow_pools * self._world.layout.size.members
        last = part if self._random.random() < 0.5 else len(targets)
        target = targets[self._random.randrange(last)]
        place = self._world.layout.places[target]
        return None if self._world.is_down(place.pool, place.key) else target

    def _kill_target(self, target: str, kind: str, reason: Reason, seconds: float) -> None:
        world = self._world
        place = world.layout.places[target]
        able = {each.number for each in world.directors if each.runs and each.sees}
        death = Death(kind, place.pool, place.key, world.now, able)
        world.note(f"{target} dies: {kind}")
        world.times.begin(death)
        world.fail(target, reason)
        world.at(world.now + seconds, self._revive, target, death)

    def _revive(self, target: str, death: Death) -> None:
        self._world.note(f"{target} returns")
        self._world.times.end(death)
        self._world.repair(target)

    # --- directors and links --------------------------------------------------------------------

    def director_dies(self) -> None:
        """The processes of a director die, and start again."""
        if (director := self._choose_director()) is not None:
            self._world.note(f"{director.name} dies")
            self._world.kill(director)
            self._return_later(director)

    def director_stops(self) -> None:
        """An operator stops a director, and starts it again."""
        if (director := self._choose_director()) is not None:
            self._world.note(f"{director.name} stops")
            self._world.stop(director)
            self._return_later(director)

    def director_is_cut_off(self) -> None:
        """A director reaches no backend for a while."""
        if (director := self._choose_director()) is not None:
            cut_off(self._world, director)
            seconds = self._random.uniform(5.0, 60.0)
            self._world.at(self._world.now + seconds, reconnect, self._world, director)

    def partition(self) -> None:
        """Some directors do not hear the others for a while."""
        directors = len(self._world.directors)
        count = self._random.choice([1, 1, 2, directors // 4, directors // 2])
        chosen = self._random.sample(range(directors), max(1, count))
        self._world.note(f"partition: {chosen}")
        self._world.links.part(chosen, self._random.randrange(1, 1000))
        seconds = self._random.uniform(5.0, 120.0)
        self._world.at(self._world.now + seconds, self._world.links.part, chosen, 0)

    def false_suspicions(self) -> None:
        """A director suspects everything for some seconds."""
        sender = self._choose_director()
        if sender is None:
            return
        self._world.note(f"{sender.name} lies")
        number = sender.sent.number
        for second in range(5):
            number += 100
            targets = tuple(self._random.sample(self._world.layout.targets, 100))
            told = Suspicions(number, targets)
            self._world.at(self._world.now + second, self._lie, sender, told)

    def _lie(self, sender: Director, told: Suspicions) -> None:
        for peer in self._world.links.peers(sender):
            self._world.probing.receive(peer, sender, told)

    def _choose_director(self) -> Director | None:
        director = self._random.choice(self._world.directors)
        return director if director.runs and director.sees and not director.leaving else None

    def _return_later(self, director: Director) -> None:
        seconds = self._random.uniform(3.0, 60.0)
        self._world.at(self._world.now + seconds, self._world.start, director)

    # --- sources and operators ------------------------------------------------------------------

    def source_lies(self) -> None:
        """A source names none, too few, or changing members for some minutes."""
        world, random = self._world, self._random
        pool = random.randrange(len(world.layout.servers))
        if pool in world.named:
            return
        whole = world.layout.members[pool]
        kind = random.choice(["empty", "few", "half", "flapping"])
        world.note(f"the source of pool{pool} lies: {kind}")
        few = {"empty": 0.0, "few": 0.4, "half": 0.6, "flapping": 0.9}[kind]
        world.altered.add(pool)
        world.named[pool] = None

        def reading() -> tuple[Member, ...]:
            if kind == "flapping":
                return tuple(random.sample(whole, int(len(whole) * few)))
            return whole[: int(len(whole) * few)]

        for director in world.directors:
            at = world.now + random.uniform(0.0, POLL)
            for number in range(random.randint(6, 12)):
                when = at + number * POLL
                world.at(when, world.read_source, director, pool, reading())
            world.at(world.now + 130.0 + random.random(), world.read_source, director, pool, whole)

    def server_is_added(self) -> None:
        """A source names one more real server, for good."""
        world, random = self._world, self._random
        pool = random.randrange(self._flow_pools)
        if pool in world.named:
            return
        world.note(f"pool{pool} gets a server")
        world.altered.add(pool)
        world.named[pool] = (*world.layout.members[pool], new_member(pool))
        for director in world.directors:
            at = world.now + random.uniform(0.0, POLL)
            world.at(at, world.read_source, director, pool, world.members(pool))

    def drain(self) -> None:
        """An operator drains a real server on every director, and ends the override later."""
        world = self._world
        if (target := self._choose_target()) is None:
            return
        place = world.layout.places[target]
        name = RealServerName(f"pool{place.pool}", str(place.key))
        override = Override(name=name, action=Action.DRAIN, author="ann")
        world.note(f"{target} is drained")
        world.drained.add((place.pool, place.key))
        world.disturbed_at[place.pool] = world.now
        for director in world.directors:
            director.overrides[name] = override
            world.decide_soon(director, place.pool)
        world.at(world.now + self._random.uniform(60.0, 300.0), self._undrain, target, name)

    def _undrain(self, target: str, name: RealServerName) -> None:
        world = self._world
        place = world.layout.places[target]
        world.drained.discard((place.pool, place.key))
        world.disturbed_at[place.pool] = world.now
        for director in world.directors:
            director.overrides.pop(name, None)
            world.decide_soon(director, place.pool)

    # --- clients --------------------------------------------------------------------------------

    def flow(self) -> None:
        """A client opens a connection."""
        pool = self._random.randrange(self._flow_pools)
        self._world.flows.begin(pool, self._random.uniform(60.0, 900.0))
