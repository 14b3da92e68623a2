"""Worlds of directors with a pair link, whose faults must not change an election.

Elections are those of `plan.py`. Beside them, each director pulls the states of its peers, encoded.
The modules of `hadirector.pair` are the real ones: what a peer is believed (`peers`), when a
director is unready (`readiness`), and which override holds (`register`). Every link between two
directors is down, slow, duplicated or one way at times, in each direction alone, and replays old
states. Clocks of the wall jump, directors are restored from copies, and some have version N-1.

- **All promises of `promises.py` hold**, with the same limits.
- **The link is information, never permission**: without a fact about its own host, no director
  changes its priority, whatever the link does. The election is then the same, event by event, as
  in a world without a link.
- **Never all directors of a pair lower their priorities** at the same time. A priority is lowered
  only for a fact that has lasted, while a peer was seen ready.
- **Overrides agree** on all directors after a calm, and the order with the highest stamp holds. An
  order is lost only with the director that was restored from a copy.
- **An old or foreign state changes nothing**: it is refused by name, unless the peer has been
  silent for 60 s. A state of version N-1 or N+1
  is never refused.
- **A silent peer is lost** after 10 s and no state of it counts as current.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from hadirector.overrides.model import Action, Author, Override, RealServerName
from hadirector.overrides.registers import Register, Registers
from hadirector.pair.peers import (
    FORGET_SECONDS,
    Peer,
    PeerReport,
    Reach,
    Refusal,
    expire,
    receive,
)
from hadirector.pair.readiness import (
    Sighting,
    Situation,
    find_facts,
    follow_facts,
    has_reliance,
)
from hadirector.pair.register import find_fault, merge, rank, renew, settle
from hadirector.pair.shared_overrides import unpack
from hadirector.pair.state import PairState, SharedOverrides, decode
from tests.simulation.paired_director import PairedDirector
from tests.simulation.plan import OWNER_PRIORITY
from tests.simulation.promises import BrokenPromiseError
from tests.simulation.world import World
from vrrp.model.report import State
from vrrp.router.event import PriorityChanged
from vrrp.router.priority import Impairment

TICK = 0.5
PULL = 1.0
TIMEOUT = 7.0
"""An answer after more seconds is not read: the connection is closed."""
WEIGHT = -50
LASTING_SECONDS = 3.0
LOST_SECONDS = 10.0
SERVERS = tuple(RealServerName("web", f"192.0.2.{number}:80") for number in (45, 46, 47))
EXPECTED_REFUSALS = {Refusal.OLD_INCARNATION, Refusal.OLD_GENERATION}
EPOCH = 1_795_390_633.0


@dataclass(eq=False)
class Request:
    """A request of one run of a director to a peer. It ends with an answer, or at a timeout."""

    reader: PairedDirector
    run: int
    source: str
    asked_at: float
    ended: bool = False


class Link:
    """The links between the directors of a world, each direction with faults of its own."""

    def __init__(self, world: World, directors: list[PairedDirector], seed: int) -> None:
        self.random = random.Random(seed)  # not that of the world, which the election uses
        self._world = world
        self.directors = {each.name: each for each in directors}
        self.down: set[tuple[str, str]] = set()
        self.slow: set[tuple[str, str]] = set()
        self.replaying: set[tuple[str, str]] = set()
        self.orders: list[Register] = []
        self.lost_orders = False
        """Whether a director was restored from a copy, so that its orders may be lost."""
        self.copies: dict[str, tuple[Registers, int]] = {}
        self.lowered = 0
        """The number of lowered priorities."""
        self.trouble: Callable[[], None] = lambda: None
        for name in self.directors:
            world.at(self.random.uniform(0.0, TICK), lambda name=name: self._tick(name))  # type: ignore[misc]  # bound now
            for peer in self.directors:
                if peer != name:
                    first = self.random.uniform(0.0, PULL)
                    world.at(first, lambda pair=(name, peer): self._pull(*pair))  # type: ignore[misc]  # bound now

    @property
    def utc(self) -> float:
        """The true time of the wall."""
        return EPOCH + self._world.now

    def _works(self, director: PairedDirector) -> bool:
        """Whether the process runs. A new process begins here."""
        node = director.node
        if not node.working:
            return False
        if director.is_new:
            director.begin_process(node.local(self._world.now))
        return True

    # The director's own work

    def _tick(self, name: str) -> None:
        """Follow the facts of this host, and act on them."""
        world, director = self._world, self.directors[name]
        world.at(world.now + TICK, lambda: self._tick(name))
        if not self._works(director):
            return
        node = director.node
        now = node.local(world.now)
        director.peers = {key: expire(peer, now) for key, peer in director.peers.items()}
        self._check_ages(director, now)
        found = find_facts(Situation(blind=director.unready))
        facts = follow_facts(director.facts, found, now)
        if [fact.code for fact in facts] != [fact.code for fact in director.facts]:
            director.generation += 1
        director.facts = facts
        active = node.router.state is State.ACTIVE
        reliance = has_reliance(director.sightings.values(), now)
        gate = director.gate.follow(facts, now, active=active, reliance=reliance)
        if gate.lowered != director.gate.lowered:
            director.generation += 1
            if gate.lowered:
                self._check_lowering(director, now, reliance=reliance)
            self.trouble()
        director.gate = gate
        peers = [unpack(each, now)[0] for each in self._shared(director)]
        if len(peers) == len(director.peers):
            director.registers = settle(director.registers, peers, now)
        self._apply_priority(director)

    def _apply_priority(self, director: PairedDirector) -> None:
        node = director.node
        configured = node.configuration.priority
        lowered = director.gate.lowered and configured < OWNER_PRIORITY
        wanted = max(1, configured + WEIGHT) if lowered else configured
        impairment = Impairment.LOWERED if lowered else Impairment.NONE
        router = node.router
        present = (router.configuration.priority, router.better_peer.impairment)
        if present != (wanted, impairment) and node.working:
            self.lowered += lowered
            self.trouble()
            self._world.deliver(node, PriorityChanged(wanted, impairment))

    def _check_lowering(self, director: PairedDirector, now: float, *, reliance: bool) -> None:
        lasted = min((now - fact.since for fact in director.facts), default=-1.0)
        if lasted < LASTING_SECONDS or not reliance:
            raise BrokenPromiseError(f"{director.name} lowers its priority without a reason")
        others = [each for each in self.directors.values() if each is not director]
        if all(each.node.working and not each.is_new and each.gate.lowered for each in others):
            raise BrokenPromiseError(
                f"all directors have lowered their priorities at {self._world.now:.4f}"
            )

    def _check_ages(self, director: PairedDirector, now: float) -> None:
        for peer in director.peers.values():
            silent = now - peer.answered_at
            if peer.reach is Reach.REACHED and silent > LOST_SECONDS + TICK * 1.02:
                raise BrokenPromiseError(
                    f"{director.name} counts {peer.name} as reached after {silent:.1f} s"
                )
            if not peer.refusals.keys() <= EXPECTED_REFUSALS:
                raise BrokenPromiseError(f"{director.name} refuses {peer.name}: {peer.refusals}")

    # The link

    def _pull(self, reader: str, source: str) -> None:
        """Request a state, and the next one after its answer or a timeout."""
        world, ours = self._world, self.directors[reader]
        if not self._works(ours):
            self._pull_later(reader, source)
            return
        request = Request(ours, ours.began, source, ours.node.local(world.now))
        world.at(world.now + self._delay(reader, source), lambda: self._answer(request))
        world.at(world.now + TIMEOUT, lambda: self._end(request))

    def _end(self, request: Request) -> None:
        if not request.ended:
            request.ended = True
            self._pull_later(request.reader.name, request.source)

    def _pull_later(self, reader: str, source: str) -> None:
        after = self._world.now + self.random.uniform(0.5, 1.5) * PULL
        self._world.at(after, lambda: self._pull(reader, source))

    def _answer(self, request: Request) -> None:
        """Answer a request with the current state, or with one that the reader had before."""
        world, chance = self._world, self.random
        one, theirs = (request.reader.name, request.source), self.directors[request.source]
        if one in self.down or not self._works(theirs):
            return
        content = theirs.message(theirs.node.local(world.now), self.utc)
        earlier = request.reader.heard.get(request.source)
        if earlier and one in self.replaying and chance.random() < 0.5:
            content = chance.choice(earlier)
        for _ in range(2 if chance.random() < 0.1 else 1):
            world.at(world.now + self._delay(*one), lambda: self._hear(request, content))

    def _delay(self, reader: str, source: str) -> float:
        slow = (reader, source) in self.slow
        return self.random.uniform(0.5, 4.0) if slow else self.random.uniform(0.001, 0.02)

    def _hear(self, request: Request, content: bytes) -> None:
        """Handle an answer. A second copy of it is handled, too."""
        director, source = request.reader, request.source
        if not self._works(director) or director.began != request.run:
            self._end(request)
            return
        if request.ended and content not in director.heard.get(source, ()):
            return  # the connection was closed at the timeout
        self._end(request)
        director.heard.setdefault(source, []).append(content)
        now = director.node.local(self._world.now)
        state = decode(content)
        before = director.peers[source]
        utc = self.utc + director.clock_ahead
        report = PeerReport(state=state, asked_at=request.asked_at, answered_at=now)
        after = receive(
            director.peers, director.pair, director.name, before, report, now=now, utc=utc
        )
        director.peers[source] = after
        if after.received_at != now or after.state is not state:
            return  # it was refused
        self._check_newer(director, before, state, now)
        director.sightings[source] = Sighting(state.readiness, request.asked_at)
        if state.overrides is not None:
            self._merge(director, state, now)

    def _check_newer(
        self, director: PairedDirector, before: Peer, state: PairState, now: float
    ) -> None:
        """Raise BrokenPromiseError if a state is accepted soon after a newer one."""
        if before.state is None or before.received_at is None:
            return
        if now - before.received_at >= FORGET_SECONDS:
            return
        last, new = (
            (int(each.incarnation.rpartition("-")[2]), each.generation)
            for each in (before.state, state)
        )
        if new < last:
            raise BrokenPromiseError(f"{director.name} accepts {new} of a peer after {last}")

    def _merge(self, director: PairedDirector, state: PairState, now: float) -> None:
        assert state.overrides is not None
        theirs, complete = unpack(state.overrides, now)
        assert find_fault(director.registers, theirs) is None
        registers = merge(director.registers, theirs, complete=complete).registers
        registers = renew(registers, theirs, director.name, director.started_at)
        if registers != director.registers:
            director.registers = registers
            director.generation += 1

    def _shared(self, director: PairedDirector) -> list[SharedOverrides]:
        states = [peer.state for peer in director.peers.values() if peer.state is not None]
        return [each.overrides for each in states if each.overrides is not None]

    # Faults and orders

    def trouble_of_link(self) -> str:
        """Let one fault befall one direction, one clock, or one operator give an order."""
        chance = self.random
        director = self.directors[chance.choice(sorted(self.directors))]
        peers = [name for name in self.directors if name != director.name]
        one = (director.name, chance.choice(peers))
        name, happen = chance.choice(self._possible(director, one))
        happen()
        return f"{director.name} --- {name}"

    def _possible(
        self, director: PairedDirector, one: tuple[str, str]
    ) -> list[tuple[str, Callable[[], None]]]:
        both = {one, one[::-1]}
        jump = self.random.choice([-86400.0, -3600.0, -5.0, 5.0, 3600.0, 86400.0])
        return [
            (f"does not reach {one[1]}", lambda: self.down.add(one)),
            (f"and {one[1]} do not reach each other", lambda: self.down.update(both)),
            ("reaches no peer, and no peer reaches it", lambda: self._isolate(director)),
            ("reaches no peer, and no peer reaches it", lambda: self._isolate(director)),
            (f"reaches {one[1]} slowly", lambda: self.slow.add(one)),
            (f"gets old states of {one[1]}", lambda: self.replaying.add(one)),
            ("has its clock stepped", lambda: setattr(director, "clock_ahead", jump)),
            ("gets an order", lambda: self._order(director)),
            ("gets an order", lambda: self._order(director)),
            ("gets an order", lambda: self._order(director)),
            ("is copied", lambda: self._copy(director)),
            ("is rolled back to its copy", lambda: self._roll_back(director)),
        ]

    def _isolate(self, director: PairedDirector) -> None:
        for name in self.directors:
            self.down |= {(name, director.name), (director.name, name)}

    def _order(self, director: PairedDirector) -> None:
        """Let an operator set or remove an override."""
        if not self._works(director):
            return
        chance = self.random
        name, now = chance.choice(SERVERS), director.node.local(self._world.now)
        author = Author(f"unix:{director.name}")
        if chance.random() < 0.3 and name in director.registers.overrides:
            director.registers = director.registers.remove([name], director.name, author, "", now)
        else:
            weight = chance.randint(1, 100)
            override = Override(
                name=name, action=Action.WEIGHT, weight=weight, author=author.name, set_at=now
            )
            director.registers = director.registers.set([override], director.name)
        director.generation += 1
        value = director.registers.find(name)
        assert value is not None
        self.orders.append(value)

    def _copy(self, director: PairedDirector) -> None:
        if self._works(director):
            self.copies[director.name] = (director.registers, director.generation)

    def _roll_back(self, director: PairedDirector) -> None:
        """Restore a running host from a copy: the run is the same, and its state is older."""
        copy = self.copies.get(director.name)
        if copy is None or not self._works(director):
            return
        director.registers, generation = copy
        director.generation = min(generation, director.generation)
        director.rolled_back = self.lost_orders = True

    def heal(self) -> None:
        """Repair all links and clocks, and restart the directors that were rolled back.

        Such a restart is an exec, so elections go on.
        """
        self.down.clear()
        self.slow.clear()
        self.replaying.clear()
        for director in self.directors.values():
            director.clock_ahead, director.unready = 0.0, False
            if director.rolled_back and self._works(director):
                director.begin_process(director.node.local(self._world.now))

    def check_agreement(self) -> None:
        """Raise BrokenPromiseError if the directors do not agree on the overrides."""
        found = [
            {value.name: rank(value) for value in each.registers.overrides.values()}
            for each in self.directors.values()
        ]
        if any(each != found[0] for each in found):
            raise BrokenPromiseError(f"the overrides differ at {self._world.now:.4f}")
        latest: dict[RealServerName, Register] = {}
        for order in self.orders:
            known = latest.get(order.name)
            if known is None or rank(order) > rank(known):
                latest[order.name] = order
        expected = {
            name: rank(value) for name, value in latest.items() if isinstance(value, Override)
        }
        if not self.lost_orders and expected != found[0]:
            raise BrokenPromiseError(f"an order is lost at {self._world.now:.4f}")
