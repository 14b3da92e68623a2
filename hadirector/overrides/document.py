"""The overrides of a document, below the overrides that operators have set here. Pure.

The override of an operator on this director takes precedence. If it ends, the override of the
document applies again. An operator can also release a real server here: the override of the
document then does not apply, until the document has another override for the real server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from hadirector.model.configuration import VirtualServer
from hadirector.model.override_document import DocumentOverride, OverrideDocument
from hadirector.overrides.model import (
    Action,
    Override,
    OverrideRequest,
    RealServerName,
    hashing_fault,
)

CLOCK_SECONDS: Final = 1.0
"""A smaller change of an end comes from the clocks and changes nothing."""

Named = Mapping[RealServerName, Override]


class Accepted(msgspec.Struct, frozen=True):
    """The accepted document of a source, and what has happened to its overrides on this director.

    ``released`` are real servers that an operator has released here. ``ended`` has, by the name of
    a drained real server, the reason for the end of its drain.
    """

    source: str
    document: OverrideDocument
    released: frozenset[str] = frozenset()
    ended: Mapping[str, str] = {}


class Layer(msgspec.Struct, frozen=True):
    """The overrides of a document that are in force; without a document there are none."""

    accepted: Accepted | None = None
    overrides: Named = {}


def find_refusal(
    accepted: Accepted | None,
    source: str,
    document: OverrideDocument,
    servers: Iterable[VirtualServer],
    announced: Collection[str],
) -> str:
    """Return why a document is not taken, or nothing.

    ``announced`` are the addresses that several directors announce.
    """
    if accepted is not None and accepted.source == source:
        revision = accepted.document.revision
        if document.revision < revision:
            return f"its revision {document.revision} is older than the accepted one, {revision}"
    named = {server.name: server for server in servers}
    for entry in document.overrides:
        server = named.get(_name(entry).virtual_server)
        if server is not None and entry.action == "weight":
            request = OverrideRequest(action=Action.WEIGHT, weight=entry.weight)
            if fault := hashing_fault(server, request, announced):
                return f"{entry.real_server}: {fault}"
    return ""


def accept(before: Accepted | None, source: str, document: OverrideDocument) -> Accepted:
    """Return the accepted document. Overrides that stay the same keep what happened to them."""
    known = {} if before is None else {each.real_server: each for each in before.document.overrides}
    same = {each.real_server for each in document.overrides if known.get(each.real_server) == each}
    released = frozenset() if before is None else before.released & same
    ended = {} if before is None else before.ended
    return Accepted(source, document, released, {name: ended[name] for name in ended.keys() & same})


def layer_of(accepted: Accepted | None, before: Layer, now: float, utc: float) -> Layer:
    """Return the overrides in force. ``now`` is in monotonic seconds, ``utc`` since the epoch.

    An override that stays the same is the same object as ``before``.
    """
    if accepted is None:
        return Layer()
    overrides: dict[RealServerName, Override] = {}
    for entry in accepted.document.overrides:
        expired = entry.expires_at is not None and entry.expires_at <= utc
        if not expired and entry.real_server not in accepted.released:
            made = _override(entry, accepted, now, utc)
            known = before.overrides.get(made.name)
            overrides[made.name] = known if known and _is_same(known, made) else made
    return Layer(accepted, overrides)


def release(accepted: Accepted, names: Iterable[RealServerName]) -> Accepted:
    """Return the accepted document without effect on these real servers."""
    return replace(accepted, released=accepted.released.union(map(str, names)))


def end_drain(accepted: Accepted, name: RealServerName, reason: str) -> Accepted:
    """Return the accepted document after the drain of a real server has ended."""
    return replace(accepted, ended={**accepted.ended, str(name): reason})


def depends_on_clock(accepted: Accepted | None) -> bool:
    """Return whether an override of the document can come or go when the clock is set."""
    return accepted is not None and any(
        entry.expires_at is not None and entry.real_server not in accepted.released
        for entry in accepted.document.overrides
    )


def put_over(document: Named, local: Named) -> Named:
    """Return the overrides in force. An override of an operator here takes precedence."""
    return {**document, **local} if document else local


def _override(entry: DocumentOverride, accepted: Accepted, now: float, utc: float) -> Override:
    expires_at = None if entry.expires_at is None else now + entry.expires_at - utc
    return Override(
        name=_name(entry),
        action=Action(entry.action),
        author=entry.author,
        reason=entry.reason,
        ticket=entry.ticket,
        weight=entry.weight,
        set_at=now,
        expires_at=expires_at,
        ended=accepted.ended.get(entry.real_server, ""),
        source=accepted.source,
    )


def _is_same(known: Override, made: Override) -> bool:
    one, other = known.expires_at, made.expires_at
    close = one == other or (
        one is not None and other is not None and abs(one - other) < CLOCK_SECONDS
    )
    return close and replace(made, set_at=known.set_at, expires_at=one) == known


def _name(entry: DocumentOverride) -> RealServerName:
    virtual_server, _, real_server = entry.real_server.partition("/")
    return RealServerName(virtual_server, real_server)
