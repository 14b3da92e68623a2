"""Worlds in which the clocks of directors with auth_hmac step, drift and are corrected.

The messages, their authentication and their sequence numbers are the real ones. An attacker on the
link records every message and sends it again at any time, often at the time that it names. Peers
may be keepalived 2.4.3, whose rules are `KeepalivedNumbers` and `KeepalivedMemory`.

- **With right clocks there is one ACTIVE router** at most `CONVERGED_AFTER` later, whatever
  happened to the clocks before.
- **No message is accepted twice** by a receiver since its host was booted, also over restarts of
  its process.

The attacker has two limits, which SECURITY.md names. It replays nothing from or to a keepalived,
which has no series, and to a director nothing from before the boot of its host.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

from tests.simulation.promises import CLOCK_SKEW, BrokenPromiseError
from tests.simulation.world import Node, World, multicast
from vrrp.instance.messaging import Messaging
from vrrp.instance.sequence import SequenceNumbers
from vrrp.model.configuration import HmacAuthentication, HmacKey, InstanceConfiguration, Secret
from vrrp.model.report import State
from vrrp.protocol.packet import Address, Datagram
from vrrp.protocol.sequence import SequenceMemory, is_later, seconds_behind, sequence_at
from vrrp.router.event import AdvertisementReceived

CONVERGED_AFTER = 10.0
RIGHT_WITHIN = 0.05
WINDOW = 5.0
ROUNDS = 5
SAMPLE = 60
"""Messages among which the attacker looks for recent messages."""

_SECOND = 1_000_000_000
_EPOCH = 1_795_390_633 * _SECOND
_STEPS = (0.5, 4.0, 4.9, 6.0, 10.0, 20.0, 60.0, 3600.0, 7200.0)
_DRIFTS = (0.0, 0.0, 0.0005, 0.05)
_KEY = HmacKey(7, Secret(bytes(range(32))))


class KeepalivedNumbers(SequenceNumbers):
    """The numbers of keepalived 2.4.3: it lowers one that is ahead by more than the window."""

    _latest = 0

    def times(self) -> tuple[int, int]:
        """Return the wall clock only."""
        wall = self._wall()
        return wall, wall

    def agree(self, sequence: int, window: float) -> bool:
        """Keep the time: keepalived never continues a time."""
        return False

    def next(self, window: float) -> int:
        """Return the next number."""
        clock = sequence_at(self._wall())
        ahead = seconds_behind(self._latest, self._wall())
        restarts = is_later(clock, self._latest) or self._latest == 0 or ahead > window
        self._latest = clock if restarts else self._latest + 1
        return self._latest


class KeepalivedMemory(SequenceMemory):
    """The marks of keepalived 2.4.3: a mark outside the window of the clock has expired."""

    _latest: dict[Address, int]

    def accept(
        self, source: Address, sequence: int, *, recent: bool, wall: int, window: float, boot: int
    ) -> bool:
        """Decide as keepalived does."""
        self._latest = getattr(self, "_latest", {})
        mark = self._latest.get(source)
        if mark is not None and abs(seconds_behind(mark, wall)) > window:
            mark = None
        later = mark is None or is_later(sequence, mark)
        if recent and later:
            self._latest[source] = sequence
        return later


class Wire:
    """A transport that keeps the message that is sent."""

    def __init__(self, source: Address) -> None:
        self.source = source
        self.destinations: Sequence[Address] = (multicast(source),)
        self.lost = 0
        self.sent = b""

    def send(self, payload: bytes, destination: Address) -> None:
        """Keep the message."""
        self.sent = payload

    def drain(self) -> bool:
        """There is nothing to receive here."""
        raise AssertionError


class Director(Node):
    """A node with a wall clock, a process with its messages, and a file for its numbers."""

    def __init__(
        self, world: World, address: Address, priority: int, directory: Path, *, keepalived: bool
    ) -> None:
        chance = world.random
        self.keepalived = keepalived
        self.file = directory / f"{address}"
        authentication = HmacAuthentication(
            mode="enforce",
            send_key=7,
            keys=(_KEY,),
            window=WINDOW,
            sequence_file="" if keepalived else str(self.file),
        )
        configuration = InstanceConfiguration(
            name="web",
            interface="eth0",
            virtual_router_id=51,
            virtual_addresses=("10.99.0.100/32",),
            priority=priority,
            preempt=chance.random() < 0.7,
            advert_interval=chance.choice([0.1, 0.5, 0.5, 1.0, 1.0]),
            authentication=authentication,
        )
        rate = chance.uniform(1 - CLOCK_SKEW, 1 + CLOCK_SKEW)
        super().__init__(configuration, address, (rate, chance.uniform(0.0, 1000.0)))
        self._world = world
        self._step_at, self._offset, self._drift = 0.0, 0.0, 0.0
        self.booted_at = -3600.0
        self.heard_from = 0
        """The number of messages that were recorded before the host was booted."""
        self.accepted: set[bytes] = set()
        """The messages that were accepted since the host was booted."""
        self.begin_process()

    @property
    def seconds_ahead(self) -> float:
        """How far the wall clock is ahead of the true time."""
        return self._offset + (self._world.now - self._step_at) * self._drift

    def wall(self) -> int:
        """Return the wall clock."""
        return _EPOCH + round((self._world.now + self.seconds_ahead) * _SECOND)

    def set_clock(self, seconds_ahead: float, drift: float = 0.0) -> None:
        """Step the wall clock, which then runs too fast by ``drift`` seconds a second."""
        self._step_at, self._offset, self._drift = self._world.now, seconds_ahead, drift

    def begin_process(self) -> None:
        """Start a process: it remembers only what is in the file."""
        kind = KeepalivedNumbers if self.keepalived else SequenceNumbers
        numbers = kind(
            self.wall,
            lambda: round(self.local(self._world.now) * _SECOND),
            lambda: round((self._world.now - self.booted_at) * _SECOND),
            self._world.random.randint(1, 255),
        )
        self.messaging = Messaging(self.configuration, numbers, lambda *_, **__: None)
        if self.keepalived:
            self.messaging._memory = KeepalivedMemory(4)


class Recording(NamedTuple):
    """A message that the attacker recorded, and the second of the wall clock that it names."""

    message: bytes
    source: Address
    second: int


class ClockWorld(World):
    """A link on which all messages are recorded, except the messages of a keepalived."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.recorded: list[Recording] = []
        self.keepalived: set[Address] = set()

    def message(self, sender: Node, priority: int) -> bytes:
        """Sign a message, and record it."""
        assert isinstance(sender, Director)
        wire = Wire(sender.address)
        sender.messaging.send(priority, wire)
        if not sender.keepalived:
            second = int.from_bytes(wire.sent[-24:-20])
            self.recorded.append(Recording(wire.sent, sender.address, second))
        return wire.sent

    def receive(self, node: Node, message: bytes, source: Address) -> None:
        """Deliver a message if it is accepted. Raises BrokenPromiseError if it is a replay."""
        assert isinstance(node, Director)
        datagram = Datagram(source, multicast(source), 255, message)
        advertisement, dropped, _ = node.messaging.receive(datagram, node.address)
        if dropped is not None or advertisement is None:
            return
        if message in node.accepted and not node.keepalived and source not in self.keepalived:
            raise BrokenPromiseError(f"{node} accepts a replay at {self.now:.4f}")
        node.accepted.add(message)
        self.deliver(node, AdvertisementReceived(advertisement, source))


