"""Names two directors that are ACTIVE for one instance, with the cause. Pure.

Each director compares the counts of both: the sent advertisements of one, and the received and
dropped ones of the other. So both directors find the same cause. Times are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple

import msgspec

from hadirector.pair.advertisements import Flow, Views
from vrrp.model.report import State
from vrrp.protocol.packet import DropReason
from vrrp.protocol.validation import AUTHENTICATION

CONFIRM_SECONDS: Final = 0.5
"""For how long two directors must be ACTIVE. A takeover and a handover take milliseconds."""
EXPLAIN_SECONDS: Final = 1.9
"""The longest time for which a split brain without a cause is not named."""
UNKNOWN_CAUSE: Final = "the counts of the directors do not show the cause yet"

_REMEDIES: Final = {
    "lost": "look at the filters of both hosts and at the switches between them",
    "authentication": "give both directors the same authentication",
    "configuration": "give both directors the same configuration of the instance",
}


class SplitBrain(msgspec.Struct, frozen=True, kw_only=True):
    """Two directors that are ACTIVE for an instance since ``since``. ``cause`` is one sentence."""

    instance: str
    directors: tuple[str, str]
    since: float
    cause: str
    remedy: str


class _Pending(NamedTuple):
    since: float
    confirmed: bool


Conflicts = Mapping[tuple[str, str, str], _Pending]
"""Since when two directors are ACTIVE for an instance, by the instance and both names."""


def find_conflicts(known: Conflicts, views: Views, now: float) -> Conflicts:
    """Return which directors are ACTIVE for the same instance, and since when.

    A conflict is confirmed by a state that arrives after it has lasted for some time: a state on
    its way can be older than a takeover.
    """
    found = {}
    for first, second in combinations(sorted(views), 2):
        latest = min(views[first].received_at, views[second].received_at)
        for instance in views[first].state.instances:
            other = views[second].instances.get(instance.name)
            if other is None or {instance.state, other.state} != {State.ACTIVE}:
                continue
            key = instance.name, first, second
            since = known[key].since if key in known else now
            confirmed = key in known and known[key].confirmed
            found[key] = _Pending(since, confirmed or latest - since >= CONFIRM_SECONDS)
    return found


def find_split_brains(
    conflicts: Conflicts, flows: Sequence[Flow], views: Views, now: float
) -> Iterator[SplitBrain]:
    """Yield the confirmed conflicts, each with its cause.

    A conflict without a cause waits for it for a moment, because the counts can be a second old.
    """
    for (instance, first, second), pending in conflicts.items():
        if not pending.confirmed:
            continue
        between = [
            flow
            for flow in flows
            if flow.instance == instance and {flow.sender, flow.receiver} == {first, second}
        ]
        cause, remedy = _explain(instance, first, second, between, views)
        if cause or now - pending.since >= EXPLAIN_SECONDS:
            yield SplitBrain(
                instance=instance,
                directors=(first, second),
                since=pending.since,
                cause=cause or UNKNOWN_CAUSE,
                remedy=remedy,
            )


def describe_flow(flow: Flow) -> str:
    """Describe in one phrase what became of the advertisements of a sender; empty if not known."""
    sender, receiver = flow.sender, flow.receiver
    if flow.refused:
        count, reason = sum(flow.dropped.values()), describe_drops(flow.dropped)
        sent = f"{sender} sent {flow.sent}, " if (flow.sent or 0) >= count else ""
        of_sender = "" if sent else f" of {sender}"
        return f"{sent}{receiver} dropped {count}{of_sender} for {reason}"
    if flow.lost:
        return f"{sender} sent {flow.sent}, {receiver} heard 0 and dropped 0: a filter or a switch"
    return ""


def describe_drops(dropped: Mapping[str, int]) -> str:
    """Return the reason of most drops in plain words, with its code."""
    code = max(dropped, key=lambda reason: dropped[reason])
    if code in AUTHENTICATION:
        return f"authentication ({code})"
    return _REASONS.get(code, code)


_REASONS: Final[Mapping[str, str]] = {
    DropReason.ADDRESS_LIST: "another list of addresses (address_list)",
    DropReason.ADVERT_INTERVAL: "another advert_interval (advert_interval)",
    DropReason.CHECKSUM: "a wrong checksum (checksum)",
    DropReason.NOT_A_PEER: "an address that is no peer (not_a_peer)",
    DropReason.PEER_TTL: "a router on the way (peer_ttl)",
    DropReason.TTL: "a router on the way (ttl)",
    DropReason.VERSION: "another version of VRRP (version)",
}


def _explain(
    instance: str, first: str, second: str, flows: Iterable[Flow], views: Views
) -> tuple[str, str]:
    """Return the cause and the remedy; both are empty while the cause is not known."""
    vrids = [
        found.vrid
        for name in (first, second)
        if (found := views[name].instances.get(instance)) is not None
    ]
    if len({*vrids}) > 1:
        cause = f"{first} has the VRID {vrids[0]}, and {second} has the VRID {vrids[1]}"
        return cause, _REMEDIES["configuration"]
    told = [(flow, text) for flow in flows if (text := describe_flow(flow))]
    if not told:
        return "", _REMEDIES["lost"]
    return "; ".join(text for _, text in told), _REMEDIES[_kind(told[0][0])]


def _kind(flow: Flow) -> str:
    if not flow.refused:
        return "lost"
    code = max(flow.dropped, key=lambda reason: flow.dropped[reason])
    return "authentication" if code in AUTHENTICATION else "configuration"
