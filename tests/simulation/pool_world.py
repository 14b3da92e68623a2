"""One seed: a pool, with verdicts, overrides, reloads and restarts in random order.

The real `Health`, `Pools` and `SnapshotStore` run with a clock that the world moves. After every
step the promises of `pool_promises` are judged.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from msgspec.structs import replace

from checks.definition.check import CheckDefinition
from checks.definition.options import TcpProbe
from checks.definition.result import Reason, Result, Verdict
from hadirector.director.parts import FAILURE_SECONDS_MAX
from hadirector.director.pools import Pools
from hadirector.director.snapshot import WRITE_SECONDS, Snapshot, SnapshotStore
from hadirector.events.recorder import Recorder
from hadirector.health.target import take_snapshot
from hadirector.health.verdicts import Health
from hadirector.model.configuration import Configuration, OnFailure, RealServer, VirtualServer
from hadirector.model.ipvs import (
    DestinationKey,
    ForwardingMethod,
    Protocol,
    Service,
    ServiceKey,
    Table,
)
from hadirector.model.policy import Curve, FlapDamping, HealthyMinimum, SlowStart
from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.pools.adoption import adopted_verdicts
from hadirector.pools.facts import Facts
from hadirector.pools.frozen import FrozenTargets
from hadirector.processes.messages import CheckStatistics, VerdictChanged
from tests.simulation.pool_promises import judge_promises

WEB = ServiceKey(Protocol.TCP, "192.0.2.10", 80)
SORRY = DestinationKey("192.0.2.99", 80)
REAL_SERVERS_MAX = 6
EVENTS = 40
LONGEST_SECONDS = 2000.0
"""Longer than flap damping, slow start and the recovery from blindness take together."""


class Clock:
    """A clock in monotonic seconds that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 5000.0


async def ignore(_message: object) -> None:
    """Discard a message."""


