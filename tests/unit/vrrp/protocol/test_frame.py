"""Advertisements as frames from the virtual MAC, with the bytes of keepalived's use_vmac."""

from __future__ import annotations

from ipaddress import ip_address

from vrrp.protocol.frame import advertisement_frame


def test_over_ipv4_it_goes_to_the_group_with_ttl_255_and_a_right_header_checksum() -> None:
    message = bytes.fromhex("313396010064 42ad 0a630064")
    frame = advertisement_frame(
        bytes.fromhex("00005e000133"), ip_address("10.99.0.1"), ip_address("224.0.0.18"), message
    )
    assert frame == bytes.fromhex(
        "01005e000012 00005e000133 0800"
        "45c00020 00000000 ff70d037 0a630001 e0000012"
        "313396010064 42ad 0a630064"
    )


def test_over_ipv6_it_goes_to_the_group_with_hop_limit_255() -> None:
    message = bytes.fromhex("31339601006400000a630064")
    frame = advertisement_frame(
        bytes.fromhex("00005e000233"), ip_address("fe80::1"), ip_address("ff02::12"), message
    )
    assert frame == bytes.fromhex(
        "333300000012 00005e000233 86dd"
        "6c000000 000c 70 ff"
        "fe800000000000000000000000000001 ff020000000000000000000000000012"
        "31339601006400000a630064"
    )


def test_the_mac_of_a_group_has_its_low_23_bits() -> None:
    """RFC 1112 6.4: 227 is 0xe3, and without its first bit 0x63."""
    source, group = ip_address("10.99.0.1"), ip_address("239.227.0.51")
    frame = advertisement_frame(bytes.fromhex("00005e000133"), source, group, b"")
    assert frame[:6] == bytes.fromhex("01005e630033")
    assert frame[30:34] == group.packed
