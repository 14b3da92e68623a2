"""Encodes and decodes VRRP messages: versions 2 (RFC 3768) and 3 (RFC 5798, RFC 9568).

Any bytes are decoded to a value, or raise a `PacketError` with one `DropReason`. A dropped packet
must not affect any timer (RFC 9568 7.1).
"""

from __future__ import annotations

import struct
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, Literal

import msgspec

from vrrp.protocol.checksum import ones_complement_sum, pseudo_header

Address = IPv4Address | IPv6Address
ChecksumForm = Literal["rfc5798", "rfc9568"]

PROTOCOL: Final = 112
TTL: Final = 255
TRAFFIC_CLASS: Final = 0xC0
"""Internetwork control, as in keepalived and FRR. In IPv4 the field is called TOS."""
OWNER_PRIORITY: Final = 255
MULTICAST_IPV4: Final = IPv4Address("224.0.0.18")
MULTICAST_IPV6: Final = IPv6Address("ff02::12")

_TYPE_ADVERTISEMENT: Final = 1
_MAXIMUM_INTERVAL: Final = 0x0FFF  # 12 bits of centiseconds
_HEADER: Final = struct.Struct("!BBBBHH")
_CHECKSUM_OFFSET: Final = 6
_IPV4_HEADER: Final = struct.Struct("!BBHHHBBH4s4s")
AUTH_DATA_BYTES: Final = 8
"""Length of the authentication data at the end of every version 2 message (RFC 3768 5.3.10)."""


class DropReason(StrEnum):
    """Why a packet was dropped. The values are the stable names of the ``dropped_...`` counters."""

    IP_TRUNCATED = "ip_truncated"
    IP_VERSION = "ip_version"
    IP_HEADER_LENGTH = "ip_header_length"
    IP_TOTAL_LENGTH = "ip_total_length"
    IP_PROTOCOL = "ip_protocol"
    TRUNCATED = "truncated"
    TRAILING_BYTES = "trailing_bytes"
    VERSION = "version"
    TYPE = "type"
    NO_ADDRESSES = "no_addresses"
    CHECKSUM = "checksum"
    ADVERT_INTERVAL_ZERO = "advert_interval_zero"
    SOURCE = "source"
    OWN_PACKET = "own_packet"
    NOT_A_PEER = "not_a_peer"
    TTL = "ttl"
    PEER_TTL = "peer_ttl"
    DESTINATION = "destination"
    VIRTUAL_ROUTER_ID = "virtual_router_id"
    AUTH_TYPE = "auth_type"
    AUTH_PASSWORD = "auth_password"  # noqa: S105  (the name of a reason)
    HMAC_MISSING = "hmac_missing"
    HMAC_MALFORMED = "hmac_malformed"
    HMAC_KEY = "hmac_key"
    HMAC_TAG = "hmac_tag"
    HMAC_STALE = "hmac_stale"
    HMAC_REPLAY = "hmac_replay"
    HMAC_UNEXPECTED = "hmac_unexpected"
    ADVERT_INTERVAL = "advert_interval"
    ADDRESS_LIST = "address_list"
    NOT_TAKING_PART = "not_taking_part"