class PoolWorld:
    """A pool of a director, and the events that change it."""

    def __init__(self, seed: int, clock: Clock, directory: Path) -> None:
        self.random = Random(seed)
        self.clock = clock
        self.directory = directory
        self.overrides: dict[RealServerName, Override] = {}
        self.story: list[str] = []
        self.frozen = FrozenTargets()
        self.configuration = self._random_configuration()
        self._resume("start", {})

    @property
    def server(self) -> VirtualServer:
        return self.configuration.virtual_servers[0]

    @property
    def facts(self) -> Facts:
        live = self.health.targets
        return Facts(
            self.frozen.view(live),
            self.overrides,
            self.clock.now,
            live=live if self.frozen.active else None,
        )

    def weights(self) -> dict[DestinationKey, int]:
        """The weights in the wanted table."""
        destinations = self.pools.table[WEB].destinations
        return {key: destination.weight for key, destination in destinations.items()}

    def run(self) -> None:
        """Choose events at random, and then let everything recover."""
        events = (
            *[self.verdict_flips] * 10,
            *[self.time_passes] * 6,
            *[self.override_changes] * 2,
            self.weight_is_requested,
            self.all_fall_silent,
            self.pause_changes,
            self.reload,
            self.restart,
            self.is_killed,
        )
        for _ in range(EVENTS):
            self.random.choice(events)()
        self.settle()

    # --- events ---------------------------------------------------------------------------------

    def verdict_flips(self) -> None:
        if not self._checks():
            return
        check = self.random.choice(self._checks())
        verdict = self.health.targets[check].verdict
        passes = verdict is Verdict.FAILING
        if verdict is Verdict.UNKNOWN:
            passes = self.random.random() < 0.5
        reason = self.random.choice([Reason.REFUSED, Reason.TIMEOUT, Reason.STATUS])
        self._verdict(check, Reason.PASSED if passes else reason)

    def weight_is_requested(self) -> None:
        passing = [check for check in self._checks() if self._passes(check)]
        if passing:
            requested = self.random.choice([None, 0, 1, 50, 100, 150])
            self._verdict(self.random.choice(passing), Reason.PASSED, requested)

    def all_fall_silent(self) -> None:
        """The director becomes blind; some targets answer later."""
        for check in self._checks():
            if self._passes(check):
                self._verdict(check, Reason.TIMEOUT)
            silent = {check: Result(Reason.TIMEOUT, "", 1.0)}
            self._handle(CheckStatistics(probes=1, delayed_probes=0, latest=silent))

    def override_changes(self) -> None:
        real_server = self.random.choice(self.server.real_servers)
        name = RealServerName("web", real_server.name)
        if self.overrides.pop(name, None) is None:
            action = self.random.choice(list(Action))
            self.overrides[name] = Override(
                name=name,
                action=action,
                author="ann",
                weight=self.random.choice([0, 1, 300]) if action is Action.WEIGHT else 0,
                ended=self.random.choice(["", "at last"]) if action is Action.DRAIN else "",
            )
        self._decide(f"override {name} {self.overrides.get(name)}")

    def pause_changes(self) -> None:
        if self.frozen.active:
            self.frozen.end()
        else:
            self.frozen.begin(self.health.targets)
        self._decide("pause" if self.frozen.active else "resume")

    def time_passes(self) -> None:
        self.wait(self.random.choice([0.1, 1.0, 7.0, 60.0, 700.0]))

    def reload(self) -> None:
        self.configuration = self._random_configuration()
        assumptions = self.pools.assume(self.configuration)
        self.pools.configure(self.configuration)
        self.health.configure(self.configuration, assumptions)
        self._decide("reload")

    def restart(self) -> None:
        """Every server that served keeps its weight."""
        held = self.pools.judgements["web"].held
        before = self.weights()
        self._write_snapshot(final=True)
        self._resume("restart", self.pools.table)
        if not held:
            serving = {key: weight for key, weight in before.items() if weight}
            now = self.weights()
            assert serving == {key: weight for key, weight in now.items() if key in serving}

    def is_killed(self) -> None:
        """The snapshot on the disk is old."""
        self._resume("killed and started", self.pools.table)

    def wait(self, seconds: float) -> None:
        """Let time pass, and decide whenever a change is due."""
        until = self.clock.now + seconds
        while (at := self._next_change()) is not None and at <= until:
            assert at > self.clock.now, "a change that was made is still due"
            self.clock.now = at
            assert self.pools.due(at) == {WEB}
            self._decide("due")
        self.clock.now = until
        if seconds >= WRITE_SECONDS:
            self._write_snapshot()
        self._decide(f"{seconds} s pass")

    def settle(self) -> None:
        """Let all servers pass without overrides; the weights become the configured ones."""
        self.overrides.clear()
        self.frozen.end()
        for check in self._checks():
            self._verdict(check, Reason.PASSED)
        self._decide("all pass")
        self.wait(LONGEST_SECONDS)
        assert self._next_change() is None
        expected, before = {}, 0
        for tier in range(3):
            members = [member for member in self.server.real_servers if member.backup_tier == tier]
            on_standby = tier > 0 and before >= self.server.quorum
            expected.update({member.key: 0 if on_standby else member.weight for member in members})
            before += 0 if on_standby else sum(member.weight for member in members)
        if before >= self.server.quorum + self.server.hysteresis:
            assert self.weights() == expected

    # --- steps ----------------------------------------------------------------------------------

    def _resume(self, step: str, table: Table) -> None:
        """Start a director that adopts this table."""
        self.health = Health(self.configuration, ignore)
        self.pools = Pools(self.configuration, Recorder().note)
        self.snapshots = SnapshotStore(self.directory)
        snapshot = self.snapshots.read()
        verdicts = adopted_verdicts(self.configuration, table)
        self.health.adopt(self.configuration, verdicts, snapshot.targets)
        if self.frozen.active:
            self.frozen = FrozenTargets()
            passing = [each for each, verdict in verdicts.items() if verdict is Verdict.PASSING]
            self.frozen.resume(snapshot.frozen, self.health.targets, passing)
        self.pools.adopt(table, snapshot.pools)
        self._decide(step)

    def _write_snapshot(self, *, final: bool = False) -> None:
        oldest = self.clock.now - FAILURE_SECONDS_MAX
        targets = take_snapshot(self.health.targets, oldest, final=final)
        frozen = take_snapshot(self.frozen.states, oldest, final=True)
        self.snapshots.write(
            Snapshot(
                pools=self.pools.snapshot(),
                targets=targets,
                frozen=frozen if self.frozen.active else None,
            )
        )

    def _next_change(self) -> float | None:
        return self.pools.judgements["web"].next_change

    def _checks(self) -> list[str]:
        servers = self.server.all_servers
        return [server.check.identity for server in servers if server.check is not None]

    def _passes(self, check: str) -> bool:
        return self.health.targets[check].verdict is Verdict.PASSING

    def _verdict(self, check: str, reason: Reason, weight: int | None = None) -> None:
        verdict = Verdict.PASSING if reason is Reason.PASSED else Verdict.FAILING
        self._handle(VerdictChanged(check, verdict, Result(reason, "", 0.1, weight)))

    def _handle(self, message: VerdictChanged | CheckStatistics) -> None:
        before = self.weights()
        held = self.frozen.view(self.health.targets)
        known = self.frozen.active and all(
            held[check].verdict is Verdict.PASSING for check in self._checks()
        )
        self._handle_message(message)
        if known:
            assert self.weights() == before, "a verdict during a pause moved a weight"

    def _handle_message(self, message: VerdictChanged | CheckStatistics) -> None:
        if isinstance(message, VerdictChanged):
            changed = self.health.record_verdict(message, self.clock.now)
        else:
            changed = self.health.record_statistics(message, self.clock.now)
        if changed:
            self._decide(str(message))

    def _decide(self, step: str) -> None:
        self.pools.decide(None, self.facts)
        self.story.append(f"{self.clock.now:9.1f}  {step}: {list(self.weights().values())}")
        judgement = self.pools.judgements["web"]
        judge_promises(self.server, self.facts, judgement, self.weights())

    def _random_configuration(self) -> Configuration:
        random = self.random
        numbers = random.sample(range(1, 9), random.randint(1, REAL_SERVERS_MAX))
        policies = [None, None, SlowStart(30.0), SlowStart(300.0, 1, Curve.QUADRATIC)]
        policy = random.choice(policies)
        servers = tuple(self._real_server(number, policy) for number in sorted(numbers))
        quorum = random.choice([1, 1, 2, 50, 150])
        sorry = RealServer(key=SORRY, check=random.choice([None, check_of(SORRY)]))
        server = VirtualServer(
            name="web",
            keys=(WEB,),
            service=Service("wrr"),
            forwarding=ForwardingMethod.NAT,
            on_failure=random.choice(list(OnFailure)),
            quorum=quorum,
            hysteresis=random.randint(0, quorum - 1),
            min_healthy=random.choice(
                [HealthyMinimum(), HealthyMinimum(count=1), HealthyMinimum(percent=50)]
            ),
            initially_up=random.random() < 0.2,
            flap_damping=random.choice([None, FlapDamping(2, 300.0, 30.0, 600.0)]),
            sorry_server=random.choice([None, sorry]),
            real_servers=servers,
        )
        return Configuration(name="lb1", virtual_servers=(server,))

    def _real_server(self, number: int, policy: SlowStart | None) -> RealServer:
        key = DestinationKey(f"192.0.2.{number}", 80)
        made = RealServer(
            key=key,
            weight=self.random.choice([0, 1, 10, 100, 100, 65535]),
            check=check_of(key),
            backup_tier=self.random.choice([0, 0, 0, 1, 2]),
            slow_start=policy,
        )
        return made if self.random.random() < 0.9 else replace(made, check=None)


def check_of(key: DestinationKey) -> CheckDefinition:
    """A check whose identity is the address of its target."""
    return CheckDefinition(
        identity=key.address, address=key.address, port=key.port, probe=TcpProbe()
    )
