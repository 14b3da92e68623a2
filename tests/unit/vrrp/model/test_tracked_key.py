"""The identity of a tracked object, in reports and in messages between processes."""

from __future__ import annotations

import msgspec

from hadirector.processes.messages import TrackedValues
from vrrp.model.configuration import TrackedKey


def test_its_text_names_the_kind_and_the_object() -> None:
    assert str(TrackedKey("pool", "web")) == "pool web"
    assert f"{TrackedKey('file', '/run/load')}" == "file /run/load"


def test_values_cross_a_channel_with_their_keys() -> None:
    """Two objects of the same name but of different kinds stay apart."""
    values = TrackedValues({TrackedKey("pool", "web"): 1, TrackedKey("process", "web"): 0})
    packet = msgspec.msgpack.encode(values)
    assert msgspec.msgpack.decode(packet, type=TrackedValues) == values
