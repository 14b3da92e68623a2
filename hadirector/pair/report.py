"""The directors of a pair side by side, as one of them sees it: the answer of GET /v1/pair. Pure.

The facts about a peer have an age. They are ``current`` while the peer answers over the link.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from hadirector.host.status import SyncDaemonStatus
from hadirector.model.pair import Pair
from hadirector.pair.advertisements import Flow, Stranger, View, Views
from hadirector.pair.comparison import DifferenceKind, LastingDifference, override_effects
from hadirector.pair.peers import Peer, Peers, Reach, age
from hadirector.pair.readiness import MEANINGS, Severity
from hadirector.pair.split_brain import SplitBrain, describe_flow
from hadirector.pair.state import (
    ConnectionSync,
    FailoverState,
    PairState,
    PauseState,
    ReadinessFact,
)
from hadirector.status.pair_summary import PairSummary, PeerSummary
from hadirector.status.takeover import PoolReserve, Successor
from hadirector.status.verdict import DirectorVerdict, Problem
from vrrp.model.report import State


class PairInstance(msgspec.Struct, frozen=True):
    """A VRRP instance of a director. ``since_seconds`` is the age of its state, if known.

    ``mtu`` is the MTU of its interface, 0 if it is not known.
    """

    name: str
    state: State
    since_seconds: float | None
    priority: int
    virtual_router_id: int
    interface: str
    mtu: int = 0


class PairPool(msgspec.Struct, frozen=True):
    """A virtual server of a director."""

    name: str
    passing: int
    total: int
    connections: int


class PairPause(msgspec.Struct, frozen=True):
    """The pause of a director, and the seconds until its end."""

    actor: str
    reason: str
    elections: bool
    seconds_left: float


class PairFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The latest known facts about a director.

    ``configuration`` is the hash of its configuration. ``ready`` is whether it could take over, and
    ``unready`` why not. ``left_out`` counts the virtual servers that its state had no room for.
    ``overrides`` is the number of its shared overrides, None if it shares none.
    """

    version: str = ""
    configuration: str = ""
    ready: bool = True
    unready: tuple[ReadinessFact, ...] = ()
    instances: tuple[PairInstance, ...] = ()
    virtual_servers: tuple[PairPool, ...] = ()
    left_out: int = 0
    overrides: int | None = None
    pause: PairPause | None = None
    last_failover: FailoverState | None = None
    connection_sync: ConnectionSync | None = None


class PairDirector(msgspec.Struct, frozen=True, kw_only=True):
    """A director of the pair.

    ``here`` is the director that answers. ``reach`` is whether the director answers over the link
    at ``address``, since ``since_seconds``, and ``reason`` why. ``age`` is the age of the ``facts``
    in seconds, None if none is known, and ``current`` whether they may be used. ``clock_skew`` is
    how many seconds the clock of the director is ahead. ``refusals`` counts its refused answers, by
    reason.
    """

    name: str
    here: bool
    address: str
    reach: Reach
    reason: str
    since_seconds: float = 0.0
    age: float | None = None
    current: bool = False
    clock_skew: float = 0.0
    facts: PairFacts | None = None
    refusals: dict[str, int] = {}


class PairDifference(msgspec.Struct, frozen=True):
    """A difference between the answering director and a peer, seen for ``seconds``.

    ``fault`` is whether it has lasted long enough to be a fault.
    """

    peer: str
    kind: DifferenceKind
    object: str
    here: str
    there: str
    seconds: float
    fault: bool


class PairFlow(Flow, frozen=True, kw_only=True):
    """The advertisements from one director to another, with a phrase about a fault of them."""

    description: str = ""


class PairSplitBrain(msgspec.Struct, frozen=True):
    """Two directors that have been ACTIVE for an instance for ``seconds``, and the cause."""

    instance: str
    directors: tuple[str, ...]
    seconds: float
    cause: str
    remedy: str


class PairReport(msgspec.Struct, frozen=True, kw_only=True):
    """The pair as the answering director sees it. The ``verdict`` includes that of the director."""

    pair: str
    verdict: DirectorVerdict
    directors: tuple[PairDirector, ...]
    differences: tuple[PairDifference, ...] = ()
    flows: tuple[PairFlow, ...] = ()
    split_brains: tuple[PairSplitBrain, ...] = ()
    strangers: tuple[Stranger, ...] = ()


class Comparison(msgspec.Struct, frozen=True):
    """The result of a comparison of the directors at ``at``. Times are monotonic seconds."""

    at: float = 0.0
    differences: tuple[LastingDifference, ...] = ()
    flows: tuple[Flow, ...] = ()
    split_brains: tuple[SplitBrain, ...] = ()
    strangers: tuple[Stranger, ...] = ()


def views(own: PairState, peers: Peers, now: float) -> Views:
    """Return the directors whose state is current: this director, and the peers that answer."""
    found = {own.name: View(own, now)}
    for peer in peers.values():
        if is_current(peer) and peer.state is not None and peer.received_at is not None:
            found[peer.name] = View(peer.state, peer.received_at)
    return found


def is_current(peer: Peer) -> bool:
    """Return whether the state of a peer may be used: the peer answers over the link."""
    return peer.reach is Reach.REACHED and peer.state is not None


def unready_facts(state: PairState) -> tuple[ReadinessFact, ...]:
    """Return the facts of a director that should not serve while another director can."""
    return tuple(fact for fact in state.readiness if fact.severity == Severity.UNREADY)


def describe_fact(fact: ReadinessFact) -> str:
    """Return the meaning of a fact. A later version may have further codes."""
    return MEANINGS.get(fact.code, fact.code)


