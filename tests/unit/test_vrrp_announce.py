"""Announcements: the frame keepalived 2.2.7 sends, and the times it goes out."""

from __future__ import annotations

from ipaddress import IPv4Address
from itertools import islice

import pytest

from vrrp.announce import announcement_offsets, gratuitous_arp


def test_the_frame_is_the_one_keepalived_sends() -> None:
    expected = (
        "ffffffffffff 020000000001 0806"
        "0001 0800 06 04 0001"
        "020000000001 0a630064 ffffffffffff 0a630064"
    )
    frame = gratuitous_arp(bytes.fromhex("020000000001"), IPv4Address("10.99.0.100"))
    assert frame == bytes.fromhex(expected)


def test_five_at_once_five_after_five_seconds_then_one_a_minute() -> None:
    expected = [0.0, 0.03, 0.06, 0.09, 0.12, 5.0, 5.03, 5.06, 5.09, 5.12, 60.0, 120.0, 180.0]
    assert list(islice(announcement_offsets(), 13)) == pytest.approx(expected)
