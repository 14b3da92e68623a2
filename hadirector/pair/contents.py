"""Makes the parts of the state that this director sends to its peers. Pure.

The directors compare hashes, so a pool of any size takes the same place in a state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from hashlib import blake2b
from itertools import accumulate, takewhile
from typing import Final

from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.events.history import HistoryEntry, Kind
from hadirector.health.target import UNKNOWN_TARGET, Targets
from hadirector.model.configuration import SyncDaemon, VirtualServer
from hadirector.model.ipvs import ServiceEntry, SyncRole
from hadirector.pair.state import (
    FAILOVERS_MAX,
    HASHES_BYTES_MAX,
    SECTIONS_MAX,
    SENDERS_MAX,
    STATE_BYTES_MAX,
    VIRTUAL_SERVERS_MAX,
    ConnectionSync,
    FailoverState,
    InstanceState,
    PairState,
    SenderState,
    VirtualServerState,
    encode,
)
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import InstanceStatus

HASH_BYTES: Final = 6
_FIT_BYTES_MAX: Final = STATE_BYTES_MAX - 8 * 1024
"""Ages have more digits, and there are other facts of readiness, when the state is sent."""
_WORD_CHARACTERS_MAX: Final = 64


def short_hash(parts: Iterable[str]) -> str:
    """Return a short hash of these texts in this order."""
    return blake2b("\n".join(parts).encode(), digest_size=HASH_BYTES).hexdigest()


def instance_state(
    status: InstanceStatus, configured: InstanceConfiguration, mtu: int, now: float
) -> InstanceState:
    """Return what the peers learn of an instance. ``now`` is in monotonic seconds.

    ``mtu`` is the MTU of its interface, 0 if it is not known.
    """
    return InstanceState(
        name=status.instance,
        vrid=status.virtual_router_id,
        interface=status.interface,
        family=configured.family,
        state=status.state,
        since_seconds=status.state_age,
        priority=status.priority,
        mtu=mtu,
        address=status.own_address or "",
        sent=status.counters.get("advertisements_sent", 0),
        senders=tuple(
            SenderState(each.address, each.received, each.silence, each.dropped)
            for each in status.senders[-SENDERS_MAX:]
        ),
        counted_for=status.counted_seconds,
        counted_ago=max(0.0, now - status.sent_at) if status.sent_at else 0.0,
    )


def age_state(state: PairState, seconds: float) -> PairState:
    """Add the age of a state, in seconds, to its clock and to the ages of its counts."""
    return replace(
        state,
        clock=state.clock + seconds,
        instances=tuple(
            replace(each, counted_ago=each.counted_ago + seconds) for each in state.instances
        ),
    )


def connection_sync(daemon: SyncDaemon | None, running: Collection[str]) -> ConnectionSync | None:
    """Return what the peers learn of the sync daemon. ``running`` describe its threads."""
    if daemon is None:
        return None
    roles = {thread.partition(" ")[0] for thread in running}
    return ConnectionSync(
        interface=daemon.settings.interface,
        master=SyncRole.MASTER in roles,
        backup=SyncRole.BACKUP in roles,
        sync_id=daemon.settings.id,
    )


def virtual_server_state(
    server: VirtualServer,
    targets: Targets,
    wanted: Sequence[ServiceEntry | None],
    actual: Sequence[ServiceEntry | None],
) -> VirtualServerState:
    """Return what the peers learn of a virtual server.

    ``wanted`` and ``actual`` are the entries of its services, in the order of its keys. A service
    that does not exist is None. A real server without a check always passes.
    """
    verdicts = {
        each.name: Verdict.PASSING
        if each.check is None
        else targets.get(each.check.identity, UNKNOWN_TARGET).verdict
        for each in server.real_servers
    }
    return VirtualServerState(
        name=server.name,
        passing=sum(verdict is Verdict.PASSING for verdict in verdicts.values()),
        total=len(verdicts),
        verdicts=short_hash(f"{name} {verdict}" for name, verdict in sorted(verdicts.items())),
        wanted=_hash_weights(wanted),
        actual=_hash_weights(actual),
    )


def _hash_weights(entries: Sequence[ServiceEntry | None]) -> str:
    """Return a hash of the weights: which destination gets which share of the clients."""
    lines = []
    for number, entry in enumerate(entries):
        if entry is not None:
            destinations = entry.destinations.items()
            lines += [f"{number} {key} {each.weight}" for key, each in destinations]
            lines.append(f"{number}")
    return short_hash(sorted(lines))


def failover_states(entries: Iterable[HistoryEntry]) -> tuple[FailoverState, ...]:
    """Return the last failovers of a history, the latest one last."""
    found = [entry for entry in entries if entry.kind is Kind.FAILOVER]
    return tuple(map(_failover_state, found[-FAILOVERS_MAX:]))


def _failover_state(entry: HistoryEntry) -> FailoverState:
    def text(name: str) -> str:
        return str(entry.fields.get(name) or "")

    silence = entry.fields.get("silence")
    return FailoverState(
        at=entry.at,
        instance=text("instance"),
        previous=text("previous"),
        state=text("state"),
        reason=text("reason"),
        peer=text("peer")[:_WORD_CHARACTERS_MAX] or None,
        silence=silence if isinstance(silence, float) else None,
    )


def fit(state: PairState) -> PairState:
    """Make the state fit into its maximum size.

    With too many sections of the configuration, only the hash of the whole configuration stays.
    Packets of any host can fill the counts of senders. So they are left out first, before
    virtual servers are. ``left_out`` counts the virtual servers.
    """
    hashes = state.configuration
    if len(hashes.sections) > SECTIONS_MAX or len(encode(hashes)) > HASHES_BYTES_MAX:
        state = _without_sections(state)
    found = state.virtual_servers
    bare = replace(state, virtual_servers=(), left_out=len(found))
    room = _FIT_BYTES_MAX - len(encode(bare))
    for lighten in _LIGHTER:
        if room >= 0:
            break
        bare = lighten(bare)
        room = _FIT_BYTES_MAX - len(encode(bare))
    sizes = accumulate(len(encode(each)) + 1 for each in found[:VIRTUAL_SERVERS_MAX])
    count = sum(1 for _ in takewhile(lambda size: size <= room, sizes))
    return replace(bare, virtual_servers=found[:count], left_out=len(found) - count)


def _without_drops(state: PairState) -> PairState:
    return _with_senders(state, lambda sender: replace(sender, dropped={}))


def _without_other_senders(state: PairState) -> PairState:
    """Leave out the senders from which no advertisement was accepted."""
    return _with_senders(state, lambda sender: sender if sender.received else None)


def _without_sections(state: PairState) -> PairState:
    return replace(state, configuration=replace(state.configuration, sections={}))


def _without_groups(state: PairState) -> PairState:
    return replace(state, announced=())


def _without_senders(state: PairState) -> PairState:
    return _with_senders(state, lambda _sender: None)


def _with_senders(
    state: PairState, change: Callable[[SenderState], SenderState | None]
) -> PairState:
    """Return the state with each sender changed, or left out if ``change`` returns None."""
    return replace(
        state,
        instances=tuple(
            replace(each, senders=tuple(filter(None, map(change, each.senders))))
            for each in state.instances
        ),
    )


_LIGHTER: Final = (
    *(_without_drops, _without_other_senders, _without_sections, _without_groups),
    _without_senders,
)
"""The steps that make a state smaller, in the order in which the peers can do without the parts."""
