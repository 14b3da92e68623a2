"""Converts registers to and from the form in which directors exchange them. Pure.

An order for many real servers takes the place of one, because its registers have equal contents.
Times are monotonic seconds here, and durations in the state, so the clocks of directors may differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from hadirector.overrides.model import Action, Override, RealServerName
from hadirector.overrides.registers import Register, Registers, Removal
from hadirector.overrides.stamp import Stamp
from hadirector.pair.state import REGISTERS_MAX, SECONDS_MAX, RegisterGroup, SharedOverrides

OVERRIDES_BYTES_MAX: Final = 96 * 1024
"""The part of a state that overrides can take. The oldest registers are left out beyond it."""
REMOVED: Final = "removed"
EXPIRED: Final = "expired"


class Group(NamedTuple):
    """Registers with equal contents: one of them, and the names of all their real servers."""

    value: Register
    names: tuple[str, ...]


class Grouped(NamedTuple):
    """All registers of a director in groups, the latest first."""

    groups: tuple[Group, ...] = ()
    counters: Mapping[str, int] = {}
    complete: bool = True


def group(registers: Registers) -> Grouped:
    """Group registers by their contents, as many as a state can carry."""
    found: dict[bytes, tuple[Register, list[str]]] = {}
    for value in registers.stamped:
        _, names = found.setdefault(_content(value), (value, []))
        names.append(str(value.name))
    groups = [
        Group(value, tuple(names[begin : begin + REGISTERS_MAX]))
        for value, names in found.values()
        for begin in range(0, len(names), REGISTERS_MAX)
    ]
    groups.sort(key=lambda each: (_stamp(each.value), each.names), reverse=True)
    count = _count_fitting(groups)
    return Grouped(tuple(groups[:count]), registers.counters, count == len(groups))


def pack(grouped: Grouped, now: float) -> SharedOverrides:
    """Return the registers in the form of a state at this time."""
    return SharedOverrides(
        dict(grouped.counters),
        grouped.complete,
        tuple(_pack_group(each, now) for each in grouped.groups),
    )


def unpack(shared: SharedOverrides, now: float) -> tuple[Registers, bool]:
    """Return the registers of a peer, and whether they are all of its registers.

    A value with an action that this version does not know is left out.
    """
    values: list[Register] = []
    complete = shared.complete
    for each in shared.groups:
        found = _unpack_group(each, now)
        complete = complete and found is not None
        values += found or ()
    return Registers(counters=shared.counters).add(values), complete


def fits(registers: Registers) -> bool:
    """Return whether a state can carry all of these registers."""
    return group(registers).complete


def _pack_group(each: Group, now: float) -> RegisterGroup:
    value, names = each
    stamp = _stamp(value)
    if isinstance(value, Removal):
        return RegisterGroup(
            real_servers=names,
            counter=stamp.counter,
            director=stamp.director,
            known=dict(stamp.known),
            action=EXPIRED if value.expired else REMOVED,
            author=value.author,
            claimed=value.claimed,
            reason=value.reason,
            age=_limit(now - value.removed_at),
        )
    return RegisterGroup(
        real_servers=names,
        counter=stamp.counter,
        director=stamp.director,
        known=dict(stamp.known),
        action=value.action.value,
        author=value.author,
        claimed=value.claimed,
        reason=value.reason,
        ticket=value.ticket,
        weight=value.weight,
        keep_clients=value.keep_clients,
        age=None if value.set_at is None else _limit(now - value.set_at),
        expires_in=_remaining(value.expires_at, now),
        deadline_in=_remaining(value.deadline, now),
    )


def _unpack_group(found: RegisterGroup, now: float) -> list[Register] | None:
    stamp = Stamp(found.counter, found.director, tuple(sorted(found.known.items())))
    names = [RealServerName(*name.split("/", 1)) for name in found.real_servers if "/" in name]
    if found.action in {REMOVED, EXPIRED}:
        return [
            Removal(
                name=name,
                stamp=stamp,
                author=found.author,
                claimed=found.claimed,
                reason=found.reason,
                removed_at=now - (found.age or 0.0),
                expired=found.action == EXPIRED,
            )
            for name in names
        ]
    if found.action not in list(Action):
        return None
    return [
        Override(
            name=name,
            action=Action(found.action),
            author=found.author,
            claimed=found.claimed,
            reason=found.reason,
            ticket=found.ticket,
            weight=found.weight,
            set_at=None if found.age is None else now - found.age,
            expires_at=None if found.expires_in is None else now + found.expires_in,
            deadline=None if found.deadline_in is None else now + found.deadline_in,
            keep_clients=found.keep_clients,
            stamp=stamp,
        )
        for name in names
    ]


def _count_fitting(groups: list[Group]) -> int:
    """Return how many of the first groups a state can carry."""
    size = 0
    for count, each in enumerate(groups[:REGISTERS_MAX]):
        size += len(msgspec.json.encode(_pack_group(each, 0.0)))
        if size > OVERRIDES_BYTES_MAX:
            return count
    return min(len(groups), REGISTERS_MAX)


def _content(value: Register) -> bytes:
    """Return the content of a register without its name, and without the end of a drain."""
    fields = msgspec.structs.asdict(value)
    return msgspec.msgpack.encode(
        (type(value).__name__, [each for key, each in fields.items() if key not in _OWN])
    )


_OWN: Final = {"name", "ended"}


def _stamp(value: Register) -> Stamp:
    assert value.stamp is not None, "only values with a stamp are exchanged"
    return value.stamp


def _remaining(at: float | None, now: float) -> float | None:
    return None if at is None else _limit(at - now)


def _limit(seconds: float) -> float:
    return min(SECONDS_MAX, max(0.0, seconds))
