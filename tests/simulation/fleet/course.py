"""The course of one seed: an hour with faults, and time to recover. And what it reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from tests.simulation.fleet.faults import Faults
from tests.simulation.fleet.layout import LARGE, Size
from tests.simulation.fleet.times import Death
from tests.simulation.fleet.world import World

HOUR: Final = 3600.0
REPAIR_SECONDS: Final = 600.0
"""Every fault is repaired within this time, and every director has settled."""


class Report(NamedTuple):
    """The figures of one seed."""

    probes_per_second: float
    peak: float
    deaths: list[Death]
    opened: int
    moved: int
    broken: int
    predicted: float
    unseen: int
    lost_server: int
    updates: int
    judged: Mapping[str, int]


RACK_EVERY: Final = 10
"""In each tenth seed more than one percent of the targets die at once. It takes a second more."""
PLAN: Final = {
    "death": 40,
    "silence": 10,
    "flap": 5,
    "director_dies": 5,
    "director_stops": 4,
    "director_is_cut_off": 1,
    "partition": 6,
    "false_suspicions": 2,
    "source_lies": 4,
    "server_is_added": 2,
    "drain": 4,
    "flow": 1000,
}
"""How often each fault occurs in the hour, and how many flows begin."""


class FleetCourse:
    """Plays a world of this size."""

    def __init__(
        self,
        seed: int,
        size: Size = LARGE,
        seconds: float = HOUR,
        plan: Mapping[str, int] = PLAN,
    ) -> None:
        self.world = World(seed, size)
        self._seconds = seconds
        faults = Faults(self.world, 70.0, max(80.0, seconds - REPAIR_SECONDS))
        if seed % RACK_EVERY == 0:
            faults.schedule(faults.rack, 1)
        for name, number in plan.items():
            faults.schedule(getattr(faults, name), number)

    def run(self) -> Report:
        """Play the whole time. Raises BrokenPromiseError."""
        world = self.world
        world.run(self._seconds)
        world.promises.judge_prediction()
        world.promises.judge_end()
        flows = world.flows
        return Report(
            world.load.per_second(),
            world.load.peak,
            world.times.finished,
            flows.opened,
            flows.moved,
            flows.broken,
            flows.predicted,
            flows.unseen,
            flows.lost_server,
            sum(route.updates for route in world.routes),
            world.promises.judged,
        )
