"""A world of directors that announce one group: their decisions, the kernel, and random faults.

The decisions are those of `hadirector.announce.decision`. The kernel is a model: an address is on
one of two devices until its lifetime ends.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from hadirector.announce.decision import (
    STARTING,
    AnnouncementRole,
    Facts,
    GroupState,
    adopt,
    decide,
    lapse,
)
from hadirector.model.announcement import AnnouncedGroup

LIFETIME: Final = 3.0
TICK: Final = 0.5
START_SECONDS: Final = 2.0
HEALTHY: Final = Facts(passing={"web": 100.0})
GROUP: Final = AnnouncedGroup(name="web", addresses=("203.0.113.1",), pools=("web",), rise=5.0)


@dataclass
class Director:
    """One director: its process, its facts, and the address in its kernel."""

    state: GroupState = STARTING
    facts: Facts = HEALTHY
    runs: bool = True
    suspended: bool = False
    leaving: bool = False
    started_at: float = 0.0
    renewed_at: float = -LIFETIME
    device: AnnouncementRole = AnnouncementRole.WITHDRAWN
    expires_at: float = 0.0

    def has_route(self, now: float) -> bool:
        """Return whether the engine of this director announces the address."""
        return self.device is not AnnouncementRole.WITHDRAWN and now < self.expires_at

    def step(self, now: float) -> None:
        """Decide and renew once, as the announcer does."""
        if not self.runs or self.suspended:
            return
        if self.state.role is not AnnouncementRole.WITHDRAWN and now - self.renewed_at > LIFETIME:
            self.state = lapse(self.state, now)
        starting = "starting" if now - self.started_at < START_SECONDS else ""
        facts = replace(self.facts, leaving=self.leaving, held_out=starting)
        self.state = decide(GROUP, self.state, facts, now)
        self.device, self.renewed_at = self.state.role, now
        self.expires_at = now + LIFETIME

    def start(self, now: float) -> None:
        """Start a process, which adopts the address of the process before it."""
        adopted = self.has_route(now)
        reluctant = self.device is AnnouncementRole.RELUCTANT
        self.state = adopt(now, reluctant=reluctant) if adopted else STARTING
        self.runs, self.suspended, self.leaving = True, False, False
        self.started_at = self.renewed_at = now


@dataclass
class World:
    """Some directors, and the broken promises with their times."""

    seed: int
    directors: list[Director] = field(default_factory=lambda: [Director() for _ in range(3)])
    broken: list[str] = field(default_factory=list)

    def run(self, seconds: float) -> list[str]:
        """Run for this time with random faults; return the broken promises."""
        chance = random.Random(self.seed)
        now = 0.0
        while now < seconds:
            for director in self.directors:
                if chance.random() < 0.05:
                    _disturb(director, now, chance)
                director.step(now)
            self._check(now)
            now += TICK
        return self.broken

    def _check(self, now: float) -> None:
        for number, director in enumerate(self.directors):
            silent = now - director.renewed_at
            if director.has_route(now) and silent > LIFETIME:
                self.broken.append(f"{now}: {number} is announced {silent} s after its end")
        settled = [
            director
            for director in self.directors
            if director.runs
            and not director.suspended
            and not director.leaving
            and now - director.started_at > START_SECONDS + GROUP.rise + TICK
            and director.state.good_since is None
        ]
        if settled and not any(director.has_route(now) for director in self.directors):
            self.broken.append(f"{now}: {len(settled)} directors run, and there is no route")


def _disturb(director: Director, now: float, chance: random.Random) -> None:
    match chance.choice(("kill", "suspend", "resume", "start", "stop", "facts", "facts", "facts")):
        case "kill":
            director.runs = False
        case "suspend":
            director.suspended = True
        case "resume":
            director.suspended = False
        case "stop":
            director.leaving = True
        case "start" if not director.runs or director.leaving:
            director.start(now)
        case "facts":
            director.facts = Facts(
                blind=chance.random() < 0.3,
                unfit=("a fault",) if chance.random() < 0.2 else (),
                passing={"web": chance.choice((0.0, 25.0, 40.0, 60.0, 100.0))},
            )
