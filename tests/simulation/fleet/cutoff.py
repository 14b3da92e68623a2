"""A director that reaches no backend any more: every target falls silent, and later answers again.

All 10,000 verdicts are applied in steps of two seconds. Otherwise one such fault would cost more
time than all others together.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from checks.definition.result import Reason, Verdict
from hadirector.processes.suspicions import PER_SECOND_MAX
from tests.simulation.fleet.layout import TIMING
from tests.simulation.fleet.probing import FAST, RESULTS, phase

if TYPE_CHECKING:
    from tests.simulation.fleet.director import Director
    from tests.simulation.fleet.world import World

STEP: Final = 2.0


def cut_off(world: World, director: Director) -> None:
    """Let a director reach no backend."""
    director.sees = False
    world.times.leave_out(director)
    world.note(f"{director.name} reaches no backend")
    _schedule(world, director, 2 * TIMING.timeout, TIMING.timeout)


def reconnect(world: World, director: Director) -> None:
    """Let a director reach the backends again."""
    director.sees, director.saw_nothing_at = True, world.now
    world.note(f"{director.name} reaches the backends")
    if director.runs:
        _schedule(world, director, FAST, 0.0)
        world.at(world.now + STEP, _evaluate, world, director)


def _evaluate(world: World, director: Director) -> None:
    """Evaluate the blindness again until it is over. The product does so every second."""
    if not director.runs:
        return
    _take_blindness(world, director)
    if director.blindness.unseen_since is not None:
        world.at(world.now + STEP, _evaluate, world, director)


def _schedule(world: World, director: Director, confirmed: float, first: float) -> None:
    """Let the first result of each target come ``first`` seconds after its next regular probe.

    The second result, which changes the verdict, comes ``confirmed`` seconds after that probe.
    """
    steps: dict[int, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for target in world.layout.targets:
        interval = world.probing.interval(director, target)
        due = (phase(director.number, target) * interval - world.now) % interval
        steps[int((due + first) / STEP)][0].append(target)
        steps[int((due + confirmed) / STEP)][1].append(target)
    for step, (firsts, seconds) in steps.items():
        when = world.now + (step + 1) * STEP
        run = (world, director, tuple(firsts), tuple(seconds), director.incarnation)
        world.at(when, _apply, *run)


def _apply(
    world: World,
    director: Director,
    firsts: tuple[str, ...],
    seconds: tuple[str, ...],
    incarnation: int,
) -> None:
    """Apply one step of results."""
    if not director.runs or director.incarnation != incarnation:
        return
    pools, suspected, told = set(), 0, False
    for target in (*firsts, *seconds):
        reason = world.probing.outcome(director, target)
        state = director.states.get(target)
        if (reason is Reason.PASSED) is (state.verdict is Verdict.PASSING) and (
            target not in director.trackers
        ):
            continue
        is_first, is_reported = director.take_result(target, RESULTS[reason], world.now)
        world.promises.note_probe(director, target, passed=reason is Reason.PASSED)
        if is_reported:
            world.promises.judge_verdict(director, target)
            pools.add(world.layout.places[target].pool)
        if is_first and suspected < PER_SECOND_MAX * STEP:
            suspected += 1
            told |= director.suspect(target, world.now)
    if told:
        world.probing.tell(director)
    _take_blindness(world, director)
    for pool in pools:
        world.decide_soon(director, pool)
    if director.blindness.blind:
        world.at(world.now + 2 * 0.001, _judge_blind, world, director)


def _take_blindness(world: World, director: Director) -> None:
    """Decide about all pools and groups if the director becomes blind, or sees again."""
    began = director.evaluate_blindness(world.now)
    if not director.see_again() and not began:
        return
    world.note(f"{director.name} blind: {director.blindness.blind}")
    for pool in range(len(world.layout.servers)):
        world.decide_soon(director, pool)
    for group in range(len(world.routes)):
        world.announce(director, group)


def _judge_blind(world: World, director: Director) -> None:
    if director.runs and director.blindness.blind:
        world.promises.judge_blind(director)
