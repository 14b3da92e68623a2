"""Events of the kernel about the path to targets, in messages as Linux sends them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.idle_connection.kernel_events import (
    CarrierLost,
    NeighborFailed,
    PathLoss,
    read_losses,
)
from checks.io.route_lookup import NextHop

# Captured on Linux 6.18: RTM_NEWNEIGH of neighbors that did not answer on interface 3.
FAILED_IPV4 = bytes.fromhex(
    "400000001c000000000000000000000002000000030000002000000108000100"
    "0a090907080004000600000014000300a1180000310100000000000001000000"
)
FAILED_IPV6 = bytes.fromhex(
    "4c0000001c0000000000000000000000"
    "0a000000030000002000000114000100fd000000000000000000000000000007"
    "080004000600000014000300a1180000310100000000000001000000"
)
# The same message for a reachable neighbor (NUD_REACHABLE, 0x02). Only the state differs.
REACHABLE = FAILED_IPV4[:24] + b"\x02" + FAILED_IPV4[25:]
DELETED = FAILED_IPV4[:4] + b"\x1d" + FAILED_IPV4[5:]
# RTM_NEWLINK of interface 3, IFF_UP | IFF_BROADCAST | IFF_MULTICAST, truncated after its header.
NO_CARRIER = bytes.fromhex("2000000010000000000000000000000000000100030000000310000000000000")
CARRIER = bytes.fromhex("2000000010000000000000000000000000000100030000004310000000000000")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (FAILED_IPV4, [NeighborFailed(NextHop(3, "10.9.9.7"))]),
        (FAILED_IPV6, [NeighborFailed(NextHop(3, "fd00::7"))]),
        (REACHABLE, []),
        (DELETED, []),
        (NO_CARRIER, [CarrierLost(3)]),
        (CARRIER, []),
        (NO_CARRIER + FAILED_IPV4, [CarrierLost(3), NeighborFailed(NextHop(3, "10.9.9.7"))]),
        (FAILED_IPV4[:40], []),
        (b"", []),
    ],
)
def test_only_failed_neighbors_and_lost_carriers_are_losses(
    data: bytes, expected: list[PathLoss]
) -> None:
    assert list(read_losses(data)) == expected


@given(st.binary(max_size=200))
def test_no_bytes_cause_an_exception(data: bytes) -> None:
    list(read_losses(data))
