"""VRRP routers on lab hosts: ``python -m vrrp``, keepalived, and a listener for advertisements."""

from __future__ import annotations

import json
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any, Literal

from pyroute2 import netns

from hadirector.lab.topology import Host
from tests.waiting import eventually
from vrrp.protocol.packet import (
    MULTICAST_IPV4,
    MULTICAST_IPV6,
    PROTOCOL,
    Address,
    PacketError,
    decode,
    parse_datagram,
)

VIRTUAL_ADDRESS = "10.99.0.100"
VIRTUAL_ROUTER_ID = 51

_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; the socket module does not have it


def wait_for_holder(
    hosts: Sequence[Host],
    holder: Host,
    addresses: Sequence[str] = (VIRTUAL_ADDRESS,),
    seconds: float = 10.0,
) -> float:
    """Wait until one of the hosts alone holds the addresses; return the time of that moment."""

    def holders() -> dict[str, list[str]]:
        return {
            address: [host.name for host in hosts if host.holds(address)] for address in addresses
        }

    only = {address: [holder.name] for address in addresses}
    return eventually(holders, seconds, "the holders of each address", expected=only)


class VrrpRouter:
    """``python -m vrrp`` on a host, and its reports. ``wrapper`` is a command that runs it."""

    def __init__(
        self,
        host: Host,
        directory: Path,
        *options: str,
        priority: int = 100,
        version: int = 3,
        advert_interval: float = 0.1,
        addresses: Sequence[str] = (f"{VIRTUAL_ADDRESS}/32",),
        wrapper: Sequence[str] = (),
    ) -> None:
        self.host = host
        self.addresses = addresses
        self._log = directory / f"{host.namespace}.{time.monotonic_ns()}.log"
        with self._log.open("w") as output:
            self.process = host.start(
                *wrapper,
                *(sys.executable, "-m", "vrrp", "--interface", "eth0"),
                *("--virtual-router-id", str(VIRTUAL_ROUTER_ID)),
                *("--priority", str(priority)),
                *(word for address in addresses for word in ("--address", address)),
                *("--version", str(version), "--advert-interval", str(advert_interval)),
                *options,
                output=output,
            )

    def reports(self) -> list[dict[str, Any]]:
        """Return all reports so far; ``at`` is in monotonic seconds."""
        complete = self._log.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in complete.splitlines() if line]

    def became(self, state: str) -> list[dict[str, Any]]:
        """Return the transitions to a state."""
        return [each for each in self.reports() if each.get("state") == state and "reason" in each]

    def entered(self, state: str) -> int:
        """Return the number of transitions to a state."""
        return len(self.became(state))

    def wait_for(self, state: str, timeout: float = 10.0) -> dict[str, Any]:
        """Wait until the last transition is to this state; return that transition."""

        def last_state() -> str:
            transitions = [each for each in self.reports() if each["type"] == "transition"]
            return transitions[-1]["state"] if transitions else "no transition"

        eventually(last_state, timeout, f"the state of {self.host.name}", expected=state)
        return self.became(state)[-1]

    def status(self) -> dict[str, Any]:
        """Request a status and return it."""

        def statuses() -> list[dict[str, Any]]:
            return [each for each in self.reports() if each["type"] == "status"]

        before = len(statuses())
        self.process.send_signal(signal.SIGUSR2)
        eventually(lambda: len(statuses()) > before, 5.0, "a status")
        return statuses()[-1]

    def hand_over(self) -> None:
        """Order a handover. The router runs on as BACKUP."""
        self.process.send_signal(signal.SIGUSR1)

    def stop(self) -> None:
        """Stop it with SIGTERM; it must end with status 0."""
        assert self.host.stop(self.process) == 0, self._log.read_text()

    def crash(self) -> None:
        """Kill it with SIGKILL; its host runs on."""
        self.host.kill_processes()


