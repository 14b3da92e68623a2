"""Route lookups: the request to the kernel, and its answers."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.io.route_lookup import (
    NextHop,
    read_is_local,
    read_link_down,
    read_next_hop,
    write_route_request,
)


def test_the_request_contains_the_whole_address() -> None:
    """RTM_GETROUTE (26), NLM_F_REQUEST, AF_INET, a prefix of 32 bits, RTA_DST."""
    assert write_route_request("10.9.9.7", 0) == bytes.fromhex(
        "240000001a000100000000000000000002200000000000000000000008000100" + "0a090907"
    )


def test_flags_are_the_last_word_of_the_route() -> None:
    """RTM_F_FIB_MATCH is 0x2000."""
    request = write_route_request("10.9.9.7", 0x2000)
    assert request[24:28] == bytes.fromhex("00200000")


def answer(*attributes: tuple[int, bytes], flags: int = 0, kind: int = 1) -> bytes:
    body = bytes([2, 32, 0, 0, 254, 0, 0, kind]) + struct.pack("=I", flags)
    for attribute_type, value in attributes:
        body += struct.pack("=HH", 4 + len(value), attribute_type) + value
    return struct.pack("=IHHII", 16 + len(body), 24, 0, 0, 0) + body


# NLMSG_ERROR with ENETUNREACH
ERROR = bytes.fromhex("2400000002000000000000000000000099ffffff") + bytes(16)


def test_the_next_hop_is_the_gateway_or_else_the_target() -> None:
    """RTA_OIF is 4, RTA_GATEWAY is 5."""
    interface = (4, b"\x07\0\0\0")
    gateway = (5, bytes([10, 0, 0, 1]))
    assert read_next_hop(answer(interface), "10.9.9.7") == NextHop(7, "10.9.9.7")
    assert read_next_hop(answer(interface, gateway), "10.9.9.7") == NextHop(7, "10.0.0.1")


def test_there_is_no_next_hop_without_an_interface_or_a_route() -> None:
    """RTA_OIF is missing in the first answer."""
    assert read_next_hop(answer(), "10.9.9.7") is None
    assert read_next_hop(ERROR, "10.9.9.7") is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [(answer(flags=0x10), True), (answer(flags=0x4), False), (ERROR, False), (b"", False)],
)
def test_a_link_is_down_only_if_its_route_has_the_flag(data: bytes, expected: bool) -> None:
    """RTNH_F_LINKDOWN is 0x10; 0x4 is RTNH_F_ONLINK."""
    assert read_link_down(data) is expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [(answer(kind=2), True), (answer(), False), (ERROR, False), (b"", False)],
)
def test_an_address_is_local_if_the_type_of_its_route_is_local(data: bytes, expected: bool) -> None:
    """RTN_LOCAL is 2, RTN_UNICAST is 1 (rtnetlink(7))."""
    assert read_is_local(data) is expected


@given(st.binary(max_size=200))
def test_no_bytes_cause_an_exception(data: bytes) -> None:
    read_is_local(data)
    read_next_hop(data, "10.9.9.7")
    read_link_down(data)
