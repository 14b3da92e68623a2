"""At least one director of a pair keeps its own priority, however slow the link is."""

from __future__ import annotations

import os
from random import Random

import pytest

from hadirector.pair.readiness import (
    Fact,
    Gate,
    Sighting,
    describe_facts,
    find_facts,
    follow_facts,
    has_reliance,
)
from hadirector.pair.readiness import Situation as Host

TICK = 0.1
SECONDS = 120.0
SEEDS = int(os.environ.get("SIMULATION_SEEDS", "40"))


class Director:
    """A director with a random lack, and its requests to its peers, each with a random delay."""

    def __init__(self, random: Random, start: float) -> None:
        self.gate = Gate(start)
        self.facts: tuple[Fact, ...] = ()
        self.sightings: dict[int, Sighting] = {}
        self.answers: list[tuple[float, int, Sighting]] = []
        self._random = random
        self._blind = random.random() < 0.5
        self._changes_at = start + random.expovariate(0.2)

    def look(self, now: float) -> None:
        if now >= self._changes_at:
            self._blind = not self._blind
            self._changes_at = now + self._random.expovariate(self._random.choice([0.1, 0.3]))
        self.facts = follow_facts(self.facts, find_facts(Host(blind=self._blind)), now)
        for due, peer, sighting in list(self.answers):
            if now >= due:
                self.answers.remove((due, peer, sighting))
                self.sightings[peer] = sighting
        active = self._random.random() < 0.5
        reliance = has_reliance(self.sightings.values(), now)
        self.gate = self.gate.follow(self.facts, now, active=active, reliance=reliance)


def ask(directors: list[Director], random: Random, slowness: float, now: float) -> None:
    for director in directors:
        for peer, other in enumerate(directors):
            waits = any(each[1] == peer for each in director.answers)
            if other is not director and not waits and random.random() < 0.3:
                told = Sighting(describe_facts(other.facts, other.gate, now), now)
                delay = random.expovariate(1 / slowness)
                director.answers.append((now + delay, peer, told))


@pytest.mark.parametrize("count", [2, 3])
def test_never_every_director_has_lowered_its_priority(count: int) -> None:
    lowered = 0
    for seed in range(SEEDS):
        random = Random(seed)
        directors = [Director(random, 0.0) for _ in range(count)]
        slowness = random.choice([0.05, 2.0, 8.0])
        for tick in range(int(SECONDS / TICK)):
            now = tick * TICK
            ask(directors, random, slowness, now)
            for director in random.sample(directors, count):
                director.look(now)
                assert not all(each.gate.lowered for each in directors), f"seed {seed} at {now:.1f}"
            lowered += any(each.gate.lowered for each in directors)
    assert lowered > 1000, "the simulation must reach lowered priorities"
