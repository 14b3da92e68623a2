"""The rtnetlink messages that add and remove addresses, and for how long addresses stand.

The messages are in the host's byte order; the literals are a little-endian host's.
"""

from __future__ import annotations

from ipaddress import IPv4Interface

import pytest

from vrrp.address_socket import deletion, renewal
from vrrp.addresses import lifetime

ADDRESS = IPv4Interface("10.99.0.100/32")


def test_a_renewal_replaces_or_creates_with_both_lifetimes() -> None:
    """Netlink(7) header, ifaddrmsg, IFA_LOCAL, IFA_ADDRESS, IFA_CACHEINFO: 60 bytes."""
    expected = (
        "3c000000 1400 0505 00000000 00000000"  # length 60, RTM_NEWADDR, ACK REQUEST REPLACE CREATE
        "02 20 00 00 07000000"  # AF_INET, /32, no flags, universe, index 7
        "0800 0200 0a630064 0800 0100 0a630064"
        "1400 0600 05000000 05000000 00000000 00000000"
    )
    assert renewal(7, ADDRESS, 5) == bytes.fromhex(expected)


def test_a_deletion_names_address_prefix_and_interface() -> None:
    expected = (
        "28000000 1500 0500 00000000 00000000"  # length 40, RTM_DELADDR, ACK REQUEST
        "02 18 00 00 07000000 0800 0200 0a630064 0800 0100 0a630064"
    )
    assert deletion(7, IPv4Interface("10.99.0.100/24")) == bytes.fromhex(expected)


@pytest.mark.parametrize(
    ("advert_interval", "seconds"),
    [(0.01, 3), (0.1, 3), (0.5, 3), (1.0, 5), (2.5, 11), (40.0, 161)],
)
def test_an_address_stands_until_a_peer_has_had_the_time_to_take_over(
    advert_interval: float, seconds: int
) -> None:
    """Four intervals is the longest active-down interval (priority 1); 0.5 s the refresh."""
    assert lifetime(advert_interval) == seconds
