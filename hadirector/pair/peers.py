"""The last state of each peer, and whether the peer can be reached. Pure.

A peer decides only its own state here. A state that contradicts the configuration, or is older
than the last one, is refused for a named reason: it is counted, and changes nothing else. Times
are monotonic seconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from hadirector.model.pair import Pair, PairPeer
from hadirector.pair.state import Line, PairState, Seconds

SILENCE_SECONDS_MAX: Final = 10.0
"""A peer without an answer for this time is lost."""
DOUBT_SECONDS: Final = 5.0
"""How long a peer counts as refused after a refused answer, also after good ones.

Two directors may answer at one address in turns, or a peer may give good and bad answers in turns.
"""
FORGET_SECONDS: Final = 60.0
"""For how long the last state makes another one old. After that, the peer may be a host that was
restored from a copy, or a clone of it may have answered once."""
FORMER_MAX: Final = 16
"""Earlier incarnations of a peer that are remembered. The oldest one is forgotten first."""


class Reach(StrEnum):
    """Whether a peer answers over the link. It is unknown until the first answer or failure."""

    UNKNOWN = "unknown"
    REACHED = "reached"
    LOST = "lost"
    REFUSED = "refused"


class Refusal(StrEnum):
    """The reason why an answer of a peer is not accepted."""

    CERTIFICATE = "certificate"
    NOT_ACCEPTED = "not_accepted"
    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    INCOMPATIBLE = "incompatible"
    WRONG_PAIR = "wrong_pair"
    OWN_NAME = "own_name"
    DUPLICATE_NAME = "duplicate_name"
    WRONG_NAME = "wrong_name"
    OLD_INCARNATION = "old_incarnation"
    OLD_GENERATION = "old_generation"


class PeerReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one request to a peer: a state, or a refusal, or else only a ``reason``.

    The fingerprints are of certificates (SHA-256), if the peer has presented another one than it
    may have. The request was sent at ``asked_at``, and the answer was complete at
    ``answered_at``: a report can wait before it is received.
    """

    state: PairState | None = None
    asked_at: Seconds = 0.0
    answered_at: Seconds = 0.0
    refusal: Refusal | None = None
    reason: Line = ""
    expected: Line = ""
    presented: Line = ""


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """One peer.

    ``reach`` has its ``reason`` and began at ``since``. ``refusal`` is the reason if it is refused.
    ``state`` is the last good state, received at ``received_at``; it stays when the peer is lost.
    It was asked for at ``asked_at``, so it is not older than that.
    ``answered_at`` is the time of the last good answer, and before that of the configuration.
    ``clock_skew`` is how many seconds the clock of the peer is ahead. ``refusals`` counts what was
    refused.
    """

    name: str
    where: str
    certificate: str
    since: float
    answered_at: float
    reach: Reach = Reach.UNKNOWN
    refusal: Refusal | None = None
    reason: str = "no answer yet"
    expected: str = ""
    presented: str = ""
    state: PairState | None = None
    received_at: float | None = None
    asked_at: float | None = None
    clock_skew: float = 0.0
    former: tuple[str, ...] = ()
    refused_at: float | None = None
    refusals: dict[Refusal, int] = {}


Peers = dict[str, Peer]
"""The peers by their names."""


def configure(peers: Peers, pair: Pair | None, now: float) -> Peers:
    """Return the configured peers. A peer with the same address and certificate keeps its state."""
    found: Peers = {}
    for wanted in () if pair is None else pair.peers:
        known = peers.get(wanted.name)
        kept = known is not None and (known.where, known.certificate) == _identity(wanted)
        new = Peer(
            name=wanted.name,
            where=wanted.where,
            certificate=wanted.certificate,
            since=now,
            answered_at=now,
        )
        found[wanted.name] = known if known is not None and kept else new
    return found


def receive(
    peers: Peers,
    pair: Pair,
    own_name: str,
    peer: Peer,
    report: PeerReport,
    *,
    now: float,
    utc: float,
) -> Peer:
    """Return a peer after a report of the link. ``utc`` is in seconds since the epoch."""
    if report.refusal is not None:
        return _refuse(peer, report, now)
    state = report.state
    if state is None:
        return _note_failure(peer, report.reason, now)
    contradiction = _contradiction(peers, pair, own_name, peer, state)
    contradiction = contradiction or _find_older(peer, state, now)
    if contradiction is not None:
        refusal, reason = contradiction
        return _refuse(peer, PeerReport(refusal=refusal, reason=reason), now)
    return _accept(peer, report, state, now, utc)


def expire(peer: Peer, now: float) -> Peer:
    """Return the peer at this time: it is lost if it has not answered for too long."""
    return _note_failure(peer, f"no answer from {peer.where}", now)


class Change(NamedTuple):
    """An event about a peer: the level of its log line, its name and its fields."""

    level: Literal["info", "warning"]
    event: str
    fields: dict[str, str]


_EVENTS: Final = {
    Reach.REACHED: "pair_peer_reached",
    Reach.LOST: "pair_peer_lost",
    Reach.REFUSED: "pair_peer_refused",
}


