"""The rtnetlink messages that add and remove addresses, and the lifetime of addresses.

The messages are in the host's byte order; the literals are a little-endian host's.
"""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Interface

import pytest

from tests.builders import an_instance
from vrrp.addresses.addresses import lifetime
from vrrp.netlink.rtnetlink import (
    InterfaceAddress,
    VirtualAddress,
    deletion,
    messages,
    read_address,
    renewal,
)

ADDRESS = VirtualAddress(IPv4Interface("10.99.0.100/32"), "eth0")


def test_a_renewal_replaces_or_creates_with_both_lifetimes() -> None:
    """Netlink(7) header, ifaddrmsg, IFA_LOCAL, IFA_ADDRESS, IFA_CACHEINFO: 60 bytes."""
    expected = (
        "3c000000 1400 0505 00000000 00000000"  # length 60, RTM_NEWADDR, ACK REQUEST REPLACE CREATE
        "02 20 00 00 07000000"  # AF_INET, /32, no flags, universe, index 7
        "0800 0200 0a630064 0800 0100 0a630064"
        "1400 0600 05000000 05000000 00000000 00000000"
    )
    assert renewal(7, ADDRESS, 5) == bytes.fromhex(expected)


def test_a_label_and_a_scope_are_sent_to_the_kernel() -> None:
    """IFA_LABEL is a string with a final zero; RT_SCOPE_LINK is 253."""
    expected = (
        "48000000 1400 0505 00000000 00000000"
        "02 20 00 fd 07000000"
        "0800 0200 0a630064 0800 0100 0a630064"
        "1400 0600 05000000 05000000 00000000 00000000"
        "0b00 0300 657468303a6100 00"  # eth0:a
    )
    assert renewal(7, ADDRESS._replace(label="eth0:a", scope=253), 5) == bytes.fromhex(expected)


def test_a_deletion_names_address_prefix_and_interface() -> None:
    expected = (
        "28000000 1500 0500 00000000 00000000"  # length 40, RTM_DELADDR, ACK REQUEST
        "02 18 00 00 07000000 0800 0200 0a630064 0800 0100 0a630064"
    )
    assert deletion(7, IPv4Interface("10.99.0.100/24")) == bytes.fromhex(expected)


def test_an_ipv6_address_skips_duplicate_detection_and_a_128_is_deprecated() -> None:
    """IFA_F_NODAD (2). The host does not select a /128 with preferred lifetime 0 as a source."""
    packed = "20010db8009900000000000000000100"
    head = "54000000 1400 0505 00000000 00000000"  # length 84
    attributes = f"1400 0200 {packed} 1400 0100 {packed} 1400 0600"
    alone = renewal(7, VirtualAddress(IPv6Interface("2001:db8:99::100/128"), "eth0"), 5)
    assert alone == bytes.fromhex(
        f"{head} 0a 80 02 00 07000000 {attributes} 00000000 05000000 00000000 00000000"
    )
    in_a_subnet = renewal(7, VirtualAddress(IPv6Interface("2001:db8:99::100/64"), "eth0"), 5)
    assert in_a_subnet == bytes.fromhex(
        f"{head} 0a 40 02 00 07000000 {attributes} 05000000 05000000 00000000 00000000"
    )


LINK_LOCAL = "fe80000000000000000000fffe000001"
READ = [
    (
        "02 18 80 00 07000000 0800 0100 0a630001",
        InterfaceAddress(7, IPv4Interface("10.99.0.1/24"), True, False),
    ),
    (
        "02 20 00 00 07000000 0800 0100 0a630002 0800 0200 0a630001",
        InterfaceAddress(7, IPv4Interface("10.99.0.1/32"), False, False),
    ),
    (
        f"0a 40 80 fd 07000000 1400 0100 {LINK_LOCAL}",
        InterfaceAddress(7, IPv6Interface("fe80::ff:fe00:1/64"), True, False),
    ),
    (
        f"0a 40 c0 fd 07000000 1400 0100 {LINK_LOCAL}",
        InterfaceAddress(7, IPv6Interface("fe80::ff:fe00:1/64"), True, True),
    ),
    (
        f"0a 40 88 fd 07000000 1400 0100 {LINK_LOCAL}",
        InterfaceAddress(7, IPv6Interface("fe80::ff:fe00:1/64"), True, True),
    ),
    ("1c 40 80 00 07000000 0800 0100 0a630001", None),
    ("0a 40 80 00 07000000 0800 0100 0a630001", None),
]


@pytest.mark.parametrize(("body", "standing"), READ)
def test_an_address_message_is_read(body: str, standing: InterfaceAddress | None) -> None:
    """Permanent 0x80, tentative 0x40, failed 0x08; the local end of a point-to-point link."""
    assert read_address(bytes.fromhex(body)) == standing


def test_a_broken_netlink_message_ends_the_reading() -> None:
    """With a length below that of the header, the loop would not end."""
    whole = bytes.fromhex("14000000 0200 0000 05000000 00000000 00000000")
    assert [each.number for each in messages(whole + whole)] == [5, 5]
    assert list(messages(bytes(16))) == []
    assert list(messages(whole[:15])) == []


@pytest.mark.parametrize(
    ("advert_interval", "adverts", "seconds"),
    [
        (0.01, 3, 3),
        (0.1, 3, 3),
        (0.5, 3, 3),
        (1.0, 3, 5),
        (2.5, 3, 11),
        (40.0, 3, 161),
        (0.1, 10, 3),
        (1.0, 5, 7),
        (1.0, 10, 12),
    ],
)
def test_the_lifetime_lasts_until_a_peer_can_have_taken_over(
    advert_interval: float, adverts: int, seconds: int
) -> None:
    """The longest skew time (priority 1) is one interval; the renewal adds 0.5 s."""
    configuration = an_instance(advert_interval=advert_interval, down_timer_adverts=adverts)
    assert lifetime(configuration) == seconds
