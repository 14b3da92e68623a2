"""One seed: a pool, and a course of verdicts, overrides, asked weights, reloads and restarts.

The real judgement with what remembers for it (`Health`, `Pools`, `SnapshotStore`) runs by a clock
that the world moves; after every event `pool_promises` are judged.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from msgspec.structs import replace

from checks.definition.check import CheckDefinition
from checks.definition.options import TcpProbe
from checks.definition.result import Reason, Result, Verdict
from hadirector.director.pools import Pools
from hadirector.director.snapshot import WRITE_SECONDS, SnapshotStore
from hadirector.events.recorder import Recorder
from hadirector.health.verdicts import Health
from hadirector.model.configuration import Configuration, OnFailure, RealServer, VirtualServer
from hadirector.model.ipvs import DestinationKey, ForwardingMethod, Protocol, Service, ServiceKey
from hadirector.model.policy import Curve, FlapDamping, HealthyMinimum, SlowStart
from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.pools.adoption import adopted_verdicts
from hadirector.pools.facts import Facts
from hadirector.processes.messages import CheckStatistics, VerdictChanged
from tests.simulation.pool_promises import judge_promises

WEB = ServiceKey(Protocol.TCP, "192.0.2.10", 80)
SORRY = DestinationKey("192.0.2.99", 80)
REAL_SERVERS_MAX = 6
EVENTS = 40
LONGEST_SECONDS = 2000.0
"""What a hold, a slow start and the sight of backends may take together."""


class Clock:
    """Stands until it is moved; monotonic seconds."""

    def __init__(self) -> None:
        self.now = 5000.0


async def tell(_event: object) -> None:
    """Nobody listens."""


class PoolWorld:
    """A director's pool that things happen to."""

    def __init__(self, seed: int, clock: Clock, directory: Path) -> None:
        self.random = Random(seed)
        self.clock = clock
        self.directory = directory
        self.overrides: dict[RealServerName, Override] = {}
        self.story: list[str] = []
        self.configuration = self._configured()
        self._begin()
        self.pools.adopt({}, self.history.adopt(self.configuration))
        self._decide("start")

    @property
    def server(self) -> VirtualServer:
        return self.configuration.virtual_servers[0]

    @property
    def facts(self) -> Facts:
        health = self.health
        return Facts(
            verdicts=health.verdicts,
            failed_at=health.failed_at,
            overrides=self.overrides,
            unseen=health.unseen,
            weights=health.weights,
            now=self.clock.now,
            failures=health.failures,
        )

    def weights(self) -> dict[DestinationKey, int]:
        """What the kernel would be given."""
        destinations = self.pools.table[WEB].destinations
        return {key: each.weight for key, each in destinations.items()}

    def run(self) -> None:
        """Let things happen, then let all be well."""
        what = (
            *[self.verdict_flips] * 10,
            *[self.time_passes] * 6,
            *[self.operator_orders] * 2,
            self.weight_is_asked,
            self.all_fall_silent,
            self.reload,
            self.restart,
            self.is_killed,
        )
        for _ in range(EVENTS):
            self.random.choice(what)()
        self.settle()

    # --- what happens ---------------------------------------------------------------------------

    def verdict_flips(self) -> None:
        if not self._checks():
            return
        check = self.random.choice(self._checks())
        passes = self.health.verdicts.get(check) is not Verdict.PASSING
        if self.health.verdicts.get(check) is None:
            passes = self.random.random() < 0.5
        reason = self.random.choice([Reason.REFUSED, Reason.TIMEOUT, Reason.STATUS])
        self._verdict(check, Reason.PASSED if passes else reason)

    def weight_is_asked(self) -> None:
        passing = [c for c in self._checks() if self.health.verdicts.get(c) is Verdict.PASSING]
        if passing:
            asked = self.random.choice([None, 0, 1, 50, 100, 150])
            self._verdict(self.random.choice(passing), Reason.PASSED, asked)

    def all_fall_silent(self) -> None:
        """The director loses sight of its backends; some are seen again later."""
        for check in self._checks():
            if self.health.verdicts.get(check) is Verdict.PASSING:
                self._verdict(check, Reason.TIMEOUT)
            silent = {check: Result(Reason.TIMEOUT, "", 1.0)}
            self._handle(CheckStatistics(probes=1, delayed_probes=0, latest=silent))

    def operator_orders(self) -> None:
        each = self.random.choice(self.server.real_servers)
        name = RealServerName("web", each.name)
        if self.overrides.pop(name, None) is None:
            action = self.random.choice(list(Action))
            self.overrides[name] = Override(
                name=name,
                action=action,
                author="ann",
                weight=self.random.choice([0, 1, 300]) if action is Action.WEIGHT else 0,
                ended=self.random.choice(["", "at last"]) if action is Action.DRAIN else "",
            )
        self._decide(f"order {name} {self.overrides.get(name)}")

    def time_passes(self) -> None:
        self.wait(self.random.choice([0.1, 1.0, 7.0, 60.0, 700.0]))

    def reload(self) -> None:
        self.configuration = self._configured()
        assumed = self.pools.assumed(self.configuration)
        self.pools.configure(self.configuration)
        self.health.configure(self.configuration, *assumed)
        self._decide("reload")

    def restart(self) -> None:
        """Whoever served goes on with the weight it had."""
        held = self.pools.judgements["web"].held
        before = self.weights()
        self.history.write(final=True)
        self._resume("restart")
        if not held:
            serving = {key: weight for key, weight in before.items() if weight}
            assert serving == {key: each for key, each in self.weights().items() if key in serving}

    def is_killed(self) -> None:
        """What was written last is a while old."""
        self._resume("killed and started")

    def wait(self, seconds: float) -> None:
        """Let time pass, and wake the pools when they are due."""
        until = self.clock.now + seconds
        while (at := self._next_change()) is not None and at <= until:
            assert at > self.clock.now, "a change is due that has been made"
            self.clock.now = at
            assert self.pools.due(at) == {WEB}
            self._decide("due")
        self.clock.now = until
        if seconds >= WRITE_SECONDS:
            self.history.write()
        self._decide(f"{seconds} s pass")

    def settle(self) -> None:
        """When all pass, nobody overrides and time has passed, weights are as configured."""
        self.overrides.clear()
        for check in self._checks():
            self._verdict(check, Reason.PASSED)
        self._decide("all is well")
        self.wait(LONGEST_SECONDS)
        assert self._next_change() is None
        expected, before = {}, 0
        for tier in range(3):
            members = [each for each in self.server.real_servers if each.backup_tier == tier]
            stands_by = tier > 0 and before >= self.server.quorum
            expected.update({each.key: 0 if stands_by else each.weight for each in members})
            before += 0 if stands_by else sum(each.weight for each in members)
        if before >= self.server.quorum + self.server.hysteresis:
            assert self.weights() == expected

    # --- how ------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.health = Health(self.configuration, {}, tell)
        self.pools = Pools(self.configuration, Recorder().note)
        self.history = SnapshotStore(self.directory, self.health, self.pools)

    def _resume(self, words: str) -> None:
        table = self.pools.table
        self._begin()
        self.health.verdicts.update(adopted_verdicts(self.configuration, table))
        self.pools.adopt(table, self.history.adopt(self.configuration))
        self._decide(words)

    def _next_change(self) -> float | None:
        return self.pools.judgements["web"].next_change

    def _checks(self) -> list[str]:
        return [each.check.identity for each in self.server.all_servers if each.check is not None]

    def _verdict(self, check: str, reason: Reason, asked: int | None = None) -> None:
        verdict = Verdict.PASSING if reason is Reason.PASSED else Verdict.FAILING
        self._handle(VerdictChanged(check, verdict, Result(reason, "", 0.1, asked)))

    def _handle(self, event: VerdictChanged | CheckStatistics) -> None:
        if isinstance(event, VerdictChanged):
            changed = self.health.verdict_changed(event)
        else:
            changed = self.health.statistics(event)
        if changed:
            self._decide(str(event))

    def _decide(self, words: str) -> None:
        self.pools.decide(None, self.facts, {})
        self.story.append(f"{self.clock.now:9.1f}  {words}: {list(self.weights().values())}")
        judgement = self.pools.judgements["web"]
        judge_promises(self.server, self.facts, judgement, self.weights())

    def _configured(self) -> Configuration:
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
    """A check that is known by its target's address."""
    return CheckDefinition(
        identity=key.address, address=key.address, port=key.port, probe=TcpProbe()
    )
