"""A sample of the flows of clients: their directors, their real servers, and which of them break.

A flow breaks when a router gives it another director, and the hash table of that director has
another real server for it than the one that it is connected to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hadirector.model.ipvs import DestinationKey
from tests.simulation.fleet.tables import Shape, predict_moved

if TYPE_CHECKING:
    from tests.simulation.fleet.world import World


@dataclass(slots=True, eq=False)
class Flow:
    """A connection of a client. ``undisturbed``: every real server of its pool was up."""

    pool: int
    address: str
    port: int
    hash: int
    director: int
    destination: DestinationKey
    shape: Shape
    undisturbed: bool
    opened_at: float


@dataclass
class Flows:
    """The flows that are open, and what happened to all others.

    ``predicted`` is how many broken ones the model of `mh` expects. It knows the weights of both
    directors. ``unseen`` are those that break because their new director does not see the backends
    and has taken the living real server out.
    """

    world: World
    open: list[Flow] = field(default_factory=list)
    opened: int = 0
    moved: int = 0
    broken: int = 0
    predicted: float = 0.0
    lost_server: int = 0
    unseen: int = 0

    def begin(self, pool: int, seconds: float) -> None:
        """Open a flow to a pool. It ends after this time."""
        random = self.world.random
        address = f"198.51.{random.randrange(256)}.{random.randrange(1, 255)}"
        port, value = random.randrange(1024, 65536), random.getrandbits(31)
        director = self.world.routes[self.world.layout.group_of(pool)].select(value)
        if director is None:
            return
        shape = self.world.shape(director, pool)
        destination = shape.table.destination(address, port)
        if destination is None or self.world.is_down(pool, destination):
            return
        undisturbed = shape.whole and self.world.is_calm(pool)
        flow = Flow(
            pool, address, port, value, director, destination, shape, undisturbed, self.world.now
        )
        self.opened += 1
        self.open.append(flow)
        self.world.at(self.world.now + seconds, self._end, flow)

    def reroute(self, group: int) -> None:
        """Move the flows of a group after its route has changed."""
        world = self.world
        route, broken = world.routes[group], []
        for flow in self.open:
            if world.layout.group_of(flow.pool) != group:
                continue
            director = route.select(flow.hash)
            if director == flow.director:
                continue
            if world.is_down(flow.pool, flow.destination):
                self.lost_server += 1
                broken.append(flow)
            elif director is None or not self._survives(flow, director):
                broken.append(flow)
                self.broken += 1
        for flow in broken:
            self.open.remove(flow)

    def _survives(self, flow: Flow, director: int) -> bool:
        """Move a flow to another director; return whether its real server is still the same."""
        self.moved += 1
        world, flow.director = self.world, director
        shape = world.shape(director, flow.pool)
        same = shape.table.destination(flow.address, flow.port) == flow.destination
        kept = world.has_members_of_start(flow.pool)
        failed_at = world.failed_at.get(world.target_at(flow.destination), -1.0)
        if not flow.undisturbed or not kept or failed_at >= flow.opened_at:
            self.predicted += predict_moved(flow.shape, shape)
        elif flow.destination not in shape.serving and world.was_cut_off(director):
            self.unseen += 1
            self.predicted += 1
        else:
            world.promises.judge_flow(flow, same=same)
        return same

    def _end(self, flow: Flow) -> None:
        if flow in self.open:
            self.open.remove(flow)
