"""Finds virtual addresses that no router holds, because the ACTIVE router does not list them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vrrp.model.configuration import InstanceConfiguration
from vrrp.protocol.packet import Address, Advertisement
from vrrp.protocol.validation import configured_addresses, lists_other_addresses

LISTED_MAX: Final = 5
"""Addresses of one list in a text."""


def unheld_addresses(
    advertisement: Advertisement, configuration: InstanceConfiguration
) -> tuple[Address, ...]:
    """Return the addresses of an instance that are not in the ACTIVE router's advertisement."""
    if not lists_other_addresses(advertisement, configuration):
        return ()
    held = set(advertisement.addresses)
    configured = configured_addresses(configuration.virtual_addresses)
    return tuple(address for address in configured if address not in held)


def describe_unheld(
    unheld: Sequence[Address],
    advertisement: Advertisement,
    source: Address,
    configuration: InstanceConfiguration,
) -> str:
    """Return the text of the alarm, with the address lists of both routers."""
    configured = configured_addresses(configuration.virtual_addresses)
    return (
        f"no router holds {_format(unheld)}: the ACTIVE router {source}"
        f" (priority {advertisement.priority}) advertises {_format(advertisement.addresses)},"
        f" and this router has {_format(configured)}"
    )


def _format(addresses: Sequence[Address]) -> str:
    listed = " ".join(map(str, addresses[:LISTED_MAX]))
    more = len(addresses) - LISTED_MAX
    return f"{listed} and {more} more" if more > 0 else listed
