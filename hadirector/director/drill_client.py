"""The client of a drill: it sends echo requests to virtual addresses, and counts the replies.

Echo requests (RFC 792, RFC 4443) reach the router that holds an address. A connection to a virtual
server would not: the IPVS table of this director also has the service while it is BACKUP, and would
forward the connection itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import secrets
import socket
import struct
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from time import monotonic
from typing import Final

from hadirector.pair.drill import Measurement, Probes, measure
from vrrp.model.configuration import InstanceConfiguration
from vrrp.protocol.checksum import ones_complement_sum

INTERVAL_SECONDS: Final = 0.02
LATE_SECONDS: Final = 1.0
"""A reply that takes longer is lost."""
ADDRESSES_MAX: Final = 8
"""Addresses that get probes. Further addresses get none."""
_HEADER: Final = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence number
_REQUESTS: Final[dict[int, int]] = {socket.AF_INET: 8, socket.AF_INET6: 128}
_REPLIES: Final[dict[int, int]] = {socket.AF_INET: 0, socket.AF_INET6: 129}
_NUMBERS: Final = 1 << 16
_PACKET_BYTES: Final = 2048


class DrillClient:
    """Sends probes to these addresses during the context `probing`.

    ``addresses`` has the interfaces of each address. A link-local address is probed through the
    first of them that can send.
    """

    def __init__(self, addresses: Mapping[str, tuple[str, ...]]) -> None:
        self._devices = dict([*addresses.items()][:ADDRESSES_MAX])
        self._probes = {address: Probes() for address in self._devices}
        self._identifier = secrets.randbelow(_NUMBERS)
        self._sockets: dict[int, socket.socket] = {}

    @property
    def measurement(self) -> Measurement:
        """The result so far."""
        return measure(self._probes.values())

    @contextlib.asynccontextmanager
    async def probing(self) -> AsyncIterator[None]:
        """Send probes during the context, and wait for late replies at its end.

        Raises OSError if this process may not open the sockets (CAP_NET_RAW).
        """
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as stack:
            for family in {_family(address) for address in self._probes}:
                protocol = (
                    socket.IPPROTO_ICMP if family == socket.AF_INET else socket.IPPROTO_ICMPV6
                )
                opened = stack.enter_context(socket.socket(family, socket.SOCK_RAW, protocol))
                opened.setblocking(False)
                self._sockets[family] = opened
                loop.add_reader(opened, self._receive, family, opened)
                stack.callback(loop.remove_reader, opened)
            sending = asyncio.create_task(self._send(), name="probes of a drill")
            try:
                yield
            finally:
                sending.cancel()
            await asyncio.sleep(LATE_SECONDS)

    async def _send(self) -> None:
        while True:
            for address, probes in self._probes.items():
                family = _family(address)
                number = probes.send(monotonic())
                packet = _encode(family, self._identifier, number % _NUMBERS)
                # A request that cannot be sent gets no reply, so it is lost.
                for device in self._devices[address]:
                    with contextlib.suppress(OSError):
                        self._sockets[family].sendto(packet, destination(address, device))
                        break
            await asyncio.sleep(INTERVAL_SECONDS)

    def _receive(self, family: int, opened: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for _ in range(len(self._probes)):
                packet, sender = opened.recvfrom(_PACKET_BYTES)
                for address, number in self._decode(family, packet, sender[0]):
                    self._probes[address].answer(number)

    def _decode(self, family: int, packet: bytes, sender: str) -> Iterator[tuple[str, int]]:
        """Yield the address and the number of the probe that a packet answers."""
        message = packet[(packet[0] & 0xF) * 4 :] if family == socket.AF_INET else packet
        if len(message) < _HEADER.size or sender not in self._probes:
            return
        kind, _, _, identifier, sequence = _HEADER.unpack_from(message)
        if kind == _REPLIES[family] and identifier == self._identifier:
            turns = max(0, len(self._probes[sender].sent) - 1 - sequence) // _NUMBERS
            yield sender, turns * _NUMBERS + sequence


def held_addresses(
    instances: Mapping[str, InstanceConfiguration], names: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Return the addresses of these instances with their interfaces.

    A macvlan is down while a peer holds its addresses. Then the interface of the instance leads to
    the peer. A reload may have removed an instance since the start of the drill.
    """
    return {
        address.partition("/")[0]: _devices(instances[name], address)
        for name in names
        if name in instances
        for address in instances[name].held_addresses
    }


def destination(address: str, device: str) -> tuple[str, int] | tuple[str, int, int, int]:
    """Return the socket address for probes. A link-local address needs its interface as the scope.

    See ipv6(7), sin6_scope_id. Raises OSError if there is no such interface.
    """
    parsed = ipaddress.ip_address(address)
    if parsed.version == 6 and parsed.is_link_local:
        return address, 0, 0, socket.if_nametoindex(device)
    return address, 0


def _devices(instance: InstanceConfiguration, address: str) -> tuple[str, ...]:
    for placement in instance.placements:
        if placement.address == address and placement.device is not None:
            return (placement.device,)
    return tuple(dict.fromkeys((instance.device, instance.interface)))


def _family(address: str) -> int:
    return socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET


def _encode(family: int, identifier: int, sequence: int) -> bytes:
    """Return an echo request. The kernel sets the checksum of IPv6 (RFC 3542 section 3.1)."""
    kind = _REQUESTS[family]
    if family == socket.AF_INET6:
        return _HEADER.pack(kind, 0, 0, identifier, sequence)
    checksum = 0xFFFF - ones_complement_sum(_HEADER.pack(kind, 0, 0, identifier, sequence))
    return _HEADER.pack(kind, 0, checksum, identifier, sequence)