class Keepalived:
    """A real keepalived (VRRP only) on a host.

    ``extra`` is added to its instance, ``heading`` comes before the instance.
    """

    def __init__(
        self,
        host: Host,
        directory: Path,
        *,
        priority: int,
        version: int = 3,
        advert_interval: float = 0.1,
        extra: str = "",
        heading: str = "",
        addresses: Sequence[str] = (f"{VIRTUAL_ADDRESS}/32",),
    ) -> None:
        self.host = host
        listed = "\n        ".join(f"{address} dev eth0" for address in addresses)
        base = directory / host.namespace
        configuration = base.with_suffix(".conf")
        configuration.write_text(
            f"""{heading}
vrrp_instance test {{
    state BACKUP
    interface eth0
    virtual_router_id {VIRTUAL_ROUTER_ID}
    version {version}
    priority {priority}
    advert_int {advert_interval:g}
    {extra}
    virtual_ipaddress {{
        {listed}
    }}
}}
"""
        )
        self.log = base.with_suffix(".log")
        with self.log.open("w") as output:
            self.process: subprocess.Popen[str] = host.start(
                *("keepalived", "-n", "-l", "-D", "-P", "-f", str(configuration)),
                *("-p", f"{base}.pid", "-r", f"{base}.vrrp.pid"),
                output=output,
            )

    def entered(self, state: Literal["BACKUP", "ACTIVE"]) -> int:
        """Return the number of transitions to a state."""
        word = "MASTER" if state == "ACTIVE" else state
        return self.log.read_text().count(f"Entering {word} STATE")

    def wait_for_backup(self) -> None:
        """Wait until it is BACKUP."""
        eventually(lambda: self.entered("BACKUP") > 0, 10.0, "keepalived is BACKUP")

    def stop(self) -> None:
        """Stop it with SIGTERM."""
        self.host.stop(self.process)

    def crash(self) -> None:
        """Kill its processes with SIGKILL; its host runs on."""
        self.host.kill_processes()


@dataclass(frozen=True)
class Heard:
    """One received advertisement; ``at`` is when the kernel received it, in monotonic seconds."""

    at: float
    source: str
    priority: int
    advert_interval: float


class Listener:
    """Receives all advertisements on a host's link; the kernel keeps up to 200 of them.

    With ``family`` 6 those over IPv6. Close it, or use it as a context manager.
    """

    def __init__(self, host: Host, family: Literal[4, 6] = 4) -> None:
        self._family = family
        netns.pushns(host.namespace)
        try:
            version = socket.AF_INET if family == 4 else socket.AF_INET6
            self._socket = socket.socket(version, socket.SOCK_RAW, PROTOCOL)
            self._index = socket.if_nametoindex("eth0")
        finally:
            netns.popns()
        if family == 4:
            group = struct.pack("=4s4si", MULTICAST_IPV4.packed, bytes(4), self._index)
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        else:
            group = struct.pack("=16si", MULTICAST_IPV6.packed, self._index)
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setblocking(False)
        self._heard: list[Heard] = []

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()

    def heard(self) -> list[Heard]:
        """Return all well-formed advertisements so far."""
        wall_minus_monotonic = time.clock_gettime(time.CLOCK_REALTIME) - time.monotonic()
        while True:
            try:
                packet, control, _, sender = self._socket.recvmsg(2048, 64)
            except BlockingIOError:
                return list(self._heard)
            seconds, nanoseconds = struct.unpack("=qq", control[0][2][:16])
            at = seconds + nanoseconds / 1e9 - wall_minus_monotonic
            try:
                source, payload, group = self._taken_apart(packet, str(sender[0]))
                read = decode(payload, source, group)
            except PacketError:
                continue
            self._heard.append(Heard(at, str(source), read.priority, read.advert_interval))

    def _taken_apart(self, packet: bytes, sender: str) -> tuple[Address, bytes, Address]:
        """Return source, message and group. A raw socket delivers the IPv4 header, but not the IPv6
        header.
        """
        if self._family == 6:
            return IPv6Address(sender.partition("%")[0]), packet, MULTICAST_IPV6
        datagram = parse_datagram(packet)
        return datagram.source, datagram.payload, datagram.destination

    def send(self, payload: bytes, hop_limit: int = 255) -> None:
        """Send a message of protocol 112 to the group."""
        if self._family == 6:
            ip = socket.IPPROTO_IPV6
            self._socket.setsockopt(ip, socket.IPV6_MULTICAST_IF, self._index)
            self._socket.setsockopt(ip, socket.IPV6_MULTICAST_HOPS, hop_limit)
            self._socket.sendto(payload, (str(MULTICAST_IPV6), 0, 0, self._index))
            return
        ip = socket.IPPROTO_IP
        outgoing = struct.pack("=4s4si", bytes(4), bytes(4), self._index)
        self._socket.setsockopt(ip, socket.IP_MULTICAST_IF, outgoing)
        self._socket.setsockopt(ip, socket.IP_MULTICAST_TTL, hop_limit)
        self._socket.sendto(payload, (str(MULTICAST_IPV4), 0))
