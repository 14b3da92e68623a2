"""Decides the weight of every real server of a pool, with the reasons for it. Pure.

The weights depend on the current facts and on two results of the previous decision: whether the
pool had its quorum (for hysteresis), and when each real server began to serve (for slow start).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from checks.definition.check import CheckDefinition
from checks.definition.queries import requests_exit_weight
from checks.definition.result import Verdict
from hadirector.model.configuration import OnFailure, VirtualServer
from hadirector.model.ipvs import DestinationKey
from hadirector.overrides.model import Action, RealServerName
from hadirector.pools.candidate import Candidate, Derivation, Step
from hadirector.pools.facts import Facts
from hadirector.pools.flap_damping import apply_flap_damping
from hadirector.pools.min_healthy import apply_brake, hold_unseen
from hadirector.pools.outgoing import NO_HOLD, Hold, Outgoing, hold_outgoing
from hadirector.pools.slow_start import apply_slow_start

WEIGHT_MAX = 65535
"""The largest weight of ipvsadm(8). linux/ip_vs.h has room for more."""
_INITIALLY_UP = "initially up until its first probe ends"


class Judgement(msgspec.Struct, frozen=True):
    """The decision about one pool. Times are monotonic seconds.

    ``derivations`` are the steps to each weight. They are in the order of their keys on every
    director: the schedulers ``sh`` and ``mh`` build their tables in list order, and the
    directors of a pair must build the same tables. ``quorum`` is derived from the total weight
    ``passing``; it is None while too few verdicts are known. ``held`` are the failing real
    servers that stay in the pool: first the ``unseen`` servers, then the servers that the brake
    (``min_healthy``) holds. ``serving_since`` is when each real server began to serve; it is
    empty in a pool without slow start. ``flapping`` is when the flap damping of each flapping
    real server ends. At ``next_change`` the decision must be made again even if no fact
    changes. ``hold`` are the real servers that stay although they are no longer configured.
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
    hold: Hold = NO_HOLD

    def __repr__(self) -> str:
        """Show every weight, the quorum, and the servers that are held or flap."""
        weights = [f"{key} {_format_weight(steps)}" for key, steps in self.derivations.items()]
        if self.sorry is not None:
            weights.append(f"sorry server {_format_weight(self.sorry)}")
        quorum = {True: "quorum", False: "no quorum", None: "quorum unknown"}[self.quorum]
        notes = [
            f"{name} {', '.join(map(str, keys))}"
            for name, keys in (
                ("held", self.held),
                ("unseen", self.unseen),
                ("flapping", self.flapping),
                ("outgoing", self.hold.outgoing.serving_keys if self.hold.outgoing else ()),
            )
            if keys
        ]
        summary = f"<Judgement {', '.join(weights)}; {quorum}, {self.passing} passing"
        return "; ".join([summary, *notes]) + ">"


def judge(
    server: VirtualServer,
    facts: Facts,
    had_quorum: bool | None,
    serving_since: Mapping[DestinationKey, float] = {},
    outgoing: Outgoing | None = None,
) -> Judgement:
    """Decide the weights of one pool.

    ``had_quorum`` and ``serving_since`` are results of the previous decision. They are None and
    empty for the first decision. ``outgoing`` are the real servers that still serve but are no
    longer configured.
    """
    candidates = [
        Candidate(real_server)
        for real_server in sorted(server.real_servers, key=lambda real_server: real_server.key)
    ]
    for candidate in candidates:
        if candidate.real_server.reserve:
            candidate.reserve()
            continue
        _apply_override(server, candidate, facts)
        _apply_check(server, candidate, facts)
    unseen = hold_unseen(candidates)
    passing = sum(candidate.full_weight for candidate in candidates if candidate.serving)
    quorum = has_quorum(
        passing,
        server.quorum,
        server.hysteresis,
        before=None if unseen else had_quorum,
        known=not any(candidate.unknown for candidate in candidates),
    )
    flapping = apply_flap_damping(server, candidates, facts)
    hold = hold_outgoing(outgoing, candidates, facts)
    braked = apply_brake(server.min_healthy, candidates)
    _apply_backup_tiers(server, candidates, braked)
    held = unseen + braked
    sorry = _decide_sorry_server(server, facts, wanted=quorum is False and not held)
    if sorry is not None and sorry[-1].weight:
        for candidate in candidates:
            if candidate.serving:
                candidate.remove(0, "no quorum: the sorry server serves")
    serving_since, ramps_at = apply_slow_start(candidates, serving_since, facts.now)
    changes = [*flapping.values(), *(() if ramps_at is None else (ramps_at,))]
    if hold.outgoing is not None:
        changes.append(hold.until)
    return Judgement(
        derivations={candidate.real_server.key: tuple(candidate.steps) for candidate in candidates},
        sorry=sorry,
        quorum=quorum,
        passing=passing,
        held=_keys(held),
        serving_since=serving_since,
        next_change=min(changes, default=None),
        flapping=flapping,
        unseen=_keys(unseen),
        hold=hold,
    )


