"""How long the directors take to react to the death of a backend."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hadirector.model.ipvs import DestinationKey
    from hadirector.pools.decision import Judgement
    from tests.simulation.fleet.director import Director


@dataclass(slots=True)
class Death:
    """A backend that died, and when each director took it out. ``kind`` names the fault."""

    kind: str
    pool: int
    key: DestinationKey
    at: float
    expected: set[int]
    out: dict[int, float] = field(default_factory=dict)


@dataclass
class Times:
    """The deaths that are not known to all directors yet, and the finished ones."""

    open: dict[int, list[Death]] = field(default_factory=dict)
    finished: list[Death] = field(default_factory=list)

    def begin(self, death: Death) -> None:
        """Measure a death."""
        self.open.setdefault(death.pool, []).append(death)

    def end(self, death: Death) -> None:
        """Finish the measurement when the backend returns."""
        if death in self.open.get(death.pool, ()):
            self.open[death.pool].remove(death)
            self.finished.append(death)

    def leave_out(self, director: Director) -> None:
        """Leave a director out that ends, or reaches no backend any more."""
        for deaths in self.open.values():
            for death in deaths:
                death.expected.discard(director.number)
                death.out.pop(director.number, None)

    def note(self, director: Director, pool: int, judgement: Judgement, now: float) -> None:
        """Note the backends that a director has taken out of a pool."""
        for death in self.open.get(pool, ()):
            steps = judgement.derivations.get(death.key)
            is_out = steps is not None and not steps[-1].weight
            if is_out and director.number in death.expected:
                death.out.setdefault(director.number, now - death.at)
