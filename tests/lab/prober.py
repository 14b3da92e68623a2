"""Sends one echo request per millisecond to an address, and measures how long no host answered.

``python -m tests.lab.prober ADDRESS`` prints ``ready``, sends until SIGTERM, and prints one JSON
line. Kernels answer ICMP echo requests without a process. Therefore the prober measures which host
has the address and whether the neighbors know it, and not the speed of a server. It needs root, for
a raw socket and for real-time scheduling: a prober that waits for a processor measures the
processor.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Container, Sequence

INTERVAL = 0.001
OWN_GAP = 0.002
"""Seconds between two requests. A longer gap was caused by the prober itself and does not count."""
PATIENCE = 0.3
"""Seconds to wait for the answers to the last requests."""

_ECHO_REPLY, _ECHO_REQUEST = 0, 8  # RFC 792
_PRIORITY = 20


def lost_seconds(sent_at: Sequence[float], answered: Container[int]) -> float:
    """Return the seconds covered by unanswered requests. Each request covers the time to the next
    one.

    A request that is followed by a gap of the prober itself covers `INTERVAL`.
    """
    lost = 0.0
    for number, began in enumerate(sent_at):
        if number in answered:
            continue
        until = sent_at[number + 1] if number + 1 < len(sent_at) else began + INTERVAL
        lost += until - began if until - began <= OWN_GAP else INTERVAL
    return lost


def echo_request(identifier: int, number: int) -> bytes:
    """Return the ICMP message (RFC 792). Its data contain ``number``."""
    sequence = number & 0xFFFF
    data = struct.pack("!Q", number)
    header = struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, identifier, sequence)
    total = sum(struct.unpack("!8H", header + data))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return struct.pack("!BBHHH", _ECHO_REQUEST, 0, checksum, identifier, sequence) + data


def answered_number(packet: bytes, identifier: int) -> int | None:
    """Return the number of the request that an IPv4 packet answers, or None for another packet."""
    start = (packet[0] & 0x0F) * 4
    if len(packet) < start + 16:
        return None
    kind, _, _, theirs, _, number = struct.unpack_from("!BBHHHQ", packet, start)
    return int(number) if kind == _ECHO_REPLY and theirs == identifier else None


class Prober:
    """Sends requests until `stop`, and remembers which were answered."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(
            socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP
        )
        self._socket.connect((address, 0))
        self._identifier = os.getpid() & 0xFFFF
        self._sent_at: list[float] = []
        self._answered: set[int] = set()
        self._stopped = False

    def stop(self) -> None:
        """Send no more requests; ``run`` returns."""
        self._stopped = True

    def run(self) -> dict[str, float]:
        """Send until `stop`; return the counts and the time without an answer in ms."""
        due = time.monotonic()
        while not self._stopped:
            self._send()
            self._receive()
            due = max(due + INTERVAL, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))
        time.sleep(PATIENCE)
        self._receive()
        return {
            "sent": len(self._sent_at),
            "lost": len(self._sent_at) - len(self._answered),
            "lost_ms": round(lost_seconds(self._sent_at, self._answered) * 1000, 2),
        }

    def _send(self) -> None:
        number = len(self._sent_at)
        self._sent_at.append(time.monotonic())
        try:
            self._socket.send(echo_request(self._identifier, number))
        except OSError:
            return  # the request counts as sent and unanswered

    def _receive(self) -> None:
        while True:
            try:
                number = answered_number(self._socket.recv(2048), self._identifier)
            except OSError:
                return
            if number is not None:
                self._answered.add(number)


def main() -> None:
    """Probe the address in the first argument until SIGTERM."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    prober = Prober(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: prober.stop())
    print("ready", flush=True)
    print(json.dumps(prober.run()), flush=True)


if __name__ == "__main__":
    main()
