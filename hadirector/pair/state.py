"""The states that directors of a pair exchange: each is the whole state of one director. Pure.

A peer sends JSON, and a decoder checks each length, count and range. A reader ignores unknown
fields, and every field has a default. So versions N and N-1 understand each other.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec.structs import replace

from hadirector.overrides.model import PRINTABLE as PRINTABLE_IN_ECMA
from hadirector.overrides.stamp import DIRECTORS_MAX
from vrrp.model.report import State

PROTOCOL: Final = 1
"""The version of the state that this program sends. It is also the oldest that it reads."""
STATE_BYTES_MAX: Final = 256 * 1024
"""The maximum size of a state as JSON. A longer answer of a peer is refused."""
HASHES_BYTES_MAX: Final = STATE_BYTES_MAX // 3
"""The part of a state that the hashes of the configuration can take."""
OVERRIDES_RECEIVED_BYTES_MAX: Final = STATE_BYTES_MAX // 2
"""The maximum size of the overrides in a state of a peer. A director sends 96 KiB of registers, and
some bytes more of counters and durations."""
INSTANCES_MAX: Final = 255
SENDERS_MAX: Final = 32
VIRTUAL_SERVERS_MAX: Final = 1000
"""Virtual servers of a state. Further ones are counted in ``left_out``."""
REGISTERS_MAX: Final = 2000
"""The maximum number of real servers in a group of registers, and of groups."""
SECTIONS_MAX: Final = 3000
FACTS_MAX: Final = 50
GROUPS_MAX: Final = 1000
"""Groups of announced addresses of a state. Further groups are left out."""
FAILOVERS_MAX: Final = 5
SUSPICIONS_MAX: Final = 100
SECONDS_MAX: Final = 1e10
"""The longest duration in a state. A state with a longer one is refused."""

_PRINTABLE: Final = PRINTABLE_IN_ECMA.removesuffix("$") + r"\Z"
Word = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[A-Za-z0-9_.:@\[\]/%+-]*\Z")]
"""A name, a code or an address. A later version may have further codes."""
Target = Annotated[str, msgspec.Meta(max_length=200, pattern=_PRINTABLE)]
Line = Annotated[str, msgspec.Meta(max_length=500, pattern=_PRINTABLE)]
"""A text for people, without characters that control a terminal."""
Hash = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[0-9a-f]*\Z")]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=SECONDS_MAX)]


class ProtocolRange(msgspec.Struct, frozen=True, gc=False):
    """The versions of the state that a director understands."""

    lowest: Number = PROTOCOL
    highest: Number = PROTOCOL


class ConfigurationHashes(msgspec.Struct, frozen=True, gc=False):
    """Hashes of the configuration: of the whole, and of each section.

    Values that differ on purpose do not count: the name of the director, its priorities, and the
    addresses and files of its own host.
    """

    whole: Hash = ""
    sections: Annotated[dict[Target, Hash], msgspec.Meta(max_length=SECTIONS_MAX)] = {}


class SenderState(msgspec.Struct, frozen=True, gc=False):
    """The advertisements of one source address, as an instance receives them.

    ``received`` counts the accepted ones. ``silence`` is the time in seconds since the latest of
    them, None without one. ``dropped`` counts, by reason, the packets that were dropped since then.
    """

    address: Word = ""
    received: Number = 0
    silence: Seconds | None = None
    dropped: Annotated[dict[Word, Number], msgspec.Meta(max_length=64)] = {}


class InstanceState(msgspec.Struct, frozen=True, gc=False):
    """One VRRP instance of a director.

    ``mtu`` is the MTU of the interface, 0 if it is not known. ``priority`` is the current priority,
    and ``address`` the source address of its advertisements.
    ``sent`` counts them, and ``senders`` the packets that it receives. The counts are
    ``counted_ago`` seconds old, and were counted for ``counted_for`` seconds.
    """

    name: Word = ""
    vrid: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0
    interface: Annotated[str, msgspec.Meta(max_length=15, pattern=_PRINTABLE)] = ""
    family: Literal[0, 4, 6] = 0
    state: State = State.INITIALIZE
    since_seconds: Seconds | None = None
    priority: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0
    mtu: Number = 0
    address: Word = ""
    sent: Number = 0
    senders: Annotated[tuple[SenderState, ...], msgspec.Meta(max_length=SENDERS_MAX)] = ()
    counted_for: Seconds = 0.0
    counted_ago: Seconds = 0.0

    @property
    def heard(self) -> dict[str, int]:
        """The accepted advertisements by their source address."""
        return {sender.address: sender.received for sender in self.senders}


class ReadinessFact(msgspec.Struct, frozen=True, gc=False):
    """One reason why a director is not ready, and for how many seconds it has lasted."""

    code: Word = ""
    severity: Word = ""
    seconds: Seconds = 0.0


class VirtualServerState(msgspec.Struct, frozen=True, gc=False):
    """One virtual server: the number of passing real servers, and hashes that directors compare.

    ``verdicts`` is the hash of the verdicts of the real servers, ``wanted`` the hash of the weights
    that the director has decided, and ``actual`` the hash of the weights in its kernel.
    """

    name: Word = ""
    passing: Number = 0
    total: Number = 0
    verdicts: Hash = ""
    wanted: Hash = ""
    actual: Hash = ""
    connections: Number = 0


class RegisterGroup(msgspec.Struct, frozen=True, gc=False):
    """The current values of registers that a director has written together, with equal contents.

    See `hadirector.overrides.registers`. ``counter``, ``director`` and ``known`` are the stamp.
    ``action`` is the action of an override, or ``removed`` or ``expired``. ``real_servers`` are
    names such as web/192.0.2.45:80. Durations stand for times: seconds ago, and seconds left.
    """

    real_servers: Annotated[tuple[Target, ...], msgspec.Meta(max_length=REGISTERS_MAX)] = ()
    counter: Number = 0
    director: Word = ""
    known: Annotated[dict[Word, Number], msgspec.Meta(max_length=DIRECTORS_MAX)] = {}
    action: Word = ""
    author: Line = ""
    claimed: Line = ""
    reason: Line = ""
    ticket: Line = ""
    weight: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    keep_clients: bool | None = None
    age: Seconds | None = None
    expires_in: Seconds | None = None
    deadline_in: Seconds | None = None


class SharedOverrides(msgspec.Struct, frozen=True, gc=False):
    """All registers of a director that shares its overrides.

    ``counters`` has, for each director, the highest counter of it that is stored here. Without
    ``complete``, the oldest registers are left out, because the state would be too large.
    """

    counters: Annotated[dict[Word, Number], msgspec.Meta(max_length=DIRECTORS_MAX)] = {}
    complete: bool = True
    groups: Annotated[tuple[RegisterGroup, ...], msgspec.Meta(max_length=REGISTERS_MAX)] = ()


class PauseState(msgspec.Struct, frozen=True, gc=False):
    """The pause of a director, with the seconds until its end."""

    actor: Line = ""
    reason: Line = ""
    elections: bool = False
    seconds_left: Seconds = 0.0


class FailoverState(msgspec.Struct, frozen=True, gc=False):
    """A change of the role of an instance. ``at`` is in seconds since the epoch."""

    at: Seconds = 0.0
    instance: Word = ""
    previous: Line = ""
    state: Line = ""
    reason: Line = ""
    peer: Word | None = None
    silence: Seconds | None = None


class Suspicions(msgspec.Struct, frozen=True, gc=False):
    """The targets whose latest probe has failed although they pass. ``number`` grows with each."""

    number: Number = 0
    targets: Annotated[tuple[Target, ...], msgspec.Meta(max_length=SUSPICIONS_MAX)] = ()


class ConnectionSync(msgspec.Struct, frozen=True, gc=False):
    """The sync daemon of a director: the roles that run, and the sync id."""

    interface: Word = ""
    master: bool = False
    backup: bool = False
    sync_id: Annotated[int, msgspec.Meta(ge=0, le=255)] | None = None


class PairState(msgspec.Struct, frozen=True, gc=False):
    """The state of one director.

    ``incarnation`` is a random id of this run. ``generation`` grows with every change of the
    content; ages and counters do not count as content. ``clock`` is the UTC clock at the time of
    sending, in seconds since the epoch. ``hash_tables`` is a digest of everything that shapes the
    tables of the hash schedulers, and ``announced`` are the groups of addresses that are announced.
    """

    protocol: ProtocolRange = ProtocolRange()
    pair: Word = ""
    name: Word = ""
    incarnation: Word = ""
    generation: Number = 0
    version: Word = ""
    clock: Seconds = 0.0
    configuration: ConfigurationHashes = ConfigurationHashes()
    instances: Annotated[tuple[InstanceState, ...], msgspec.Meta(max_length=INSTANCES_MAX)] = ()
    readiness: Annotated[tuple[ReadinessFact, ...], msgspec.Meta(max_length=FACTS_MAX)] = ()
    virtual_servers: Annotated[
        tuple[VirtualServerState, ...], msgspec.Meta(max_length=VIRTUAL_SERVERS_MAX)
    ] = ()
    left_out: Number = 0
    overrides: SharedOverrides | None = None
    pause: PauseState | None = None
    last_failovers: Annotated[
        tuple[FailoverState, ...], msgspec.Meta(max_length=FAILOVERS_MAX)
    ] = ()
    suspicions: Suspicions = Suspicions()
    connection_sync: ConnectionSync | None = None
    hash_tables: Hash = ""
    announced: Annotated[tuple[Word, ...], msgspec.Meta(max_length=GROUPS_MAX)] = ()


class StateError(Exception):
    """The bytes of a peer are no state. The message is the reason."""


class OversizedError(StateError):
    """The answer of the peer is longer than a state may be."""


class IncompatibleError(StateError):
    """The peer has no version of the state in common with this program."""

    def __init__(self, found: ProtocolRange) -> None:
        super().__init__(
            f"the peer has the versions {found.lowest} to {found.highest} of the state, and this"
            f" director has {PROTOCOL}"
        )


class _Head(msgspec.Struct, frozen=True):
    """The first field, which every version can read."""

    protocol: ProtocolRange = ProtocolRange()


_DECODER: Final = msgspec.json.Decoder(PairState)
_HEAD_DECODER: Final = msgspec.json.Decoder(_Head)


def encode(
    state: PairState | ConfigurationHashes | SharedOverrides | VirtualServerState,
) -> bytes:
    """Return a state, or a part of it, as JSON."""
    return msgspec.json.encode(state)


def decode(content: bytes) -> PairState:
    """Return the state in these bytes of a peer. Raises StateError.

    The range of versions is read first, so that a later form of the other fields is no fault.
    """
    if len(content) > STATE_BYTES_MAX:
        raise OversizedError(f"the state has more than {STATE_BYTES_MAX} bytes")
    try:
        head = _HEAD_DECODER.decode(content)
        if not head.protocol.lowest <= PROTOCOL <= head.protocol.highest:
            raise IncompatibleError(head.protocol)
        state = _DECODER.decode(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise StateError(f"the state has a fault: {error}") from error
    _check_parts(state)
    return state


def _check_parts(state: PairState) -> None:
    """Raise StateError if a part is larger than any director sends it: to compare it takes time.

    Many short objects stand for much more, because a field that is not there has its default.
    """
    parts = {
        "hashes of the configuration": (state.configuration, HASHES_BYTES_MAX),
        "overrides": (state.overrides, OVERRIDES_RECEIVED_BYTES_MAX),
    }
    for name, (part, size_max) in parts.items():
        if part is not None and len(encode(part)) > size_max:
            raise StateError(f"the {name} in the state have more than {size_max} bytes")


def lasting_content(state: PairState) -> PairState:
    """Return a state without ages and counters. The generation grows when this changes."""
    return replace(
        state,
        generation=0,
        clock=0.0,
        instances=tuple(
            replace(each, since_seconds=None, sent=0, senders=(), counted_for=0.0, counted_ago=0.0)
            for each in state.instances
        ),
        readiness=tuple(replace(each, seconds=0.0) for each in state.readiness),
        virtual_servers=tuple(replace(each, connections=0) for each in state.virtual_servers),
        overrides=None if state.overrides is None else without_ages(state.overrides),
        pause=None if state.pause is None else replace(state.pause, seconds_left=0.0),
    )


def without_ages(overrides: SharedOverrides) -> SharedOverrides:
    """Return shared overrides without ages and durations, which change all the time."""
    return replace(
        overrides,
        groups=tuple(
            replace(group, age=None, expires_in=None, deadline_in=None)
            for group in overrides.groups
        ),
    )
