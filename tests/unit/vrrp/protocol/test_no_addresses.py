"""Advertisements without virtual addresses: their bytes, and the instances that accept them."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from tests.builders import an_advertisement, an_instance
from vrrp.model.configuration import InstanceConfiguration
from vrrp.protocol.packet import Advertisement, DropReason, decode, encode
from vrrp.protocol.validation import lists_other_addresses, own_advertisement, validate

SOURCE, GROUP = IPv4Address("10.99.0.1"), IPv4Address("224.0.0.18")
WEB, WEB_2 = an_instance(), an_instance(version=2)
ROLE, ROLE_2 = an_instance(virtual_addresses=()), an_instance(version=2, virtual_addresses=())
EMPTY = an_advertisement(addresses=())
EMPTY_2 = an_advertisement(addresses=(), version=2, checksum_form=None)
LISTED_2 = an_advertisement(version=2, checksum_form=None)


@pytest.mark.parametrize(
    ("wire", "value", "configuration"),
    [
        ("313364000064 7f79", EMPTY, ROLE),
        ("213364000001 7acb 0000000000000000", EMPTY_2, ROLE_2),
    ],
)
def test_an_address_count_of_0_is_sent_and_decoded(
    wire: str, value: Advertisement, configuration: InstanceConfiguration
) -> None:
    """The bytes of version 2 are those of keepalived 2.2.7."""
    assert own_advertisement(configuration, 100) == value
    assert encode(value, SOURCE, GROUP) == bytes.fromhex(wire)
    decoded = decode(bytes.fromhex(wire), SOURCE, GROUP)
    assert decoded == value
    assert decoded.addresses == ()


@pytest.mark.parametrize(
    ("value", "configuration", "verdict"),
    [
        (EMPTY, WEB, DropReason.NO_ADDRESSES),
        (EMPTY_2, WEB_2, DropReason.NO_ADDRESSES),
        (EMPTY, ROLE, None),
        (EMPTY_2, ROLE_2, None),
        (an_advertisement(), ROLE, None),
        (LISTED_2, ROLE_2, DropReason.ADDRESS_LIST),
    ],
)
def test_only_an_instance_without_addresses_accepts_it(
    value: Advertisement, configuration: InstanceConfiguration, verdict: DropReason | None
) -> None:
    """RFC 9568 5.2.5 requires at least one address."""
    heard = validate(
        value,
        source=SOURCE,
        destination=GROUP,
        ttl=255,
        own_address=IPv4Address("10.99.0.2"),
        configuration=configuration,
    )
    assert heard is verdict


def test_a_list_of_addresses_differs_from_no_addresses() -> None:
    assert lists_other_addresses(an_advertisement(), ROLE)
    assert not lists_other_addresses(EMPTY, ROLE)
