"""A course of faults among directors with a pair link. The promises are in `link.py`."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.simulation.link import Link
from tests.simulation.paired_director import PairedDirector
from tests.simulation.plan import Course
from tests.simulation.world import Node

DIRECTORS_MAX = 3
AGREED_AFTER = 30.0
"""Seconds of calm after which all directors agree on the overrides."""


class LinkCourse(Course):
    """A course of faults among directors with a pair link. ``linked``: the link exists.

    Without ``facts`` no director becomes unready.
    """

    def __init__(self, seed: int, *, linked: bool = True, facts: bool | None = None) -> None:
        super().__init__(seed)
        del self.world.nodes[DIRECTORS_MAX:]
        names = [f"lb{number}" for number in range(1, len(self.world.nodes) + 1)]
        chance = random.Random(f"link {seed}")
        self.facts = chance.random() < 0.6 if facts is None else facts
        directors = [
            PairedDirector(node, name, names, older=chance.random() < 0.3)
            for node, name in zip(self.world.nodes, names, strict=True)
        ]
        self.link = Link(self.world, directors, chance.getrandbits(64)) if linked else None
        if self.link is not None:
            self.link.trouble = self.promises.trouble

    def trouble(self) -> None:
        """Let one fault befall a node or the link of the elections, and some the pair link."""
        super().trouble()
        if self.link is None:
            return
        for _ in range(self.link.random.randint(0, 3)):
            self.world.note(self.link.trouble_of_link())
        if self.facts:
            for director in self.link.directors.values():
                if self.link.random.random() < 0.5:
                    after = self.world.now + self.link.random.uniform(0.0, 4.0)
                    self.world.at(after, lambda director=director: self._blind(director))  # type: ignore[misc]  # bound now

    def _blind(self, director: PairedDirector) -> None:
        director.unready = not director.unready
        self.world.note(f"{director.name} --- {'blind' if director.unready else 'ready'}")

    def heal(self) -> None:
        """Repair everything, also the links."""
        super().heal()
        if self.link is not None:
            self.link.heal()

    def run(self) -> None:
        """Play rounds of trouble, and compare the overrides at the end. Raises."""
        super().run()
        self.world.run(self.world.now + AGREED_AFTER)
        if self.link is not None:
            self.link.check_agreement()

    def _possible(self, node: Node) -> list[tuple[str, Callable[[], None]]]:
        """Leave out changes of the priority, which the link makes here."""
        ours = {"gets another priority", "is not fit to serve"}
        return [each for each in super()._possible(node) if each[0] not in ours]

    def states(self) -> list[str]:
        """Return the changes of state, for a comparison with a world without a link."""
        return [line for line in self.world.trace if "--- lb" not in line and " lb" not in line]
