"""The pair link of the chaos run: its configuration, and the faults that can befall it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from hadirector.cli import main
from hadirector.lab.topology import Host

PORT: Final = 9471
ADDRESSES: Final = {"one": "10.99.0.1", "two": "10.99.0.2"}
FILTER: Final = "add table ip link; add chain ip link in { type filter hook input priority 0; };"
STRANGERS: Final = 100
STRANGER: Final = """\
import socket, sys
for _ in range(int(sys.argv[3])):
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as client:
        client.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
"""


def make_identities(directory: Path) -> None:
    """Make the keys and certificates of both directors."""
    with (directory / "identities").open("w") as file, contextlib.redirect_stdout(file):
        for name in ADDRESSES:
            assert main(["pair", "init", "--name", name, "--directory", str(directory)]) == 0


def link_section(name: str, directory: Path) -> str:
    """Return the section of the configuration of the director with this name."""
    peers = "".join(
        f"    - {{name: {each}, address: '{address}:{PORT}', certificate: {directory}/{each}.pem}}"
        "\n"
        for each, address in ADDRESSES.items()
    )
    return (
        f"pair:\n  name: chaos\n  listen: {ADDRESSES[name]}:{PORT}\n"
        f"  certificate: {directory}/{name}.pem\n  key: {directory}/{name}.key\n  peers:\n{peers}"
    )


class LinkFaults:
    """What can befall the link of one director. ``pid`` returns the id of one of its processes."""

    def __init__(self, host: Host, chance: random.Random, pid: Callable[[str], int]) -> None:
        self._host = host
        self._random = chance
        self._pid = pid

    def all(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield each fault: its description, and a function that plays and undoes it."""
        yield "loses its pair link", self._filter
        yield "has a pair link in one direction", self._filter_answers
        yield "has a slow pair link", self._lose_some
        yield "loses its web process", lambda: os.kill(self._pid("web"), signal.SIGKILL)
        yield "has a frozen web process", self._freeze
        yield "has strangers at its pair link", self._send_strangers

    def _pause(self, seconds_max: float) -> None:
        time.sleep(self._random.uniform(0.0, seconds_max))

    def _filter(self) -> None:
        """Drop the packets of the link for longer than a peer needs to notice it, or shorter."""
        self._drop(f"tcp dport {PORT}", f"tcp sport {PORT}")

    def _filter_answers(self) -> None:
        self._drop(f"tcp sport {PORT}")

    def _drop(self, *packets: str) -> None:
        rules = "".join(f"add rule ip link in {each} drop;" for each in packets)
        self._host.run("nft", FILTER + rules)
        self._pause(14.0)
        self._host.run("nft", "delete", "table", "ip", "link")

    def _lose_some(self) -> None:
        """Lose packets of the link by chance, so that TCP sends them again."""
        self._drop(f"tcp dport {PORT} numgen random mod 100 < 40")

    def _freeze(self) -> None:
        pid = self._pid("web")
        os.kill(pid, signal.SIGSTOP)
        self._pause(4.0)
        with contextlib.suppress(ProcessLookupError):  # the director may have replaced it
            os.kill(pid, signal.SIGCONT)

    def _send_strangers(self) -> None:
        """Connect from an address that is not of a peer: its own one."""
        address = ADDRESSES[self._host.name]
        arguments = ("-c", STRANGER, address, str(PORT), str(STRANGERS))
        with contextlib.suppress(subprocess.CalledProcessError):
            self._host.run(sys.executable, *arguments, timeout=30.0)
