"""Whether a dump of destinations shows the same pool, independent of its counters."""

from __future__ import annotations

import pytest

from hadirector.dataplane.ipvs.codec.fingerprint import pool_fingerprint

# What Linux 6.1 sent of 198.51.100.1:80, by nat and with weight 5.
ADDRESS = "1400 0100 c6336401 00000000 00000000 00000000"
OTHER_ADDRESS = "1400 0100 c6336402 00000000 00000000 00000000"
PORT = "0600 0200 0050 0000"
FORWARDING = "0800 0300 00000000"
WEIGHT = "0800 0400 05000000"
THRESHOLDS = "0800 0500 00000000 0800 0600 00000000"
FAMILY = "0600 0b00 0200 0000"


def message(
    *,
    address: str = ADDRESS,
    weight: str = WEIGHT,
    active: str = "00000000",
    statistics: str = "00" * 8,
    sequence: str = "01000000",
    family: str = FAMILY,
) -> bytes:
    """One message of a dump."""
    counters = f"0800 0700 {active} 0800 0800 00000000 0800 0900 00000000"
    held = bytes.fromhex(
        address + PORT + FORWARDING + weight + THRESHOLDS + counters + family
        + f"0c00 0a00 {statistics} 0c00 0c00 {statistics}"
    )  # fmt: skip
    destination = (len(held) + 4).to_bytes(2, "little") + bytes.fromhex("0280") + held
    content = bytes.fromhex("10010000") + destination
    length = (len(content) + 16).to_bytes(4, "little")
    return length + bytes.fromhex(f"1c000200 {sequence} 00000000") + content


TWO = message() + message(address=OTHER_ADDRESS)


def test_counters_and_sequence_numbers_do_not_count() -> None:
    busy = message(active="07000000", sequence="09000000") + message(
        address=OTHER_ADDRESS, statistics="0102030405060708"
    )
    assert pool_fingerprint([busy]) == pool_fingerprint([TWO]) != 0


@pytest.mark.parametrize(
    "changed",
    [
        message(weight="0800 0400 06000000") + message(address=OTHER_ADDRESS),
        message() + message(address=OTHER_ADDRESS, weight="0800 0400 00000000"),
        message(address=OTHER_ADDRESS) + message(),
        message(),
        TWO + message(address="1400 0100 c6336403 00000000 00000000 00000000"),
        message() + message(address=OTHER_ADDRESS, family="0600 0b00 0a00 0000"),
    ],
    ids=["weight", "weight of the second", "order", "one gone", "one more", "family"],
)
def test_every_setting_counts(changed: bytes) -> None:
    assert pool_fingerprint([changed]) != pool_fingerprint([TWO])


def test_the_second_datagram_counts() -> None:
    rest = message(address=OTHER_ADDRESS)
    other = message(address=OTHER_ADDRESS, weight="0800 0400 06000000")
    assert pool_fingerprint([message(), rest]) == pool_fingerprint([message(), rest])
    assert pool_fingerprint([message(), other]) != pool_fingerprint([message(), rest])


def test_an_additional_or_missing_attribute_counts() -> None:
    assert pool_fingerprint([message(family="")]) != pool_fingerprint([message()])


def test_messages_of_several_lengths_have_no_fingerprint() -> None:
    assert pool_fingerprint([message() + message(family="")]) == 0


def test_a_truncated_message_has_no_fingerprint() -> None:
    assert pool_fingerprint([message()[:-4]]) == 0


def test_an_empty_pool_has_a_fingerprint() -> None:
    assert pool_fingerprint([]) == pool_fingerprint([]) != 0
