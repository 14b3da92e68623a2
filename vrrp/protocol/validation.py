"""Builds the advertisement that an instance sends, and validates received advertisements."""

from __future__ import annotations

import hmac
from functools import lru_cache
from ipaddress import ip_interface
from typing import Final

from vrrp.model.configuration import (
    InstanceConfiguration,
    Multicast,
    PassAuthentication,
    UdpUnicast,
    Unicast,
)
from vrrp.protocol.group import multicast_group
from vrrp.protocol.packet import (
    AUTH_DATA_BYTES,
    OWNER_PRIORITY,
    TTL,
    Address,
    Advertisement,
    DropReason,
)

_AUTH_TYPE_PASS: Final = 1  # RFC 2338 5.3.6; RFC 3768 reserves it

NOT_FOR_US: Final = frozenset(
    {
        DropReason.SOURCE,
        DropReason.OWN_PACKET,
        DropReason.NOT_A_PEER,
        DropReason.TTL,
        DropReason.DESTINATION,
        DropReason.VIRTUAL_ROUTER_ID,
        DropReason.HMAC_REPLAY,
    }
)
"""Drop reasons of packets that do not show an ACTIVE peer: packets of other virtual routers, from
other networks or from this router, and old packets."""


AUTHENTICATION: Final = frozenset(
    {
        DropReason.AUTH_TYPE,
        DropReason.AUTH_PASSWORD,
        DropReason.HMAC_MISSING,
        DropReason.HMAC_MALFORMED,
        DropReason.HMAC_KEY,
        DropReason.HMAC_TAG,
        DropReason.HMAC_STALE,
        DropReason.HMAC_REPLAY,
        DropReason.HMAC_UNEXPECTED,
    }
)
"""Drop reasons of packets whose sender is not authentic, or has another authentication."""


def own_advertisement(configuration: InstanceConfiguration, priority: int) -> Advertisement:
    """Build the advertisement of an instance with this priority; 0 starts a handover."""
    two_forms = configuration.version == 3 and configuration.family == 4
    return Advertisement(
        version=configuration.version,
        virtual_router_id=configuration.virtual_router_id,
        priority=priority,
        advert_interval_centiseconds=round(configuration.advert_interval * 100),
        family=configuration.family,
        listed=_packed_addresses(configuration.virtual_addresses),
        checksum_form=configuration.checksum if two_forms else None,
        auth_type=_auth_type(configuration),
        auth_data=_auth_data(configuration),
    )


def validate(
    advertisement: Advertisement,
    *,
    source: Address,
    destination: Address,
    ttl: int | None,
    own_address: Address,
    configuration: InstanceConfiguration,
) -> DropReason | None:
    """Return why an instance must drop a decoded advertisement (RFC 9568 7.1); None to accept it.

    ``ttl`` is None if the transport does not show it (UDP). An address count of 0 is dropped (RFC
    9568 5.2.5), unless the instance has no virtual addresses itself.
    """
    reason = _validate_source(source, own_address) or _validate_path(
        source, destination, ttl, own_address, configuration
    )
    if reason is not None:
        return reason
    if advertisement.version != configuration.version:
        return DropReason.VERSION
    if advertisement.virtual_router_id != configuration.virtual_router_id:
        return DropReason.VIRTUAL_ROUTER_ID
    if not advertisement.listed and configuration.virtual_addresses:
        return DropReason.NO_ADDRESSES
    if advertisement.version == 2:
        return _validate_version_2(advertisement, configuration)
    return None


def lists_other_addresses(
    advertisement: Advertisement, configuration: InstanceConfiguration
) -> bool:
    """Return whether the address list of an advertisement differs from that of this instance.

    In version 3 this is reported, but the advertisement is not dropped (RFC 9568 7.1).
    """
    configured = _packed_addresses(configuration.virtual_addresses)
    if len(advertisement.listed) != len(configured) or advertisement.listed == configured:
        return advertisement.listed != configured
    return set(advertisement.addresses) != set(
        configured_addresses(configuration.virtual_addresses)
    )


@lru_cache(maxsize=256)
def _packed_addresses(virtual_addresses: tuple[str, ...]) -> bytes:
    return b"".join(address.packed for address in configured_addresses(virtual_addresses))


@lru_cache(maxsize=256)
def configured_addresses(virtual_addresses: tuple[str, ...]) -> tuple[Address, ...]:
    """Return the configured addresses without their prefix lengths."""
    return tuple(ip_interface(address).ip for address in virtual_addresses)


def _validate_path(
    source: Address,
    destination: Address,
    ttl: int | None,
    own_address: Address,
    configuration: InstanceConfiguration,
) -> DropReason | None:
    """Accept routers on the link (RFC 9568 5.1.1.3), or the configured peers."""
    transport = configuration.transport
    match transport:
        case Multicast():
            ttl_min, expected = TTL, destination == multicast_group(configuration)
        case Unicast():
            own = transport.source or str(own_address)
            ttl_min, expected = transport.ttl_min, str(destination) == own
        case UdpUnicast():
            ttl_min, expected = 0, True
    if not isinstance(transport, Multicast) and str(source) not in transport.peers:
        return DropReason.NOT_A_PEER
    if ttl is not None and ttl < ttl_min:
        from_peer = expected and isinstance(transport, Unicast)
        return DropReason.PEER_TTL if from_peer else DropReason.TTL
    return None if expected else DropReason.DESTINATION


def _validate_source(source: Address, own_address: Address) -> DropReason | None:
    """Require an address that another host may have: not 0.0.0.0/8, 224.0.0.0/3, ::, ff00::/8.

    The RFC does not require this. But a router with the source 0.0.0.0 would lose every tie, and a
    router with the source 255.255.255.255 would win every tie.
    """
    first = source.packed[0]
    is_host = 0 < first < 224 if source.version == 4 else int(source) != 0 and first != 0xFF
    if not is_host:
        return DropReason.SOURCE
    return DropReason.OWN_PACKET if source == own_address else None


def _validate_version_2(
    advertisement: Advertisement, configuration: InstanceConfiguration
) -> DropReason | None:
    """Require the same authentication, interval and address list (RFC 3768 7.1)."""
    if advertisement.auth_type != _auth_type(configuration):
        return DropReason.AUTH_TYPE
    if not hmac.compare_digest(advertisement.auth_data, _auth_data(configuration)):
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
