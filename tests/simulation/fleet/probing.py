"""When the directors probe, what the probes find, and the suspicions that follow."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zlib import crc32

from checks.definition.result import Reason, Result
from checks.idle_connection.hint import causes_probe, repeat_at_once
from hadirector.pair.state import Suspicions
from tests.simulation.fleet.director import PASSED
from tests.simulation.fleet.layout import TIMING
from tests.simulation.fleet.probe_load import rate_of
from tests.simulation.fleet.watchers import SLOW_INTERVAL, watches

if TYPE_CHECKING:
    from tests.simulation.fleet.director import Director
    from tests.simulation.fleet.world import World

ANSWER_SECONDS: Final = 0.0005
RESULTS: Final = {
    Reason.PASSED: PASSED,
    Reason.REFUSED: Result(Reason.REFUSED, "", ANSWER_SECONDS),
    Reason.TIMEOUT: Result(Reason.TIMEOUT, "", TIMING.timeout),
}
assert TIMING.fast_interval is not None
FAST: Final = TIMING.fast_interval


@lru_cache(maxsize=100_000)
def phase(director: int, target: str) -> float:
    """Return where in its interval a director probes a target, from 0 to 1."""
    return crc32(f"{director} {target}".encode()) / 2**32


class Probing:
    """The probes of all directors that have a consequence."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._due: dict[int, dict[str, float]] = {
            director.number: {} for director in world.directors
        }

    def outcome(self, director: Director, target: str) -> Reason:
        """Return what a probe finds."""
        if not director.sees:
            return Reason.TIMEOUT
        return self._world.down.get(target, Reason.PASSED)

    def interval(self, director: Director, target: str) -> float:
        """Return the interval of a director at a target that is not in doubt."""
        names = director.layout.names
        is_fast = watches(director.name, target, names, director.heard)
        return TIMING.interval if is_fast else SLOW_INTERVAL

    def expect(self, director: Director, target: str, within: float | None = None) -> None:
        """Let the next regular probe of a target have a consequence, unless one is expected."""
        now = self._world.now
        interval = self.interval(director, target) if within is None else within
        due = now + (phase(director.number, target) * interval - now) % interval
        self._probe_at(director, target, due)

    def pace_again(self, director: Director) -> None:
        """Expect the next probe of all targets in trouble after the intervals have changed."""
        for target in sorted({*self._world.down, *director.states}):
            if not self._world.is_agreed(director, target):
                self.expect(director, target)

    def forget(self, director: Director) -> None:
        """Forget the probes of a director that has ended."""
        self._due[director.number].clear()

    def hint(self, director: Director, target: str) -> None:
        """Probe a target at once, because a peer suspects it."""
        tracker, now = director.tracker(target), self._world.now
        if causes_probe(tracker.tracker.verdict, tracker.hinted_at, now):
            tracker.hinted_at = now
            self._probe(director, target, by_hint=True)

    def _probe_at(self, director: Director, target: str, due: float) -> None:
        known = self._due[director.number].get(target)
        if known is None or due < known:
            self._due[director.number][target] = due
            self._world.at(due, self._probe_regularly, director, target, due)

    def _probe_regularly(self, director: Director, target: str, due: float) -> None:
        if self._due[director.number].get(target) == due:
            del self._due[director.number][target]
            self._probe(director, target, by_hint=False)

    def _probe(self, director: Director, target: str, *, by_hint: bool) -> None:
        world = self._world
        reason = self.outcome(director, target)
        world.load.extra[target] += 1
        done = world.now + RESULTS[reason].duration
        run = (director, target, reason, by_hint, director.incarnation)
        world.at(done, self._finish, *run)

    def _finish(
        self, director: Director, target: str, reason: Reason, by_hint: bool, incarnation: int
    ) -> None:
        world = self._world
        if not director.runs or director.incarnation != incarnation:
            return
        is_first, is_reported = director.take_result(target, RESULTS[reason], world.now)
        world.promises.note_probe(director, target, passed=reason is Reason.PASSED)
        tracker = director.tracker(target).tracker
        if is_reported:
            world.promises.judge_verdict(director, target)
            world.decide_soon(director, world.layout.places[target].pool)
        if is_first:
            self._suspect(director, target, by_hint=by_hint)
        if by_hint and repeat_at_once(tracker.verdict, reason):
            self._probe(director, target, by_hint=True)
        elif tracker.suspect:
            wait = FAST if reason is not Reason.TIMEOUT else 0.0
            self._probe_at(director, target, world.now + wait)
        elif not world.is_agreed(director, target):
            self.expect(director, target)

    def _suspect(self, director: Director, target: str, *, by_hint: bool) -> None:
        """Tell the peers. In a fleet with watchers, only they repeat what they were told."""
        watched = self.interval(director, target) == TIMING.interval
        if (watched or not by_hint) and director.suspect(target, self._world.now):
            self.tell(director)

    def tell(self, director: Director) -> None:
        """Send the suspicions of a director to its peers."""
        world = self._world
        suspicions = director.suspicions(world.now)
        for peer in world.links.peers(director):
            delay = world.links.delay()
            if delay is not None:
                world.at(world.now + delay, self.receive, peer, director, suspicions)

    def receive(self, director: Director, sender: Director, suspicions: Suspicions) -> None:
        """Let a director take the suspicions of a peer."""
        if not director.runs:
            return
        rate = rate_of(director) * len(director.layout.targets)
        for target in director.hear(sender, suspicions, rate, self._world.now):
            self.hint(director, target)
