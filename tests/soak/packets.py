"""Mutated datagrams to an instance, of every kind.

They go the whole way, from the bytes of a raw socket to the state machine of the virtual router.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from vrrp.instance.messaging import Messaging
from vrrp.instance.sequence import SequenceNumbers
from vrrp.model.configuration import (
    Authentication,
    HmacAuthentication,
    HmacKey,
    InstanceConfiguration,
    PassAuthentication,
    Secret,
)
from vrrp.model.report import State
from vrrp.protocol.authentication import TRAILER_BYTES, sign
from vrrp.protocol.checksum import ones_complement_sum, pseudo_header
from vrrp.protocol.packet import (
    MULTICAST_IPV4,
    MULTICAST_IPV6,
    PROTOCOL,
    Address,
    Datagram,
    DropReason,
    PacketError,
    parse_datagram,
)
from vrrp.router.event import AdvertisementReceived, Startup, TimerExpired
from vrrp.router.machine import Router

OURS, OURS_6 = IPv4Address("10.99.0.2"), IPv6Address("fe80::2")
THEIRS, THEIRS_6 = IPv4Address("10.99.0.1"), IPv6Address("fe80::ff:fe00:1")
KEY = Secret(bytes(range(32)))
SENT_NS = 0x6B037CA9 * 1_000_000_000
PRIORITIES = (0, 1, 100, 150, 254, 255)

# As keepalived 2.2.7 and 2.4.3 send them (priority 150). Key 7 is 00 01 .. 1f.
IP_HEADER = bytes.fromhex("45c0002000010000ff70d0360a630001e0000012")
IP_HEADER_WITH_OPTION = bytes.fromhex("46c0002400010000ff70d0360a630001e000001294040000")
V2 = bytes.fromhex("213396010001 3e03 0a630064 0000000000000000")
V2_PASS = bytes.fromhex("213396010101 cfb6 0a630064 7333637265743132")
V3 = bytes.fromhex("313396010064 42ad 0a630064")
V3_OF_RFC_9568 = bytes.fromhex("313396010064 2da0 0a630064")
V3_WITHOUT_ADDRESSES = bytes.fromhex("313396000064 4d79")
V6 = bytes.fromhex(
    "313396020064 0bcb fe800000000000000000000000990100 20010db8009900000000000000000100"
)
TRAILER = bytes.fromhex("010700006b037ca9fdc500003eb7efec218cfad37c64fb05e5659602")
PASS = PassAuthentication(Secret(b"s3cret12"))
HMAC = HmacAuthentication(mode="enforce", send_key=7, keys=(HmacKey(7, KEY),), window=5.0)
# Accepted, but reported.
REMARKS = ("address_list_differs", "advert_interval_differs", "checksum_form_differs")

_CHECKSUM = slice(6, 8)


class Packets:
    """A BACKUP that receives the datagrams; its timers run."""

    def __init__(
        self,
        name: str,
        messages: Sequence[bytes],
        *,
        version: Literal[2, 3] = 3,
        authentication: Authentication | None = None,
    ) -> None:
        six = V6 in messages
        self.name = name
        self._source: Address = THEIRS_6 if six else THEIRS
        self._group: Address = MULTICAST_IPV6 if six else MULTICAST_IPV4
        self._own: Address = OURS_6 if six else OURS
        self._hmac = authentication is HMAC
        addresses = ("fe80::99:100/128", "2001:db8:99::100/128") if six else ("10.99.0.100/32",)
        configuration = InstanceConfiguration(
            name="web",
            interface="eth0",
            virtual_router_id=51,
            virtual_addresses=addresses,
            version=version,
            authentication=authentication,
        )
        numbers = SequenceNumbers(lambda: SENT_NS, lambda: 0, lambda: SENT_NS)
        self._messaging = Messaging(configuration, numbers, self._note_problem)
        self._router = Router(configuration, self._own)
        self._router.handle(Startup(), 0.0)
        self._now = 0.0
        self._dropped = ""
        trailer = TRAILER if self._hmac else b""
        self.samples = [
            self.mend(header + message[:2] + bytes((priority,)) + message[3:] + trailer)
            for message in messages
            for priority in PRIORITIES
            for header in ([b""] if six else [IP_HEADER, IP_HEADER_WITH_OPTION])
        ]

    def take(self, data: bytes) -> str:
        """Receive a datagram; return a word for the result."""
        try:
            datagram = (
                Datagram(self._source, self._group, 255, data)
                if self._source.version == 6
                else parse_datagram(data)
            )
        except PacketError as error:
            return str(DropReason(error.reason))
        self._dropped = ""
        advertisement, dropped, _ = self._messaging.receive(datagram, self._own)
        if advertisement is None or dropped is not None:
            assert self._dropped == f"dropped_{dropped}"
            return str(dropped)
        assert not self._dropped
        self._now += 0.01
        self._router.handle(AdvertisementReceived(advertisement, datagram.source), self._now)
        assert self._router.deadline is not None
        if self._router.deadline <= self._now:
            self._router.handle(TimerExpired(), self._now)
        assert self._router.state in (State.BACKUP, State.ACTIVE)
        return "accepted"

    def mend(self, data: bytes) -> bytes:
        """Repair what would end the reading early: IP's lengths, the trailer, the checksum."""
        begin = 0 if self._source.version == 6 or not data else (data[0] & 0x0F) * 4
        header, payload = bytearray(data[:begin]), data[begin:]
        if len(header) >= 4:
            header[2:4] = (len(data) & 0xFFFF).to_bytes(2)
        if len(payload) < 8 or len(payload) % 2:
            return bytes(header) + payload
        message, trailer = payload, b""
        if self._hmac and len(payload) >= 8 + TRAILER_BYTES:
            message, trailer = payload[:-TRAILER_BYTES], payload[-TRAILER_BYTES:]
            trailer = sign(message, self._source, trailer[1], KEY, int.from_bytes(trailer[4:12]))
        return bytes(header) + self._with_checksum(message, trailer)

    def _with_checksum(self, message: bytes, trailer: bytes) -> bytes:
        mended = bytearray(message)
        mended[_CHECKSUM] = bytes(2)
        covered = bytes(mended) + (trailer if self._source.version == 6 else b"")
        if message[0] >> 4 == 3:
            length = len(covered)
            covered = pseudo_header(self._source, self._group, PROTOCOL, length) + covered
        mended[_CHECKSUM] = (0xFFFF - ones_complement_sum(covered)).to_bytes(2)
        return bytes(mended) + trailer

    def _note_problem(self, event: str, counter: str, **fields: object) -> None:
        if event in REMARKS:
            return
        assert event in ("advertisement_dropped", "authentication_failed"), (event, fields)
        self._dropped = counter


def every_kind() -> list[Packets]:
    """Return one instance for each kind of message."""
    return [
        Packets("version 2", [V2, V2_PASS], version=2),
        Packets("version 2 with a password", [V2_PASS, V2], version=2, authentication=PASS),
        Packets("version 3", [V3, V3_OF_RFC_9568, V3_WITHOUT_ADDRESSES]),
        Packets("version 3 over IPv6", [V6]),
        Packets("version 2 with auth_hmac", [V2], version=2, authentication=HMAC),
        Packets("version 3 with auth_hmac", [V3], authentication=HMAC),
        Packets("version 3 over IPv6 with auth_hmac", [V6], authentication=HMAC),
    ]
