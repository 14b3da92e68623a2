"""States that released versions have sent: this version reads all of their content.

A file is never changed. A new version adds the states that it sends.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from hadirector.model.pair import Pair, PairPeer
from hadirector.pair.peers import PeerReport, Reach, configure, receive
from hadirector.pair.state import PairState, decode, encode

RECORDED = sorted((Path(__file__).parents[2] / "corpus/pair_states").glob("*.json"))


def missing(recorded: Any, read: Any, place: str = "") -> list[str]:
    """Return the places of a record whose value was not read."""
    if isinstance(recorded, dict) and isinstance(read, dict):
        return [
            found
            for key, value in recorded.items()
            for found in missing(value, read.get(key), f"{place}/{key}")
        ]
    if isinstance(recorded, list) and isinstance(read, list) and len(recorded) == len(read):
        pairs = zip(recorded, read, strict=True)
        return [
            found
            for index, (value, each) in enumerate(pairs)
            for found in missing(value, each, f"{place}/{index}")
        ]
    return [] if recorded == read else [place]


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_a_recorded_state_is_read_whole(file: Path) -> None:
    content = file.read_bytes()
    state = decode(content)
    assert missing(msgspec.json.decode(content), msgspec.json.decode(encode(state))) == []


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_a_recorded_state_is_accepted(file: Path) -> None:
    state = decode(file.read_bytes())
    peer = PairPeer(name=state.name, address="192.0.2.2", port=9471, certificate="/p.pem")
    pair = Pair(
        name="edge", address="192.0.2.9", port=9471, certificate="/c", key="/k", peers=(peer,)
    )
    peers = configure({}, pair, 100.0)
    report = PeerReport(state=state, asked_at=100.5, answered_at=101.0)
    found = receive(peers, pair, "lb9", peers[state.name], report, now=101.0, utc=state.clock)
    assert (found.reach, found.state) == (Reach.REACHED, state)


def test_a_lost_field_is_noticed() -> None:
    assert missing({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}) == ["/a/0/c"]


def test_a_state_of_the_first_version_of_all_is_enough() -> None:
    """The fields that a peer must have, so that it is known at all."""
    state = decode(b'{"protocol":{"lowest":1,"highest":1},"pair":"edge","name":"lb2"}')
    assert state == PairState(pair="edge", name="lb2")
    assert len(RECORDED) >= 2
