"""The messages about macvlans, laid out as in linux/if_link.h (little-endian hosts)."""

from __future__ import annotations

import pytest

from vrrp.netlink.macvlan_messages import (
    Shape,
    creation,
    deletion,
    macvlan,
    query,
    read_shape,
    switch,
)

MAC = bytes.fromhex("00005e000133")


def test_a_macvlan_is_created_in_bridge_mode_unless_it_exists() -> None:
    """RTM_NEWLINK with IFLA_IFNAME, IFLA_LINK, IFLA_ADDRESS and IFLA_LINKINFO."""
    assert creation("vrrp4-51", macvlan(7, MAC)) == bytes.fromhex(
        "60000000 1000 0506 00000000 00000000"
        "00000000 00000000 00000000 00000000"
        "0d000300 76727270342d353100 000000"
        "08000500 07000000"
        "0a000100 00005e000133 0000"
        "1c001200 0b000100 6d6163766c616e 00 0c000200 08000100 04000000"
    )


def test_bringing_it_up_or_down_changes_no_other_flag() -> None:
    assert switch(9, up=True) == bytes.fromhex(
        "20000000 1000 0500 00000000 00000000 00000000 09000000 01000000 01000000"
    )
    assert switch(9, up=False)[24:] == bytes.fromhex("00000000 01000000")
    assert deletion(9)[:8] == bytes.fromhex("20000000 1100 0500")


def test_an_interface_is_queried_by_its_name() -> None:
    assert query("eth0") == bytes.fromhex(
        "2c000000 1200 0100 00000000 00000000 00000000 00000000 00000000 00000000"
        "09000300 6574683000 000000"
    )


@pytest.mark.parametrize(
    ("attributes", "shape"),
    [
        (
            "0a000100 00005e000133 0000 08000500 07000000"
            "20001280 0c000100 6d6163766c616e 00 10000280 08000100 04000000 06000200 00000000",
            Shape("macvlan", 7, MAC, 4),
        ),
        ("0a000100 020000000001 0000", Shape("", 0, bytes.fromhex("020000000001"), 0)),
        ("", Shape("", 0, b"", 0)),
        ("0100", Shape("", 0, b"", 0)),
        ("00000000 0000", Shape("", 0, b"", 0)),
    ],
)
def test_the_properties_of_an_interface_are_read(attributes: str, shape: Shape) -> None:
    """With or without the nesting flag. Missing or incomplete attributes are empty."""
    assert read_shape(bytes(16) + bytes.fromhex(attributes)) == shape