def find_change(before: Peer, after: Peer) -> Change | None:
    """Return the event of a changed peer; None if it has only newer values."""
    if _subject(before) == _subject(after):
        return None
    fields = {
        "peer": after.name,
        "address": after.where,
        "previous": str(before.reach),
        "state": str(after.reach),
        "reason": after.reason,
    }
    if after.refusal is not None:
        fields |= {"refusal": str(after.refusal)}
    if after.presented:
        fields |= {"expected": after.expected, "presented": after.presented}
    level: Literal["info", "warning"] = "info" if after.reach is Reach.REACHED else "warning"
    return Change(level, _EVENTS[after.reach], fields)


def _subject(peer: Peer) -> tuple[Reach, Refusal | None, str, str]:
    """Return what an event about the peer is about. A change of only the reason is no event."""
    return peer.reach, peer.refusal, peer.expected, peer.presented


def age(peer: Peer, now: float) -> float | None:
    """Return the age of the last good state in seconds; None without one."""
    return None if peer.received_at is None else max(0.0, now - peer.received_at)


def _identity(wanted: PairPeer) -> tuple[str, str]:
    return wanted.where, wanted.certificate


def _contradiction(
    peers: Peers, pair: Pair, own_name: str, peer: Peer, state: PairState
) -> tuple[Refusal, str] | None:
    """Return why this cannot be the state of the peer."""
    if state.pair != pair.name:
        reason = f"it belongs to the pair {state.pair!r}, and this director to {pair.name!r}"
        return Refusal.WRONG_PAIR, reason
    if state.name == own_name:
        reason = f"it has the name of this director, {own_name}; give each director its own name"
        return Refusal.OWN_NAME, reason
    if state.name != peer.name and state.name in peers:
        reason = f"it has the name of another peer, {state.name}; give each director its own name"
        return Refusal.DUPLICATE_NAME, reason
    if state.name != peer.name:
        reason = f"the director there has the name {state.name!r}, and the file has {peer.name!r}"
        return Refusal.WRONG_NAME, reason
    return None


def _find_older(peer: Peer, state: PairState, now: float) -> tuple[Refusal, str] | None:
    known, seconds = peer.state, age(peer, now)
    if known is None or seconds is None or seconds >= FORGET_SECONDS:
        return None
    if state.incarnation in peer.former:
        reason = (
            "the state is of an earlier run of the director; it was replayed, or two directors"
            " answer there"
        )
        return Refusal.OLD_INCARNATION, reason
    if state.incarnation == known.incarnation and state.generation < known.generation:
        reason = (
            f"the state has the generation {state.generation}, after {known.generation}; if the"
            f" host was restored from a copy, restart hadirector on {peer.name}"
        )
        return Refusal.OLD_GENERATION, reason
    return None


def _accept(peer: Peer, report: PeerReport, state: PairState, now: float, utc: float) -> Peer:
    asked_at, received_at = min(report.asked_at, now), min(report.answered_at, now)
    former = peer.former
    if peer.state is not None and peer.state.incarnation != state.incarnation:
        others = (each for each in former if each != state.incarnation)
        former = (*others, peer.state.incarnation)[-FORMER_MAX:]
    accepted = replace(
        peer,
        state=state,
        received_at=received_at,
        asked_at=asked_at,
        answered_at=received_at,
        clock_skew=state.clock - (utc - (now - received_at)),
        former=former,
    )
    in_doubt = peer.refused_at is not None and now - peer.refused_at < DOUBT_SECONDS
    if in_doubt or now - received_at >= SILENCE_SECONDS_MAX:
        return accepted
    reached = replace(accepted, refusal=None, expected="", presented="")
    return _move(reached, Reach.REACHED, "it answers", now)


def _refuse(peer: Peer, report: PeerReport, now: float) -> Peer:
    """Count a refusal. The last good state stays."""
    refusal = report.refusal
    assert refusal is not None, "the report is of a refusal"
    refusals = {**peer.refusals, refusal: peer.refusals.get(refusal, 0) + 1}
    counted = replace(peer, refusals=refusals, refused_at=now)
    seen = (peer.refusal, peer.expected, peer.presented)
    if seen == (refusal, report.expected, report.presented):
        return counted
    refused = replace(
        counted, refusal=refusal, expected=report.expected, presented=report.presented
    )
    return _move(refused, Reach.REFUSED, report.reason, now)


def _note_failure(peer: Peer, reason: str, now: float) -> Peer:
    """Return a peer that has not answered; after some time it is lost."""
    heard_at = max(peer.answered_at, peer.refused_at or peer.answered_at)
    if peer.reach is Reach.LOST or now - heard_at < SILENCE_SECONDS_MAX:
        return peer
    silent = replace(peer, refusal=None, expected="", presented="")
    return _move(silent, Reach.LOST, reason, now)


def _move(peer: Peer, reach: Reach, reason: str, now: float) -> Peer:
    since = peer.since if reach is peer.reach else now
    return replace(peer, reach=reach, reason=reason, since=since)
