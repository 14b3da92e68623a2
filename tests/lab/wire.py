"""All frames on the link of a host's ``eth0``: receives every frame, and sends any frame."""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Self

from pyroute2 import netns

from hadirector.lab.topology import Host

GROUP_MAC = bytes.fromhex("01005e000012")
ARP, IPV4 = 0x0806, 0x0800

_ETH_P_ALL = 3  # linux/if_ether.h
_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; the socket module does not have it


@dataclass(frozen=True)
class Frame:
    """One Ethernet frame; ``at`` is when the kernel received it, in monotonic seconds."""

    at: float
    data: bytes

    @property
    def sender(self) -> bytes:
        """The source MAC address."""
        return self.data[6:12]

    @property
    def kind(self) -> int:
        """The EtherType."""
        return int.from_bytes(self.data[12:14])

    @property
    def payload(self) -> bytes:
        """The bytes after the Ethernet header."""
        return self.data[14:]

    @property
    def vrrp(self) -> bool:
        """Whether the frame carries protocol 112 over IPv4."""
        return self.kind == IPV4 and self.payload[9] == 112


class Wire:
    """A packet socket on a host that receives the frames of other hosts; a context manager."""

    def __init__(self, host: Host, interface: str = "eth0") -> None:
        netns.pushns(host.namespace)
        try:
            self._socket = socket.socket(
                socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)
            )
            self._socket.bind((interface, _ETH_P_ALL))
        finally:
            netns.popns()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setblocking(False)
        self._seen: list[Frame] = []
        self.mac = bytes(self._socket.getsockname()[4])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()

    def frames(self) -> list[Frame]:
        """Return all frames so far, without those of this host."""
        wall_minus_monotonic = time.clock_gettime(time.CLOCK_REALTIME) - time.monotonic()
        while True:
            try:
                data, control, _, origin = self._socket.recvmsg(2048, 64)
            except BlockingIOError:
                return list(self._seen)
            seconds, nanoseconds = struct.unpack("=qq", control[0][2][:16])
            if origin[2] != socket.PACKET_OUTGOING:
                at = seconds + nanoseconds / 1e9 - wall_minus_monotonic
                self._seen.append(Frame(at, data))

    def advertisements(self, source: str) -> list[Frame]:
        """Return the frames with a VRRP packet from one IPv4 source."""
        packed = IPv4Address(source).packed
        return [each for each in self.frames() if each.vrrp and each.payload[12:16] == packed]

    def arp(self, sender_address: str) -> list[Frame]:
        """Return the ARP frames with this sender address."""
        packed = IPv4Address(sender_address).packed
        return [
            each for each in self.frames() if each.kind == ARP and each.payload[14:18] == packed
        ]

    def send(self, to: bytes, kind: int, payload: bytes) -> None:
        """Send one frame."""
        self._socket.send(to + self.mac + struct.pack("!H", kind) + payload)

    def ask_for(self, address: str, own: str) -> None:
        """Broadcast an ARP request (RFC 826) for ``address`` from the address ``own``."""
        header = bytes.fromhex("0001080006040001")
        sender = self.mac + IPv4Address(own).packed
        self.send(b"\xff" * 6, ARP, header + sender + bytes(6) + IPv4Address(address).packed)

    def advertise(self, message: bytes, source: str, *, ttl: int = 255) -> None:
        """Send any message to the group as protocol 112."""
        addresses = IPv4Address(source).packed + IPv4Address("224.0.0.18").packed
        length = 20 + len(message)
        header = struct.pack("!BBHHHBBH", 0x45, 0xC0, length, 1, 0, ttl, 112, 0) + addresses
        total = sum(struct.unpack("!10H", header))
        checksum = 0xFFFF - (total % 0xFFFF)
        header = header[:10] + struct.pack("!H", checksum) + header[12:]
        self.send(GROUP_MAC, IPV4, header + message)
