"""What the kernel says of the way to targets, in messages as Linux sends them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.idle_connection.kernel_events import (
    CarrierLost,
    Loss,
    NeighborFailed,
    Way,
    losses,
    read_way,
    route_request,
)

# Seen on the wire of a Linux 6.18: RTM_NEWNEIGH of neighbours that did not answer on interface 3.
FAILED_IPV4 = bytes.fromhex(
    "400000001c000000000000000000000002000000030000002000000108000100"
    "0a090907080004000600000014000300a1180000310100000000000001000000"
)
FAILED_IPV6 = bytes.fromhex(
    "4c0000001c0000000000000000000000"
    "0a000000030000002000000114000100fd000000000000000000000000000007"
    "080004000600000014000300a1180000310100000000000001000000"
)
# The same for one that is reachable (NUD_REACHABLE, 0x02): only the state differs.
REACHABLE = FAILED_IPV4[:24] + b"\x02" + FAILED_IPV4[25:]
DELETED = FAILED_IPV4[:4] + b"\x1d" + FAILED_IPV4[5:]
# RTM_NEWLINK of interface 3, IFF_UP | IFF_BROADCAST | IFF_MULTICAST, cut after its header.
NO_CARRIER = bytes.fromhex("2000000010000000000000000000000000000100030000000310000000000000")
CARRIER = bytes.fromhex("2000000010000000000000000000000000000100030000004310000000000000")


@pytest.mark.parametrize(
    ("data", "lost"),
    [
        (FAILED_IPV4, [NeighborFailed(Way(3, "10.9.9.7"))]),
        (FAILED_IPV6, [NeighborFailed(Way(3, "fd00::7"))]),
        (REACHABLE, []),
        (DELETED, []),
        (NO_CARRIER, [CarrierLost(3)]),
        (CARRIER, []),
        (NO_CARRIER + FAILED_IPV4, [CarrierLost(3), NeighborFailed(Way(3, "10.9.9.7"))]),
        (FAILED_IPV4[:40], []),
        (b"", []),
    ],
)
def test_failed_neighbours_and_lost_carriers_are_told_and_nothing_else(
    data: bytes, lost: list[Loss]
) -> None:
    assert list(losses(data)) == lost


def test_a_route_is_asked_for_by_its_whole_address() -> None:
    """RTM_GETROUTE (26), NLM_F_REQUEST, AF_INET, a prefix of 32 bits, RTA_DST."""
    assert route_request("10.9.9.7") == bytes.fromhex(
        "240000001a000100000000000000000002200000000000000000000008000100" + "0a090907"
    )


def answer(*attributes: tuple[int, bytes]) -> bytes:
    body = bytes([2, 32, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0])
    for kind, value in attributes:
        body += struct.pack("=HH", 4 + len(value), kind) + value
    return struct.pack("=IHHII", 16 + len(body), 24, 0, 0, 0) + body


def test_the_next_hop_is_the_gateway_or_else_the_target() -> None:
    """RTA_OIF is 4, RTA_GATEWAY is 5."""
    out = (4, b"\x07\0\0\0")
    assert read_way(answer(out), "10.9.9.7") == Way(7, "10.9.9.7")
    assert read_way(answer(out, (5, bytes([10, 0, 0, 1]))), "10.9.9.7") == Way(7, "10.0.0.1")


def test_without_an_interface_or_a_route_there_is_no_way() -> None:
    """An answer without RTA_OIF, and NLMSG_ERROR with ENETUNREACH."""
    assert read_way(answer(), "10.9.9.7") is None
    error = bytes.fromhex("2400000002000000000000000000000099ffffff") + bytes(16)
    assert read_way(error, "10.9.9.7") is None


@given(st.binary(max_size=200))
def test_no_bytes_at_all_are_an_error(data: bytes) -> None:
    list(losses(data))
    read_way(data, "10.9.9.7")