class PacketError(ValueError):
    """The bytes are not a valid advertisement, for this ``reason``."""

    def __init__(self, reason: DropReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Datagram(msgspec.Struct, frozen=True):
    """A VRRP message with the fields of its IP header. ``ttl`` is the hop limit in IPv6."""

    source: Address
    destination: Address
    ttl: int
    payload: bytes


class Advertisement(msgspec.Struct, frozen=True, kw_only=True):
    """One advertisement (RFC 9568 5.2, RFC 3768 5.3).

    ``listed`` is the address list as bytes. A message may list 255 addresses, so they are
    decoded only when ``addresses`` is read. The list is empty if the sender has no virtual
    addresses.

    ``checksum_form`` is the form of the checksum in version 3 over IPv4, which has two. It is
    None for version 2 and for IPv6, which have only one form. ``auth_type`` and ``auth_data``
    are fields of version 2. For type 0 (no authentication), the data has no meaning and is
    decoded as zeros.
    """

    version: Literal[2, 3]
    virtual_router_id: int
    priority: int
    advert_interval_centiseconds: int
    family: Literal[4, 6]
    listed: bytes
    checksum_form: ChecksumForm | None
    auth_type: int = 0
    auth_data: bytes = bytes(AUTH_DATA_BYTES)

    def __repr__(self) -> str:
        """Show all fields except ``auth_data``, which may be a password."""
        addresses = " ".join(map(str, self.addresses))
        return (
            f"<Advertisement v{self.version} VRID {self.virtual_router_id} priority"
            f" {self.priority} every {self.advert_interval:g}s: {addresses}>"
        )

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show no ``auth_data`` in tracebacks that the library rich formats."""
        return []

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The advertised virtual addresses."""
        kind, size = (IPv4Address, 4) if self.family == 4 else (IPv6Address, 16)
        starts = range(0, len(self.listed), size)
        return tuple(kind(self.listed[start : start + size]) for start in starts)

    @property
    def advert_interval(self) -> float:
        """The advertised interval in seconds."""
        return self.advert_interval_centiseconds / 100


def parse_datagram(data: bytes) -> Datagram:
    """Decode the IPv4 datagram of a raw socket: header, options and payload (RFC 791 3.1).

    The kernel has already verified the header checksum and reassembled fragments. Bytes after the
    total length are padding of the link and are removed. Raises PacketError.
    """
    if len(data) < _IPV4_HEADER.size:
        raise PacketError(DropReason.IP_TRUNCATED)
    fields = _IPV4_HEADER.unpack_from(data)
    version_and_length, _, total_length, _, _, ttl, protocol, _, source, destination = fields
    header_length = (version_and_length & 0x0F) * 4
    if version_and_length >> 4 != 4:
        raise PacketError(DropReason.IP_VERSION)
    if header_length < _IPV4_HEADER.size:
        raise PacketError(DropReason.IP_HEADER_LENGTH)
    if total_length < header_length:
        raise PacketError(DropReason.IP_TOTAL_LENGTH)
    if total_length > len(data):
        raise PacketError(DropReason.IP_TRUNCATED)
    if protocol != PROTOCOL:
        raise PacketError(DropReason.IP_PROTOCOL)
    payload = bytes(data[header_length:total_length])
    return Datagram(IPv4Address(source), IPv4Address(destination), ttl, payload)


def encode(advertisement: Advertisement, source: Address, destination: Address) -> bytes:
    """Build the message. The addresses of the IP header are used for the pseudo-header only."""
    version_and_type = advertisement.version << 4 | _TYPE_ADVERTISEMENT
    count, rest = divmod(len(advertisement.listed), len(source.packed))
    assert count <= 255
    assert rest == 0
    assert source.version == advertisement.family, "mixed families"
    assert len(advertisement.auth_data) == AUTH_DATA_BYTES
    auth_data = advertisement.auth_data if advertisement.version == 2 else b""
    message = bytearray(
        _HEADER.pack(
            version_and_type,
            advertisement.virtual_router_id,
            advertisement.priority,
            count,
            _interval_field(advertisement),
            0,
        )
        + advertisement.listed
        + auth_data
    )
    covered = bytes(message)
    if advertisement.checksum_form == "rfc5798" or source.version == 6:
        covered = pseudo_header(source, destination, PROTOCOL, len(message)) + covered
    struct.pack_into("!H", message, _CHECKSUM_OFFSET, 0xFFFF - ones_complement_sum(covered))
    return bytes(message)


def with_trailer(message: bytes, trailer: bytes, source: Address, destination: Address) -> bytes:
    """Append an auth_hmac trailer to a message.

    In IPv6 the checksum covers the trailer. Many implementations let the kernel calculate and
    verify that checksum, which it does for the whole payload (RFC 3542 3.1).
    """
    if source.version == 4:
        return message + trailer
    payload = bytearray(message + trailer)
    struct.pack_into("!H", payload, _CHECKSUM_OFFSET, 0)
    covered = pseudo_header(source, destination, PROTOCOL, len(payload)) + bytes(payload)
    struct.pack_into("!H", payload, _CHECKSUM_OFFSET, 0xFFFF - ones_complement_sum(covered))
    return bytes(payload)


def message_length(payload: bytes, source: Address) -> int:
    """Return the length of the VRRP message at the start of a payload; 0 if there is none."""
    if len(payload) < _HEADER.size:
        return 0
    auth_data = AUTH_DATA_BYTES if payload[0] >> 4 == 2 else 0
    return _HEADER.size + payload[3] * len(source.packed) + auth_data


def decode(
    data: bytes, source: Address, destination: Address, trailer: bytes = b""
) -> Advertisement:
    """Decode a message, and do the checks that need no configuration (RFC 9568 7.1, RFC 3768 7.1).

    ``source`` and ``destination`` come from the IP header. The address list has the same
    family. For version 3 over IPv4 both checksum forms are accepted. ``trailer`` are the bytes
    that were removed from the end of the payload
    (`vrrp.protocol.authentication.split_trailer`). Raises PacketError.
    """
    if len(data) < _HEADER.size:
        raise PacketError(DropReason.TRUNCATED)
    version_and_type, virtual_router_id, priority, count, interval, _ = _HEADER.unpack_from(data)
    version = _version(version_and_type >> 4, source)
    if version_and_type & 0x0F != _TYPE_ADVERTISEMENT:
        raise PacketError(DropReason.TYPE)
    _check_length(data, source)
    covered = data + trailer if source.version == 6 else data
    checksum_form = _checksum_form(covered, version, source, destination)
    # Version 2: one byte for the authentication type, one byte for seconds. Version 3: four
    # reserved bits, which are ignored (RFC 9568 5.2.6), and twelve bits for centiseconds.
    centiseconds = (interval & 0xFF) * 100 if version == 2 else interval & _MAXIMUM_INTERVAL
    auth_type = interval >> 8 if version == 2 else 0
    if centiseconds == 0:  # RFC 9568 erratum 8301: every timer would be 0
        raise PacketError(DropReason.ADVERT_INTERVAL_ZERO)
    return Advertisement(
        version=version,
        virtual_router_id=virtual_router_id,
        priority=priority,
        advert_interval_centiseconds=centiseconds,
        family=6 if source.version == 6 else 4,
        listed=data[_HEADER.size : _HEADER.size + count * len(source.packed)],
        checksum_form=checksum_form,
        auth_type=auth_type,
        auth_data=data[-AUTH_DATA_BYTES:] if auth_type else bytes(AUTH_DATA_BYTES),
    )


def _interval_field(advertisement: Advertisement) -> int:
    centiseconds = advertisement.advert_interval_centiseconds
    if advertisement.version == 3:
        assert 1 <= centiseconds <= _MAXIMUM_INTERVAL
        return centiseconds
    seconds, remainder = divmod(centiseconds, 100)
    assert 1 <= seconds <= 255
    assert remainder == 0, "version 2 has whole seconds"
    return advertisement.auth_type << 8 | seconds


def _version(version: int, source: Address) -> Literal[2, 3]:
    if version == 3:
        return 3
    if version == 2 and source.version == 4:
        return 2
    raise PacketError(DropReason.VERSION)


def _check_length(data: bytes, source: Address) -> None:
    """Require the exact length, as keepalived and FRR do."""
    expected = message_length(data, source)
    if len(data) < expected:
        raise PacketError(DropReason.TRUNCATED)
    if len(data) > expected:
        raise PacketError(DropReason.TRAILING_BYTES)


def _checksum_form(
    data: bytes, version: int, source: Address, destination: Address
) -> ChecksumForm | None:
    """Return the form for which the checksum is correct. Raises PacketError if there is none.

    In IPv4, implementations of RFC 5798 include a pseudo-header; RFC 9568 5.2.8 excludes it. Both
    forms are in use.
    """
    plain = ones_complement_sum(data) == 0xFFFF
    if version == 2:
        if plain:
            return None
        raise PacketError(DropReason.CHECKSUM)
    with_pseudo_header = (
        ones_complement_sum(pseudo_header(source, destination, PROTOCOL, len(data)) + data)
        == 0xFFFF
    )
    if source.version == 6 and with_pseudo_header:
        return None
    if source.version == 4 and with_pseudo_header:
        return "rfc5798"
    if source.version == 4 and plain:
        return "rfc9568"
    raise PacketError(DropReason.CHECKSUM)
