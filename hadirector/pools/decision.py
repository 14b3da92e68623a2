"""Decides what weight every real server of a pool has, and says how that comes about.

Pure: facts in, weights with their derivations out. A weight is a function of the facts of this
moment. Two things are remembered from decision to decision: whether the pool had its quorum,
because hysteresis asks for that, and since when its real servers serve, for a slow start.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from checks.definition.result import Verdict
from hadirector.model.configuration import OnFailure, VirtualServer
from hadirector.model.ipvs import DestinationKey
from hadirector.overrides.model import Action, RealServerName
from hadirector.pools.candidate import Candidate, Derivation, Step
from hadirector.pools.facts import Facts
from hadirector.pools.flap_damping import damp
from hadirector.pools.min_healthy import brake, look_past_blindness
from hadirector.pools.slow_start import start_slowly

WEIGHT_MAX = 65535
"""As much as a configuration may give (linux/ip_vs.h has more room, ipvsadm(8) not)."""


class Judgement(msgspec.Struct, frozen=True):
    """What is decided of one pool.

    ``derivations`` are in the order of their keys, the same on every director: ``sh`` and ``mh``
    build their tables in list order, and two directors must agree on them. ``quorum`` is None while
    too little is known; ``passing`` is the weight of what passes, which it is judged by. ``held``
    are the failing servers that are kept in all the same, the first of them the ``unseen`` ones,
    for they were lost from sight with all others. ``serving_since`` is since when those serve that
    do, where slow start asks for that, and ``next_change`` when to judge again though all facts but
    the time stay; ``flapping`` names who flaps, and until when. Monotonic seconds.
    """

    derivations: Mapping[DestinationKey, Derivation]
    sorry: Derivation | None
    quorum: bool | None
    passing: int
    held: tuple[DestinationKey, ...] = ()
    serving_since: Mapping[DestinationKey, float] = {}
    next_change: float | None = None
    flapping: Mapping[DestinationKey, float] = {}
    unseen: tuple[DestinationKey, ...] = ()


def judge(
    server: VirtualServer,
    facts: Facts,
    had_quorum: bool | None,
    serving_since: Mapping[DestinationKey, float] = {},
) -> Judgement:
    """Decide the weights of one pool.

    ``had_quorum`` and ``serving_since`` are what was decided before, None and empty at first.
    """
    candidates = [
        Candidate(each) for each in sorted(server.real_servers, key=lambda each: each.key)
    ]
    for candidate in candidates:
        _obey(server, candidate, facts)
        _believe(server, candidate, facts)
    lost = look_past_blindness(candidates)
    passing = sum(each.worth for each in candidates if each.serving)
    quorum = has_quorum(
        passing,
        server.quorum,
        server.hysteresis,
        before=None if lost else had_quorum,
        known=not any(each.unknown for each in candidates),
    )
    flapping = damp(server, candidates, facts.failures, facts.now)
    braked = brake(server.min_healthy, candidates)
    _stand_by(server, candidates, braked)
    held = lost + braked
    sorry = _sorry(server, facts.verdicts, wanted=quorum is False and not held)
    if sorry is not None and sorry[-1].weight is not None:
        for candidate in candidates:
            if candidate.serving:
                candidate.leave(0, "no quorum: the sorry server serves")
    serving_since, grows_at = start_slowly(candidates, serving_since, facts.now)
    changes = [*flapping.values(), *(() if grows_at is None else (grows_at,))]
    derivations = {each.real_server.key: tuple(each.steps) for each in candidates}
    kept = tuple(each.real_server.key for each in held)
    return Judgement(
        derivations=derivations,
        sorry=sorry,
        quorum=quorum,
        passing=passing,
        held=kept,
        serving_since=serving_since,
        next_change=min(changes, default=None),
        flapping=flapping,
        unseen=tuple(each.real_server.key for each in lost),
    )


def has_quorum(
    passing: int, quorum: int, hysteresis: int, *, before: bool | None, known: bool
) -> bool | None:
    """Decide whether the weight of what passes is enough.

    What was enough stays so down to ``quorum - hysteresis`` and above 0; what was not has to come
    to ``quorum + hysteresis``. Before anything was decided the quorum itself counts, and None says
    that servers of which nothing is known yet (not ``known``) may still bring it.
    """
    if before is False:
        return passing >= quorum + hysteresis
    enough = quorum if before is None else max(quorum - hysteresis, 1)
    if passing >= enough:
        return True
    return False if known else None


def _obey(server: VirtualServer, candidate: Candidate, facts: Facts) -> None:
    """Do what an operator ordered."""
    if not facts.overrides:
        return
    name = RealServerName(server.name, candidate.real_server.name)
    order = facts.overrides.get(name)
    if order is None:
        return
    if order.action is Action.WEIGHT:
        candidate.revalue(order.weight, order.words)
        candidate.weight_ordered = True
        return
    candidate.ordered_out = True
    drains = order.action is Action.DRAIN and not order.ended
    candidate.leave(0 if drains else _weight_when_out(server), order.words)


def _believe(server: VirtualServer, candidate: Candidate, facts: Facts) -> None:
    """Take out what does not pass its check. One that has not passed yet gets no connections.

    One that passes may ask for a part of its weight, unless an operator has given it one.
    """
    check = candidate.real_server.check
    if candidate.ordered_out:
        return
    if check is None:
        candidate.stay("not checked")
        return
    verdict = facts.verdicts.get(check.identity, Verdict.UNKNOWN)
    if verdict is Verdict.PASSING:
        candidate.stay("passing")
        percent = facts.weights.get(check.identity)
        if percent is not None and not candidate.weight_ordered:
            words = f"asks for {percent} %"
            if check.timing.weight_step is not None:
                words = f"has {percent} % of it, in steps towards what it asks for"
            candidate.revalue(part_of(candidate.worth, percent), words)
        return
    if verdict is Verdict.UNKNOWN and server.initially_up:
        candidate.stay("initially up, until its first probe has ended")
        return
    candidate.unseen = check.identity in facts.unseen
    candidate.failed_at = facts.failed_at.get(check.identity)
    candidate.unknown = verdict is Verdict.UNKNOWN
    candidate.leave(_weight_when_out(server), verdict.value)


def part_of(weight: int, percent: int) -> int:
    """Scale a weight, within what the kernel takes; some of it is never rounded to nothing."""
    if not weight or not percent:
        return 0
    return min(max(weight * percent // 100, 1), WEIGHT_MAX)


def _weight_when_out(server: VirtualServer) -> int | None:
    """Under ``zero_weight`` it stays, so that a later pass changes a weight and nothing else."""
    return 0 if server.on_failure is OnFailure.ZERO_WEIGHT else None


def _stand_by(
    server: VirtualServer, candidates: Sequence[Candidate], failing: Collection[Candidate]
) -> None:
    """Let a backup tier serve only while the tiers before it do not have the quorum together.

    A ``failing`` server that is kept in counts for nothing: a backup that passes is better.

    A backup that stands by has weight 0, so that connections it got before end in peace.
    """
    before = 0
    for tier in sorted({each.real_server.backup_tier for each in candidates}):
        members = [each for each in candidates if each.real_server.backup_tier == tier]
        weight = sum(each.worth for each in members if each.serving and each not in failing)
        if tier and before >= server.quorum:
            for each in members:
                if each.serving:
                    each.leave(0, f"stands by in backup tier {tier}")
        before += weight


def _sorry(
    server: VirtualServer, verdicts: Mapping[str, Verdict], *, wanted: bool
) -> Derivation | None:
    """Decide about the sorry server. One that fails its own check is none.

    It leaves the table when the pool is back: with a weight of 0 persistence would keep clients.
    """
    sorry = server.sorry_server
    if sorry is None:
        return None
    if not wanted:
        return (Step(None, "stands by"),)
    steps = (Step(sorry.weight, "no quorum"),)
    if sorry.check is None:
        return steps
    verdict = verdicts.get(sorry.check.identity, Verdict.UNKNOWN)
    return (*steps, Step(sorry.weight if verdict is Verdict.PASSING else None, verdict.value))
