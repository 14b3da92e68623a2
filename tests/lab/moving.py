"""A move from keepalived to hadirector: the client that watches it, and the director."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, NamedTuple

from hadirector.lab.topology import Host
from tests.lab.experiment import VIRTUAL_ADDRESS
from tests.lab.keepalived_director import configuration_of
from tests.lab.operator_console import Console

CLIENT: Final = """
import socket, sys, time
while True:
    began = time.monotonic()
    try:
        with socket.create_connection((sys.argv[1], 80), 0.5) as connection:
            connection.settimeout(0.5)
            connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
            answered = connection.recv(12).startswith(b"HTTP/1.")
    except OSError:
        answered = False
    print(began, int(answered), flush=True)
    time.sleep(0.05)
"""


class Request(NamedTuple):
    """One request of the client, with the monotonic time of its beginning."""

    began: float
    answered: bool


class Client:
    """A client that requests a page all the time."""

    def __init__(self, host: Host, directory: Path) -> None:
        self._file = directory / "client"
        with self._file.open("w") as output:
            host.start(sys.executable, "-c", CLIENT, VIRTUAL_ADDRESS, output=output)

    def requests(self, since: float = 0.0) -> list[Request]:
        lines = self._file.read_text().rpartition("\n")[0].splitlines()
        found = [
            Request(float(began), answered == "1") for began, answered in map(str.split, lines)
        ]
        return [request for request in found if request.began >= since]

    def lost(self, since: float) -> list[float]:
        return [request.began for request in self.requests(since) if not request.answered]


def start_hadirector(host: Host, directory: Path, *options: str) -> Console:
    """Start a director with the file of the keepalived of a host, which names the instance."""
    log = directory / f"{host.name}.log"
    with log.open("w") as output:
        file = configuration_of(host, directory)
        program = (sys.executable, "-m", "hadirector", "run", "-c", str(file), *options)
        host.start(*program, output=output)
    return Console(Path(f"/run/hadirector-migration-{host.name}/api.sock"), log)


def plan(console: Console, host: Host, directory: Path) -> str:
    """Return the plan for the same file."""
    return console.command("plan", "-c", str(configuration_of(host, directory))).out
