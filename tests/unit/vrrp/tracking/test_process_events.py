"""The messages of the process connector, as Linux 6.18 has sent them to a listener."""

from __future__ import annotations

import sys

import pytest

from vrrp.tracking.process_events import (
    Acknowledgement,
    Event,
    Exec,
    Exit,
    Fork,
    Rename,
    listen_message,
    parse,
)

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="seen on a little-endian host")

HEADER = "4c000000 0300 0000 00000000 00000000"
CONNECTOR = "01000000 01000000 01000000 00000000 2800 0000"


def message(what: str, data: str, connector: str = CONNECTOR) -> bytes:
    """Return a message: a type, the processor 0, a time, and the data of the event."""
    return bytes.fromhex(HEADER + connector + what + "00000000 0000000000000000" + data)


@pytest.mark.parametrize(
    ("what", "data", "event"),
    [
        ("00000000", "00000000" + "00" * 20, Acknowledgement(0)),
        ("00000000", "01000000" + "00" * 20, Acknowledgement(1)),
        ("01000000", "47580000 47580000 b55b0000 b55b0000" + "00" * 8, Fork(0x5847, 0x5BB5)),
        ("01000000", "47580000 47580000 b55b0000 d55a0000" + "00" * 8, None),
        ("02000000", "b55b0000 b55b0000" + "00" * 16, Exec(0x5BB5)),
        ("00020000", "b55b0000 b55b0000 6e67696e78000000 0000000000000000",
         Rename(0x5BB5, b"nginx")),
        ("00000080", "b55b0000 b55b0000 0000000011000000" + "00" * 8, Exit(0x5BB5)),
        ("00000080", "b55b0000 d55a0000 0000000011000000" + "00" * 8, None),
        ("04000000", "b55b0000 b55b0000" + "00" * 16, None),
    ],
)  # fmt: skip
def test_a_message_is_an_event(what: str, data: str, event: Event | Acknowledgement | None) -> None:
    """A thread is no process. Changes of users are not of interest."""
    assert parse(message(what, data)) == event


def test_a_short_or_foreign_message_is_no_event() -> None:
    whole = message("02000000", "b55b0000 b55b0000")
    assert parse(whole) == Exec(0x5BB5)
    for length in (0, 16, 35, 51, 55):
        assert parse(whole[:length]) is None
    other = "03000000 01000000 01000000 00000000 2800 0000"
    assert parse(message("02000000", "b55b0000 b55b0000", other)) is None


def test_a_listener_orders_events() -> None:
    """NLMSG_DONE, CN_IDX_PROC, CN_VAL_PROC and PROC_CN_MCAST_LISTEN."""
    assert listen_message() == bytes.fromhex(
        "28000000 0300 0000 00000000 0000000001000000 01000000 00000000 00000000 0400 000001000000"
    )
