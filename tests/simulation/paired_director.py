"""A director of a pair: the state that it sends, and its knowledge of its peers."""

from __future__ import annotations

import json

from hadirector.model.pair import Pair, PairPeer
from hadirector.overrides.registers import Registers
from hadirector.pair.peers import configure
from hadirector.pair.readiness import Fact, Gate, Sighting, describe_facts
from hadirector.pair.shared_overrides import group, pack
from hadirector.pair.state import PairState, encode
from tests.simulation.world import Node
from vrrp.router.machine import Router


class PairedDirector:
    """A director of the pair: what it tells, and what it knows of its peers."""

    def __init__(self, node: Node, name: str, names: list[str], *, older: bool) -> None:
        self.node = node
        self.name = name
        self.older = older
        peers = tuple(
            PairPeer(name=each, address=each, port=9471, certificate=each)
            for each in names
            if each != name
        )
        self.pair = Pair(
            name="edge", address=name, port=9471, certificate="own", key="own", peers=peers
        )
        self.registers = Registers()
        self.unready = False
        self.clock_ahead = 0.0
        self.rolled_back = False
        self.began = 0
        self._router: Router | None = None

    def begin_process(self, now: float) -> None:
        """Start a process, which knows nothing but the stored registers."""
        self.began += 1
        self._router = self.node.router
        self.generation = 0
        self.peers = configure({}, self.pair, now)
        self.sightings: dict[str, Sighting] = {}
        self.heard: dict[str, list[bytes]] = {}
        self.facts: tuple[Fact, ...] = ()
        self.gate = Gate(now)
        self.started_at = now
        self.rolled_back = False

    @property
    def is_new(self) -> bool:
        """Whether the process of the node has been replaced."""
        return self._router is not self.node.router

    def state(self, now: float, utc: float) -> PairState:
        """Return the current state."""
        return PairState(
            pair="edge",
            name=self.name,
            incarnation=f"{self.name}-{self.began}",
            generation=self.generation,
            clock=utc + self.clock_ahead,
            readiness=describe_facts(self.facts, self.gate, now),
            overrides=pack(group(self.registers), now),
        )

    def message(self, now: float, utc: float) -> bytes:
        """Return the state as the version of this director sends it."""
        content = encode(self.state(now, utc))
        if not self.older:
            return content
        fields = json.loads(content)
        for name in ("suspicions", "connection_sync", "last_failovers", "left_out", "pause"):
            fields.pop(name, None)
        fields["a_field_of_another_version"] = {"with": ["values"]}
        return json.dumps(fields).encode()