def has_quorum(
    passing: int, quorum: int, hysteresis: int, *, before: bool | None, known: bool
) -> bool | None:
    """Decide whether the pool has its quorum, by the total weight of passing real servers.

    A pool loses its quorum below ``quorum - hysteresis`` or at weight 0, and regains it at
    ``quorum + hysteresis``. The first decision (``before=None``) compares with the quorum
    itself. It returns None while real servers without a verdict (``known=False``) may still
    reach the quorum.
    """
    if before is False:
        return passing >= quorum + hysteresis
    enough = quorum if before is None else max(quorum - hysteresis, 1)
    if passing >= enough:
        return True
    return False if known else None


def scale_weight(weight: int, percent: int) -> int:
    """Return a percentage of a weight. The result is at least 1, unless either argument is 0."""
    if not weight or not percent:
        return 0
    return min(max(weight * percent // 100, 1), WEIGHT_MAX)


def _apply_override(server: VirtualServer, candidate: Candidate, facts: Facts) -> None:
    """Apply the override of a real server, or that its source no longer has it."""
    override = None
    if facts.overrides:
        override = facts.overrides.get(RealServerName(server.name, candidate.real_server.name))
    if override is None:
        if candidate.real_server.absent:
            candidate.overridden_out = True
            candidate.remove(0, f"absent from {candidate.real_server.source}")
        return
    if override.action is Action.WEIGHT:
        candidate.set_weight(override.weight, override.description)
        candidate.weight_overridden = True
        return
    candidate.overridden_out = True
    drains = override.action is Action.DRAIN and not override.ended
    weight = 0 if drains else _weight_when_out(server, candidate)
    candidate.remove(weight, override.description)


def _apply_check(server: VirtualServer, candidate: Candidate, facts: Facts) -> None:
    """Remove a real server that does not pass its check, or has not passed it yet.

    A passing real server may request a part of its weight, unless an operator has set the weight.
    """
    check = candidate.real_server.check
    if candidate.overridden_out:
        return
    if check is None:
        candidate.keep("not checked")
        return
    target = facts.target(check)
    if target.verdict is Verdict.PASSING:
        candidate.keep(f"passing{facts.describe_pause(check)}")
        if target.requested_weight is not None and not candidate.weight_overridden:
            _apply_request(candidate, check, target.requested_weight)
        return
    if target.verdict is Verdict.UNKNOWN and server.is_initially_up(candidate.real_server):
        candidate.keep(_INITIALLY_UP)
        return
    candidate.unseen = target.unseen
    candidate.failed_at = target.failed_at
    candidate.unknown = target.verdict is Verdict.UNKNOWN
    reason = f"{target.verdict.value}{facts.describe_pause(check)}"
    candidate.remove(_weight_when_out(server, candidate), reason)


def _apply_request(candidate: Candidate, check: CheckDefinition, requested: int) -> None:
    """Set the requested weight: a percentage of the configured weight, or the weight itself."""
    if requests_exit_weight(check.probe):
        candidate.set_weight(requested, f"requests the weight {requested}")
        return
    reason = f"requests {requested} %"
    if check.timing.weight_step is not None:
        reason = f"{requested} %, in steps towards the requested weight"
    candidate.set_weight(scale_weight(candidate.full_weight, requested), reason)


def _weight_when_out(server: VirtualServer, candidate: Candidate) -> int | None:
    """Return the weight of a removed real server.

    Under ``zero_weight`` it stays in the table, so that a later pass changes only its weight.
    """
    on_failure = server.on_failure_of(candidate.real_server)
    return 0 if on_failure is OnFailure.ZERO_WEIGHT else None


def _apply_backup_tiers(
    server: VirtualServer, candidates: Sequence[Candidate], braked: Collection[Candidate]
) -> None:
    """Give a backup tier weight 0 while the tiers before it have the quorum together.

    Failing real servers that the brake holds (``braked``) do not count, because a passing backup is
    better. With weight 0 the existing connections to a backup tier continue.
    """
    before = 0
    for tier in sorted({candidate.real_server.backup_tier for candidate in candidates}):
        serving = [
            candidate
            for candidate in candidates
            if candidate.real_server.backup_tier == tier and candidate.serving
        ]
        weight = sum(candidate.full_weight for candidate in serving if candidate not in braked)
        if tier and before >= server.quorum:
            for candidate in serving:
                candidate.remove(0, f"on standby in backup tier {tier}")
        before += weight


def _decide_sorry_server(server: VirtualServer, facts: Facts, *, wanted: bool) -> Derivation | None:
    """Decide the weight of the sorry server. If its own check does not pass, it is not used.

    It leaves the table when the pool has its quorum again, unless its own ``on_failure`` is
    ``zero_weight``: with weight 0, its connections continue.
    """
    sorry = server.sorry_server
    if sorry is None:
        return None
    out = 0 if sorry.on_failure is OnFailure.ZERO_WEIGHT else None
    if not wanted:
        return (Step(out, "on standby"),)
    steps = (Step(sorry.weight, "no quorum"),)
    if sorry.check is None:
        return steps
    verdict = facts.target(sorry.check).verdict
    if verdict is Verdict.UNKNOWN and server.is_initially_up(sorry):
        return (*steps, Step(sorry.weight, _INITIALLY_UP))
    return (*steps, Step(sorry.weight if verdict is Verdict.PASSING else out, verdict.value))


def _keys(candidates: Sequence[Candidate]) -> tuple[DestinationKey, ...]:
    return tuple(candidate.real_server.key for candidate in candidates)


def _format_weight(steps: Derivation) -> str:
    weight = steps[-1].weight
    return "out" if weight is None else str(weight)
