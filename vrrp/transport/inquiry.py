"""The UDP sockets of death certificates: one for questions, and one for answers.

The kernel of a host where no process has the port refuses a question with ICMP port unreachable.
IP_RECVERR delivers this error with the host that sent it and with the refused datagram (ip(7),
ipv6(7)). An error of another host, such as a firewall on the way, is no refusal. The number in the
refused datagram shows that its sender has seen the question.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Final

from vrrp.protocol.packet import TTL, Address

ANSWERS_PER_PERIOD: Final = 64
PERIOD_SECONDS: Final = 0.1
"""The limit of questions that are read: a flood of them must not delay advertisements. Later ones
wait in the receive queue, or are lost there."""

_DATAGRAM_BYTES: Final = 256
_RECEIVE_BUFFER_BYTES: Final = 1 << 15
_CONTROL_BYTES: Final = 512
# linux/in.h, linux/in6.h and linux/errqueue.h; absent from the socket module
_IP_PKTINFO: Final = 8
_IP_RECVERR: Final = 11
_IP_RECVTTL: Final = 12
_IPV6_RECVERR: Final = 25
_ERROR: Final = struct.Struct("=IBBBxII")
_FROM_ICMP, _FROM_ICMPV6 = 2, 3
# The type and the code of "port unreachable" (RFC 792, RFC 4443 3.1).
_PORT_UNREACHABLE: Final = {4: (_FROM_ICMP, 3, 3), 6: (_FROM_ICMPV6, 1, 4)}


class AnswerSocket:
    """Answers the questions that arrive on one interface, at any address of the host.

    ``answer`` gets a payload, its sender and its TTL, and returns the payload of the answer, or
    None. The port can be bound a second time by the same user (SO_REUSEPORT): a parent process can
    hold it for a process that it restarts. Questions go to this socket because it is bound to an
    interface. The constructor raises OSError.
    """

    def __init__(
        self,
        interface: str,
        family: int,
        port: int,
        answer: Callable[[bytes, Address, int], bytes | None],
    ) -> None:
        self._family = family
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        self._resume: asyncio.TimerHandle | None = None
        self._read_in_period = 0
        self._socket = _open(family, interface)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == 4:
                self._socket.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
                self._socket.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
            else:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
            self._socket.bind(("" if family == 4 else "::", port))
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Close the socket. From now on the kernel refuses questions."""
        if self._resume is not None:
            self._resume.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        """Answer one question. After `ANSWERS_PER_PERIOD`, wait for the next period."""
        self._read_in_period += 1
        if self._resume is None:
            self._resume = self._loop.call_later(PERIOD_SECONDS, self._begin_period)
        if self._read_in_period > ANSWERS_PER_PERIOD:
            self._loop.remove_reader(self._socket)
            return
        try:
            payload, control, _, sender = self._socket.recvmsg(_DATAGRAM_BYTES, _CONTROL_BYTES)
            fields = {kind: data for _, kind, data in control}
            answer = self._answer(payload, _address(sender), self._ttl(fields))
            if answer is not None:
                self._socket.sendmsg([answer], [self._from_asked_address(fields)], 0, sender)
        except OSError:
            return  # no datagram, or the answer cannot be sent: the asking host sees a silence

    def _begin_period(self) -> None:
        self._resume, self._read_in_period = None, 0
        self._loop.add_reader(self._socket, self._read)

    def _ttl(self, fields: dict[int, bytes]) -> int:
        # linux/in.h: the control message of IP_RECVTTL has the type IP_TTL
        kind = socket.IP_TTL if self._family == 4 else socket.IPV6_HOPLIMIT
        return int.from_bytes(fields[kind], sys.byteorder)

    def _from_asked_address(self, fields: dict[int, bytes]) -> tuple[int, int, bytes]:
        """Return the control message that makes the asked address the source of the answer."""
        if self._family == 6:
            return socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, fields[socket.IPV6_PKTINFO]
        index, _, asked = struct.unpack("=I4s4s", fields[_IP_PKTINFO])
        return socket.IPPROTO_IP, _IP_PKTINFO, struct.pack("=I4s4s", index, asked, bytes(4))


class QuestionSocket:
    """Asks one router from one address.

    ``hear`` gets the payload of an answer, or of a refused question with ``refused``. The
    constructor raises OSError.
    """

    def __init__(
        self,
        interface: str,
        source: Address,
        asked: Address,
        port: int,
        hear: Callable[[bytes, bool], None],
    ) -> None:
        self.source = source
        self.asked = asked
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        family = asked.version
        self._socket = _open(family, interface)
        try:
            if family == 4:
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, TTL)
                self._socket.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
            else:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, TTL)
                self._socket.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
            self._socket.bind(_target(source, 0, interface))
            self._socket.connect(_target(asked, port, interface))
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self._read)

    def send(self, payload: bytes) -> None:
        """Send a question. Raises OSError."""
        try:
            self._socket.send(payload)
        except ConnectionRefusedError:  # the error of an earlier question, which `_read` handles
            self._socket.send(payload)

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        try:
            payload, control, *_ = self._socket.recvmsg(
                _DATAGRAM_BYTES, _CONTROL_BYTES, socket.MSG_ERRQUEUE
            )
        except OSError:
            pass  # no error waits
        else:
            if is_refusal(control, self.asked):
                self._hear(payload, True)
            return
        try:
            payload = self._socket.recv(_DATAGRAM_BYTES)
        except OSError:
            return
        self._hear(payload, False)


def is_refusal(control: Iterable[tuple[int, int, bytes]], asked: Address) -> bool:
    """Return whether the asked host itself sent "port unreachable" (RFC 1122 4.1.3.1).

    ``control`` has the control messages of the error queue of a socket.
    """
    packed = asked.packed
    # After the error, a struct sockaddr_in or sockaddr_in6 names the host that sent it.
    start = _ERROR.size + (4 if asked.version == 4 else 8)
    for _, kind, data in control:
        if kind in (_IP_RECVERR, _IPV6_RECVERR) and len(data) >= start + len(packed):
            _, origin, icmp_type, code, _, _ = _ERROR.unpack_from(data)
            unreachable = (origin, icmp_type, code) == _PORT_UNREACHABLE[asked.version]
            return unreachable and data[start : start + len(packed)] == packed
    return False


def _open(family: int, interface: str) -> socket.socket:
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    opened = socket.socket(kind, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        device = interface.encode() + b"\0"
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    except OSError:
        opened.close()
        raise
    return opened


def _target(
    address: Address, port: int, interface: str
) -> tuple[str, int] | tuple[str, int, int, int]:
    if address.version == 4:
        return str(address), port
    scope = socket.if_nametoindex(interface) if address.is_link_local else 0
    return str(address), port, 0, scope


def _address(sender: tuple[str, int]) -> Address:
    return ip_address(sender[0].partition("%")[0])