def describe_standby(peers: Iterable[Peer], differences: Iterable[LastingDifference]) -> str:
    """Describe whether the peers could take over, and how many differences there are."""
    kinds: dict[str, set[tuple[DifferenceKind, str]]] = {}
    for each in differences:
        kinds.setdefault(each.peer, set()).add((each.difference.kind, each.difference.object))
    return "; ".join(_describe_peer(peer, len(kinds.get(peer.name, ()))) for peer in peers)


def _describe_peer(peer: Peer, count: int) -> str:
    if not is_current(peer) or peer.state is None:
        return f"it is not known whether {peer.name} could take over"
    word = "could not" if unready_facts(peer.state) else "could"
    noted = f", with {count} difference{'s' * (count != 1)}" if count else ""
    return f"{peer.name} {word} take over{noted}"


def make_report(
    pair: Pair,
    own: PairState,
    peers: Peers,
    comparison: Comparison,
    *,
    verdict: DirectorVerdict,
    now: float,
) -> PairReport:
    """Return the report of a pair. ``own`` is the state of this director."""
    here = PairDirector(
        name=own.name,
        here=True,
        address=pair.where,
        reach=Reach.REACHED,
        reason="this director",
        age=0.0,
        current=True,
        facts=_facts(own),
    )
    return PairReport(
        pair=pair.name,
        verdict=verdict,
        directors=(here, *(_peer(peer, now) for peer in peers.values())),
        differences=tuple(_differences(comparison.differences, now)),
        flows=tuple(
            PairFlow(**msgspec.structs.asdict(flow), description=describe_flow(flow))
            for flow in comparison.flows
        ),
        split_brains=tuple(
            PairSplitBrain(each.instance, each.directors, now - each.since, each.cause, each.remedy)
            for each in comparison.split_brains
        ),
        strangers=comparison.strangers,
    )


def _peer(peer: Peer, now: float) -> PairDirector:
    return PairDirector(
        name=peer.name,
        here=False,
        address=peer.where,
        reach=peer.reach,
        reason=peer.reason,
        since_seconds=max(0.0, now - peer.since),
        age=age(peer, now),
        current=is_current(peer),
        clock_skew=peer.clock_skew,
        facts=None if peer.state is None else _facts(peer.state),
        refusals={str(reason): count for reason, count in peer.refusals.items()},
    )


def _pause(pause: PauseState | None) -> PairPause | None:
    if pause is None:
        return None
    return PairPause(pause.actor, pause.reason, pause.elections, pause.seconds_left)


def _facts(state: PairState) -> PairFacts:
    unready = unready_facts(state)
    overrides = state.overrides
    return PairFacts(
        version=state.version,
        configuration=state.configuration.whole,
        ready=not unready,
        unready=unready,
        instances=tuple(
            PairInstance(
                each.name,
                each.state,
                each.since_seconds,
                each.priority,
                each.vrid,
                each.interface,
                each.mtu,
            )
            for each in state.instances
        ),
        virtual_servers=tuple(
            PairPool(each.name, each.passing, each.total, each.connections)
            for each in state.virtual_servers
        ),
        left_out=state.left_out,
        overrides=None if overrides is None else len(override_effects(overrides)),
        pause=_pause(state.pause),
        last_failover=state.last_failovers[-1] if state.last_failovers else None,
        connection_sync=state.connection_sync,
    )


def _differences(found: Iterable[LastingDifference], now: float) -> Iterator[PairDifference]:
    for each in found:
        difference, seconds = each.difference, now - each.since
        yield PairDifference(
            each.peer,
            difference.kind,
            difference.object,
            difference.here,
            difference.there,
            seconds,
            each.is_fault(now),
        )


def find_successor(peers: Peers, instance: str, now: float) -> Successor | None:
    """Return the peer that would take an instance over: the BACKUP with the highest priority."""
    found = [
        (each.priority, peer)
        for peer in peers.values()
        if is_current(peer) and peer.state is not None
        for each in peer.state.instances
        if each.name == instance and each.state is State.BACKUP
    ]
    if not found:
        return None
    priority, peer = max(found, key=lambda each: each[0])
    assert peer.state is not None, "a current peer has a state"
    sync = peer.state.connection_sync
    receives = (f"backup on {peer.name}, id {sync.sync_id}",) if sync and sync.backup else ()
    return Successor(
        name=peer.name,
        priority=priority,
        age=age(peer, now) or 0.0,
        unready=tuple(describe_fact(fact) for fact in unready_facts(peer.state)),
        pools=tuple(
            PoolReserve(each.name, each.passing, each.total) for each in peer.state.virtual_servers
        ),
        sync=SyncDaemonStatus(receives, ()),
    )


def summarize(
    name: str, peers: Peers, comparison: Comparison, problems: Iterable[Problem], now: float
) -> PairSummary:
    """Return the pair in a short form, for the status and the metrics of this director."""
    return PairSummary(
        name=name,
        standby=describe_standby(peers.values(), comparison.differences),
        peers=tuple(_summarize_peer(peer, comparison, now) for peer in peers.values()),
        split_brains=tuple(dict.fromkeys(each.instance for each in comparison.split_brains)),
        problems=tuple(problems),
    )


def _summarize_peer(peer: Peer, comparison: Comparison, now: float) -> PeerSummary:
    differences = Counter(
        str(each.difference.kind)
        for each in comparison.differences
        if each.peer == peer.name and each.is_fault(now)
    )
    return PeerSummary(
        name=peer.name,
        reached=peer.reach is Reach.REACHED,
        ready=not unready_facts(peer.state) if is_current(peer) and peer.state else None,
        age=age(peer, now),
        clock_skew=peer.clock_skew,
        differences=dict(differences),
        refusals={str(reason): count for reason, count in peer.refusals.items()},
    )