class ClockCourse:
    """The events in one world of directors whose clocks are wrong at times, from one seed."""

    def __init__(self, seed: int) -> None:
        self.world = ClockWorld(seed)
        self.random = chance = self.world.random
        self.world.delay = (0.0001, 0.001)
        self._directory = tempfile.TemporaryDirectory(prefix="clocks.")
        keepalived = chance.random() < 0.3
        self.directors = [
            Director(
                self.world,
                IPv4Address(f"10.99.0.{number}"),
                chance.choice([50, 100, 100, 200]),
                Path(self._directory.name),
                keepalived=keepalived and number == 1,
            )
            for number in range(1, 3 if chance.random() < 0.7 else 4)
        ]
        self.world.nodes = list(self.directors)
        self.world.keepalived = {each.address for each in self.directors if each.keepalived}

    def run(self) -> None:
        """Play rounds of trouble, each followed by right clocks. Raises BrokenPromiseError."""
        try:
            for _ in range(ROUNDS):
                self._converge()
                for _ in range(self.random.randint(1, 6)):
                    self._trouble()
                    self._replay_for(self.random.choice([0.2, 1.0, 5.0, 12.0]))
            self._converge()
        finally:
            self._directory.cleanup()

    def _converge(self) -> None:
        """Correct all clocks, and require one ACTIVE router from then on."""
        self.world.note("--- all clocks are right")
        for director in self.directors:
            director.set_clock(self.random.uniform(-RIGHT_WITHIN, RIGHT_WITHIN))
            if not director.running:
                self._start(director)
        self._replay_for(CONVERGED_AFTER)
        for _ in range(20):
            active = [each for each in self.directors if each.router.state is State.ACTIVE]
            if len(active) != 1:
                names = " and ".join(map(str, active)) or "nobody"
                raise BrokenPromiseError(f"{names} is ACTIVE at {self.world.now:.4f}")
            self._replay_for(0.25)

    def _trouble(self) -> None:
        director = self.random.choice(self.directors)
        name, happen = self.random.choice(self._possible(director))
        self.world.note(f"{director} --- {name}")
        happen()
        self.world.note(f"{director} is ahead by {director.seconds_ahead:.1f} s")

    def _possible(self, director: Director) -> list[tuple[str, Callable[[], None]]]:
        chance = self.random
        step = chance.choice(_STEPS) * chance.choice([-1, 1])
        drift = chance.choice(_DRIFTS) * chance.choice([-1, 1])
        if not director.running:
            return [("starts", lambda: self._start(director))]
        return [
            ("has its clock stepped", lambda: director.set_clock(step, drift)),
            ("has its clock corrected", lambda: director.set_clock(0.0)),
            ("and all others have their clocks stepped", lambda: self._step_all(step, drift)),
            ("has its process restarted", lambda: self._restart(director)),
            ("loses power", lambda: self.world.power_off(director)),
            ("is rebooted", lambda: self._reboot(director, 0.0)),
            ("is rebooted with a wrong clock", lambda: self._reboot(director, step)),
        ]

    def _step_all(self, step: float, drift: float) -> None:
        for director in self.directors:
            director.set_clock(step, drift)

    def _start(self, director: Director) -> None:
        director.begin_process()
        self.world.start(director)

    def _restart(self, director: Director) -> None:
        self.world.kill(director)
        self._start(director)

    def _reboot(self, director: Director, seconds_ahead: float) -> None:
        """Boot the host: it forgets its file, and what it has heard."""
        self.world.power_off(director)
        self.world.run(self.world.now + self.random.uniform(1.0, 30.0))
        director.file.unlink(missing_ok=True)
        director.booted_at = self.world.now
        director.heard_from = len(self.world.recorded)
        director.accepted = set()
        director.set_clock(seconds_ahead)
        self.world.run(self.world.now + self.random.uniform(0.1, 5.0))
        self._start(director)

    def _replay_for(self, seconds: float) -> None:
        """Let time pass, in which the attacker sends recorded messages again."""
        end = self.world.now + seconds
        while self.world.now < end:
            self.world.run(min(end, self.world.now + self.random.uniform(0.0, 1.0)))
            director = self.random.choice(self.directors)
            for recording in self._chosen(director):
                self.world.receive(director, recording.message, recording.source)

    def _chosen(self, director: Director) -> list[Recording]:
        """Return the latest message, a random one, and some that are recent for the clock."""
        recorded = self.world.recorded
        if director.heard_from == len(recorded) or director.keepalived or not director.running:
            return []
        sample = self.random.choices(range(director.heard_from, len(recorded)), k=SAMPLE)
        others = [
            recorded[place]
            for place in (-1, *sample)
            if recorded[place].source is not director.address
        ]
        now = sequence_at(director.wall()) >> 32
        recent = [each for each in others if abs(each.second - now) <= WINDOW]
        return [*others[:2], *recent[:5]]
