"""Generic netlink messages byte by byte, by linux/netlink.h and linux/genetlink.h."""

from __future__ import annotations

import sys

import pytest

from hadirector.dataplane.ipvs.codec.frames import (
    ACKNOWLEDGE,
    DONE,
    ERROR,
    REQUEST,
    Request,
    read,
    write,
)

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the literals are little-endian")

REFUSED = bytes.fromhex("14000000 0200 0000 07000000 00000000 fdffffff")  # -ESRCH
DONE_7 = bytes.fromhex("14000000 0300 0200 07000000 00000000 00000000")


def test_a_request_has_its_length_flags_and_number() -> None:
    written = write(Request(4, b"\x01\x02\x03\x04"), 28, 1, REQUEST | ACKNOWLEDGE, 7)
    assert written == bytes.fromhex("18000000 1c00 0500 07000000 00000000 04010000 01020304")


def test_a_datagram_is_split_into_messages() -> None:
    refused, done = read(REFUSED + DONE_7)
    assert (refused.kind, refused.sequence, refused.code) == (ERROR, 7, 3)
    assert (done.kind, done.sequence, done.code) == (DONE, 7, 0)


@pytest.mark.parametrize(
    "rest", [b"", REFUSED[:15], REFUSED[:19], bytes(20), b"\x0f" + REFUSED[1:]]
)
def test_decoding_stops_at_a_malformed_message(rest: bytes) -> None:
    assert [frame.kind for frame in read(DONE_7 + rest)] == [DONE]
