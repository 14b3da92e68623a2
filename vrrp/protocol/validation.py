"""What an instance says of itself, and which well-formed advertisements it listens to."""

from __future__ import annotations

from functools import lru_cache
from hmac import compare_digest
from ipaddress import ip_interface
from typing import Final

from vrrp.model.configuration import (
    InstanceConfiguration,
    Multicast,
    PassAuthentication,
    Transport,
    UdpUnicast,
    Unicast,
)
from vrrp.protocol.packet import (
    AUTH_DATA_BYTES,
    MULTICAST_IPV4,
    MULTICAST_IPV6,
    OWNER_PRIORITY,
    TTL,
    Address,
    Advertisement,
    DropReason,
)

_AUTH_TYPE_PASS: Final = 1  # RFC 2338 5.3.6; RFC 3768 reserves it

NOT_FOR_US: Final = frozenset(
    {
        DropReason.OWN_PACKET,
        DropReason.NOT_A_PEER,
        DropReason.TTL,
        DropReason.DESTINATION,
        DropReason.VIRTUAL_ROUTER_ID,
        DropReason.HMAC_REPLAY,
    }
)
"""Reasons that say nothing of our virtual router now: another's packet, our own, from elsewhere, or
an old one."""


def own_advertisement(configuration: InstanceConfiguration, priority: int) -> Advertisement:
    """What an instance says of itself with this priority (0: it resigns)."""
    addresses = configured_addresses(configuration.virtual_addresses)
    two_forms = configuration.version == 3 and addresses[0].version == 4
    return Advertisement(
        version=configuration.version,
        virtual_router_id=configuration.virtual_router_id,
        priority=priority,
        advert_interval_centiseconds=round(configuration.advert_interval * 100),
        addresses=addresses,
        checksum_form=configuration.checksum if two_forms else None,
        auth_type=_auth_type(configuration),
        auth_data=_auth_data(configuration),
    )


def vet(
    advertisement: Advertisement,
    *,
    source: Address,
    destination: Address,
    ttl: int | None,
    own_address: Address,
    configuration: InstanceConfiguration,
) -> DropReason | None:
    """Decide whether this instance listens to a well-formed advertisement (RFC 9568 7.1).

    ``ttl`` is None where the transport does not show it (UDP). Returns None when it passes.
    """
    if source == own_address:
        return DropReason.OWN_PACKET
    refused = _vet_path(source, destination, ttl, configuration.transport)
    if refused is not None:
        return refused
    if advertisement.version != configuration.version:
        return DropReason.VERSION
    if advertisement.virtual_router_id != configuration.virtual_router_id:
        return DropReason.VIRTUAL_ROUTER_ID
    if advertisement.version == 2:
        return _vet_version_2(advertisement, configuration)
    return None


def lists_other_addresses(
    advertisement: Advertisement, configuration: InstanceConfiguration
) -> bool:
    """Whether a peer lists other virtual addresses than ours: in version 3 worth a counter and a
    line in the log, never a drop (RFC 9568 7.1).
    """
    configured = configured_addresses(configuration.virtual_addresses)
    return set(advertisement.addresses) != set(configured)


@lru_cache(maxsize=256)
def configured_addresses(virtual_addresses: tuple[str, ...]) -> tuple[Address, ...]:
    """The addresses to advertise: what is configured, without prefix lengths."""
    return tuple(ip_interface(address).ip for address in virtual_addresses)


def _vet_path(
    source: Address, destination: Address, ttl: int | None, transport: Transport
) -> DropReason | None:
    """Only neighbours on the link (RFC 9568 5.1.1.3), or the peers we were given."""
    match transport:
        case Multicast():
            ttl_min, expected = TTL, destination in (MULTICAST_IPV4, MULTICAST_IPV6)
        case Unicast():
            ttl_min, expected = transport.ttl_min, str(destination) == transport.source
        case UdpUnicast():
            ttl_min, expected = 0, True
    if not isinstance(transport, Multicast) and str(source) not in transport.peers:
        return DropReason.NOT_A_PEER
    if ttl is not None and ttl < ttl_min:
        return DropReason.TTL
    return None if expected else DropReason.DESTINATION


def _vet_version_2(
    advertisement: Advertisement, configuration: InstanceConfiguration
) -> DropReason | None:
    """RFC 3768 7.1: authentication, interval and address list must agree with ours."""
    if advertisement.auth_type != _auth_type(configuration):
        return DropReason.AUTH_TYPE
    if not compare_digest(advertisement.auth_data, _auth_data(configuration)):
        return DropReason.AUTH_PASSWORD
    if advertisement.advert_interval_centiseconds != round(configuration.advert_interval * 100):
        return DropReason.ADVERT_INTERVAL
    tolerated = (
        advertisement.priority == OWNER_PRIORITY or configuration.address_mismatch == "accept"
    )
    if not tolerated and lists_other_addresses(advertisement, configuration):
        return DropReason.ADDRESS_LIST
    return None


def _auth_type(configuration: InstanceConfiguration) -> int:
    has_password = isinstance(configuration.authentication, PassAuthentication)
    return _AUTH_TYPE_PASS if has_password else 0


def _auth_data(configuration: InstanceConfiguration) -> bytes:
    match configuration.authentication:
        case PassAuthentication(password):
            return password.value[:AUTH_DATA_BYTES].ljust(AUTH_DATA_BYTES, b"\0")
        case _:
            return bytes(AUTH_DATA_BYTES)
