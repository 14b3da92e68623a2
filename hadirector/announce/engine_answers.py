"""Reads the answers of a routing engine about its BGP sessions. Pure.

BIRD answers in text (`show protocols all`), FRR in JSON (`show bgp summary json`). An answer that
cannot be read is a fault of the engine, and changes nothing that the director does.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

SESSIONS_MAX = 100
"""Sessions that a status has; further sessions are left out."""
_TEXT_MAX = 100


class Session(msgspec.Struct, frozen=True):
    """A BGP session. ``state`` is the word of the engine, such as Established or Active."""

    neighbor: str
    state: str

    @property
    def established(self) -> bool:
        """Whether the session announces addresses."""
        return self.state == "Established"


class EngineReading(msgspec.Struct, frozen=True):
    """The sessions of an engine, or the reason why they are not known."""

    sessions: tuple[Session, ...] = ()
    fault: str = ""


def read_bird(text: str) -> EngineReading:
    """Read the sessions from the answer of birdc."""
    if not text.startswith("BIRD "):
        return EngineReading(fault="birdc answered in an unknown form")
    return _reading(_bird_sessions(text))


def _bird_sessions(text: str) -> Iterator[Session]:
    """Yield the sessions. A protocol begins in the first column, its details are indented."""
    name = state = neighbor = ""
    for line in (*text.splitlines(), "end"):
        if not line.startswith(" "):
            if state:
                yield Session(neighbor or name, state)
            name, state, neighbor = line.partition(" ")[0], "", ""
            continue
        key, _, value = line.strip().partition(":")
        if key == "BGP state":
            state = value.strip()
        elif key == "Neighbor address":
            neighbor = value.strip()


class _Peer(msgspec.Struct):
    state: str = ""


class _Family(msgspec.Struct):
    peers: dict[str, _Peer] = {}


def read_frr(text: str) -> EngineReading:
    """Read the sessions from the answer of vtysh."""
    try:
        families = msgspec.json.decode(text, type=dict[str, _Family])
    except msgspec.MsgspecError:
        return EngineReading(fault="vtysh answered in an unknown form")
    found = {
        neighbor: Session(neighbor, peer.state)
        for family in families.values()
        for neighbor, peer in family.peers.items()
    }
    return _reading(iter(found.values()))


def _reading(sessions: Iterator[Session]) -> EngineReading:
    shortened = [Session(each.neighbor[:_TEXT_MAX], each.state[:_TEXT_MAX]) for each in sessions]
    return EngineReading(tuple(shortened[:SESSIONS_MAX]))
