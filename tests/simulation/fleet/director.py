"""One director: the decision cores of the product, without processes, sockets and clocks."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from checks.definition.result import Reason, Result, Verdict
from checks.scheduling.judgment import contradicts, judge
from checks.scheduling.target import Target
from hadirector.announce.decision import STARTING, Facts, GroupState, adopt, decide
from hadirector.director.announcing import passing_part
from hadirector.health.blindness import BlindnessTracker, proves_path
from hadirector.health.target import TargetState
from hadirector.model.configuration import VirtualServer
from hadirector.model.discovery import Member
from hadirector.overrides.model import Override, RealServerName
from hadirector.pair.state import Suspicions
from hadirector.pair.suspicion import Heard, Sent, current_suspicions, hear, suspect
from hadirector.pools import decision as pool_decision
from hadirector.pools.decision import Judgement
from hadirector.pools.facts import Facts as PoolFacts
from hadirector.sources.admission import Accepted, Admission, admit
from tests.simulation.fleet.layout import ADMISSION, TIMING, Layout, expand_pool
from tests.simulation.fleet.watchers import INDEPENDENT_MAX, SLOW_INTERVAL

PASSED: Final = Result(Reason.PASSED, "", 0.001)
START_SECONDS: Final = 2.0
"""How long a director probes before it has a verdict on every target."""
UP: Final = TargetState(Verdict.PASSING, PASSED)


class States(dict[str, TargetState]):
    """The states of the targets that were ever in trouble. All others pass."""

    def get(self, key: str, default: object = None) -> TargetState:
        """Return the state of a target."""
        return super().get(key, UP)


@dataclass(slots=True)
class Snapshot:
    """The latest snapshot of a pool that a director has read, and when it first did."""

    members: tuple[Member, ...]
    seen_at: float


@lru_cache(maxsize=4)
def seeing_tracker(layout: Layout) -> BlindnessTracker:
    """Return a tracker to which every target has answered.

    With watchers, the tracker must know the slow interval. Otherwise the targets that fall silent
    early in a blindness would count as failed by themselves.
    """
    tracker = BlindnessTracker()
    checks = [layout.places[target].check for target in layout.targets]
    if len(layout.names) > INDEPENDENT_MAX:
        slow = replace(TIMING, slow_interval=SLOW_INTERVAL)
        checks = [replace(check, timing=slow) for check in checks]
    tracker.configure(checks)
    for target in layout.targets:
        tracker.observe(target, Reason.PASSED, 0.0)
    return tracker


def see_all(layout: Layout) -> BlindnessTracker:
    """Return a tracker of its own to which every target has answered."""
    tracker = copy(seeing_tracker(layout))
    tracker._observations = dict(tracker._observations)
    return tracker


@lru_cache(maxsize=1000)
def first_judgement(layout: Layout, pool: int) -> Judgement:
    """Return the decision about a pool whose members all pass."""
    return pool_decision.judge(layout.servers[pool], PoolFacts(States()), None)


@dataclass(eq=False)
class Director:
    """The state of one director. ``runs`` is whether its processes run.

    ``sees`` is whether it reaches the backends. Times are seconds of the world.
    """

    number: int
    layout: Layout
    runs: bool = True
    sees: bool = True
    leaving: bool = False
    started_at: float = -1000.0
    ended_at: float = 0.0
    saw_nothing_at: float = -1000.0
    heard: frozenset[str] = frozenset()
    states: States = field(default_factory=States)
    trackers: dict[str, Target] = field(default_factory=dict)
    overrides: dict[RealServerName, Override] = field(default_factory=dict)
    sent: Sent = field(default_factory=Sent)
    peers: dict[int, Heard] = field(default_factory=dict)
    snapshots: dict[int, Snapshot] = field(default_factory=dict)
    servers: dict[int, VirtualServer] = field(default_factory=dict)
    accepted: dict[int, Accepted] = field(default_factory=dict)
    judgements: dict[int, Judgement] = field(default_factory=dict)
    passing: dict[str, float] = field(default_factory=dict)
    announced: list[GroupState] = field(default_factory=list)
    incarnation: int = 0

    def __post_init__(self) -> None:
        self.name = self.layout.names[self.number]
        self.blindness = see_all(self.layout)
        self.announced = [adopt(0.0, reluctant=False) for _ in self.layout.groups]

    # --- checks ---------------------------------------------------------------------------------

    def tracker(self, target: str) -> Target:
        """Return the state of a target in the checks worker."""
        found = self.trackers.get(target)
        if found is None:
            check = self.layout.places[target].check
            verdict = self.states.get(target).verdict
            found = self.trackers[target] = Target(check, verdict, None, 0.0)
        return found

    def take_result(self, target: str, result: Result, now: float) -> tuple[bool, bool]:
        """Record the result of a probe.

        Return whether it is the first failure of a passing target, and whether it changes the
        verdict.
        """
        tracker = self.tracker(target)
        is_first = contradicts(tracker, result)
        result, is_new, is_reported = judge(tracker, result)
        tracker.update_interval()
        if is_reported:
            verdict = tracker.tracker.verdict
            self.states[target] = self.states.get(target).with_verdict(verdict, result, now)
            self._mark_unseen(target)
        elif is_new and target in self.states:
            self.states[target] = self.states[target].with_result(result)
        self.blindness.observe(target, result.reason, now)
        return is_first, is_reported

    def evaluate_blindness(self, now: float) -> bool:
        """Find out whether the director is blind; return whether this has changed."""
        before = self.blindness.blind
        self.blindness.evaluate(now)
        if self.blindness.blind is before:
            return False
        for target in self.states:
            self._mark_unseen(target)
        return True

    def see_again(self) -> bool:
        """Mark the failures that began in a blindness as over, if it is. Return any change."""
        changed = [self._mark_unseen(target) for target in self.states]
        return any(changed)

    def _mark_unseen(self, target: str) -> bool:
        state = self.states[target]
        since, unseen = self.blindness.unseen_since, False
        if since is not None and state.failed_at is not None and state.failed_at >= since:
            assert state.result is not None
            unseen = not proves_path(self.layout.places[target].check, state.result)
        if state.unseen is unseen:
            return False
        self.states[target] = state.with_unseen(unseen)
        return True

    # --- suspicions -----------------------------------------------------------------------------

    def suspect(self, target: str, now: float) -> bool:
        """Suspect a target; return whether the peers are told."""
        before = self.sent.number
        self.sent = suspect(
            self.sent,
            self.layout.places[target].check,
            targets=len(self.layout.targets),
            blind=self.blindness.blind,
            now=now,
        )
        return self.sent.number != before

    def suspicions(self, now: float) -> Suspicions:
        """Return what the peers are told."""
        return current_suspicions(self.sent, now)

    def hear(
        self, sender: Director, suspicions: Suspicions, probe_rate: float, now: float
    ) -> tuple[str, ...]:
        """Return the targets to probe because of the suspicions of a peer."""
        incarnation = str(sender.incarnation)
        known = self.peers.get(sender.number) or Heard(incarnation)
        known, targets = hear(
            known, incarnation, suspicions, self.layout.places, probe_rate=probe_rate, now=now
        )
        self.peers[sender.number] = known
        return targets

    # --- pools ----------------------------------------------------------------------------------

    def server(self, pool: int) -> VirtualServer:
        """Return a pool with the members that this director has accepted."""
        return self.servers.get(pool) or self.layout.servers[pool]

    def judgement(self, pool: int) -> Judgement:
        """Return the latest decision about a pool."""
        return self.judgements.get(pool) or first_judgement(self.layout, pool)

    def decide_pool(self, pool: int, now: float) -> Judgement:
        """Decide the weights of a pool, and which part of its weight passes."""
        before = self.judgement(pool)
        server = self.server(pool)
        facts = PoolFacts(self.states, self.overrides, now, self.blindness.blind)
        judgement = pool_decision.judge(server, facts, before.quorum, before.serving_since)
        self.judgements[pool] = judgement
        self.passing[server.name] = passing_part(server, judgement)
        return judgement

    def present(self, pool: int) -> int:
        """Return how many members of a pool are not absent."""
        return (self.accepted.get(pool) or self.layout.accepted[pool]).present

    def read(self, pool: int, members: tuple[Member, ...] | None, now: float) -> Admission | None:
        """Take a snapshot of a source, or the latest one again. Return the decision about it.

        None if no snapshot was ever read.
        """
        known = self.snapshots.get(pool)
        if members is not None and (known is None or known.members != members):
            known = self.snapshots[pool] = Snapshot(members, now)
        if known is None:
            return None
        accepted = self.accepted.get(pool) or self.layout.accepted[pool]
        admission = admit(accepted, known.members, ADMISSION, now, seen_at=known.seen_at)
        if admission.accepted != accepted:
            self.servers[pool] = expand_pool(self.server(pool), admission.accepted)
        self.accepted[pool] = admission.accepted
        return admission

    # --- announcement ---------------------------------------------------------------------------

    def decide_group(self, number: int, now: float) -> GroupState:
        """Decide the announcement of a group."""
        held_out = "starting" if now - self.started_at < START_SECONDS else ""
        facts = Facts(
            held_out=held_out,
            blind=self.blindness.blind,
            passing=self.passing,
            leaving=self.leaving,
        )
        group = self.layout.groups[number]
        self.announced[number] = decide(group, self.announced[number], facts, now)
        return self.announced[number]

    def start(self, now: float) -> None:
        """Start new processes. The table in the kernel and the stored verdicts are as before."""
        self.runs, self.leaving, self.started_at = True, False, now
        self.incarnation += 1
        self.sent, self.peers = Sent(), {}
        self.announced = [STARTING for _ in self.layout.groups]
        self.trackers.clear()
        self.blindness = see_all(self.layout)
