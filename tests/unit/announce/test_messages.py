"""The bytes of the messages, as iproute2 sends them and the kernel lists them (little endian)."""

import struct
import sys

import pytest

from hadirector.announce import messages

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the bytes are little endian")

# strace of: ip address add 203.0.113.1/32 dev X (index 7) valid_lft 3 preferred_lft 0
RENEWAL_4 = bytes.fromhex(
    "3c00000014000505" "00000000" "00000000"
    "02200000" "07000000"
    "08000200cb007101" "08000100cb007101"
    "1400060000000000" "03000000" "0000000000000000"
)  # fmt: skip


def test_an_address_is_renewed_as_deprecated() -> None:
    assert messages.renewal(7, "203.0.113.1", 3) == RENEWAL_4


def test_an_ipv6_address_is_added_without_duplicate_address_detection() -> None:
    family, length, flags, _, index = struct.unpack_from(
        "=BBBBI", messages.renewal(7, "2001:db8::1", 3), 16
    )
    assert (family, length, flags, index) == (10, 128, 2, 7)


# ip route add local 203.0.113.1 dev lo table local proto 112 metric 50
ROUTE_4 = bytes.fromhex(
    "3c00000018000506" "00000000" "00000000"
    "02200000" "ff70fe02" "00000000"
    "08000100cb007101" "08000f00ff000000" "0800060032000000" "0800040001000000"
)  # fmt: skip


def test_a_local_route_has_our_protocol_and_a_metric() -> None:
    assert messages.route_addition("203.0.113.1", 1) == ROUTE_4


def test_a_listed_local_route_of_ours_is_recognized() -> None:
    body = ROUTE_4[16:]
    assert messages.read_local_route(body) == "203.0.113.1"


@pytest.mark.parametrize(
    ("offset", "value"),
    [(5, 2), (7, 1), (4, 254), (1, 24)],
    ids=["protocol of the kernel", "unicast", "table main", "prefix"],
)
def test_another_route_is_not_ours(offset: int, value: int) -> None:
    body = bytearray(ROUTE_4[16:])
    body[offset] = value
    assert messages.read_local_route(bytes(body)) is None


def test_a_route_with_another_metric_is_not_ours() -> None:
    body = ROUTE_4[16:].replace(
        bytes.fromhex("0800060032000000"), bytes.fromhex("0800060033000000")
    )
    assert messages.read_local_route(body) is None


def test_an_interface_is_ours_if_it_has_the_alias() -> None:
    header = struct.pack("=BxHiII", 0, 1, 7, 0, 0)
    kind = bytes.fromhex("100012000a000100") + b"dummy\0" + bytes(2)
    alias = b"addresses that hadirector announces\0"
    named = struct.pack("=HH", 4 + len(alias), 20) + alias
    assert messages.read_link(header + kind + named) == (7, "dummy", True)
    assert messages.read_link(header + kind) == (7, "dummy", False)
