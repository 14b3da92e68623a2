"""One long-lived TCP connection that notices any loss.

``python -m tests.lab.tcp_connection serve PORT`` answers each line with the same line. ``... talk
ADDRESS PORT`` sends a number every 100 ms on a single connection and prints each number that comes
back. It ends with an error when an answer is missing, wrong, or a minute late.
"""

from __future__ import annotations

import socket
import socketserver
import subprocess
import sys
import time
from pathlib import Path

from hadirector.lab.topology import Host

PAUSE_SECONDS = 0.1
ANSWER_SECONDS = 60.0


class _Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def serve(port: int) -> None:
    """Answer until killed."""
    with _Server(("", port), _Echo) as server:
        print("ready", flush=True)
        server.serve_forever()


def talk(address: str, port: int) -> None:
    """Send and receive until killed. Raises OSError or ValueError when the connection is broken."""
    with socket.create_connection((address, port), ANSWER_SECONDS) as connection:
        answers = connection.makefile("r")
        number = 0
        while True:
            connection.sendall(f"{number}\n".encode())
            if (answer := answers.readline()) != f"{number}\n":
                raise ValueError(f"sent {number}, received {answer!r}")
            print(number, flush=True)
            number += 1
            time.sleep(PAUSE_SECONDS)


class Conversation:
    """A ``talk`` process in a host, with its log."""

    def __init__(self, client: Host, address: str, port: int, log: Path) -> None:
        self._log = log
        command = (sys.executable, "-m", __name__, "talk", address, str(port))
        with log.open("w") as output:
            self.process: subprocess.Popen[str] = client.start(*command, output=output)

    @property
    def exchanges(self) -> int:
        """The number of answers so far."""
        return self._log.read_text().count("\n")

    @property
    def alive(self) -> bool:
        """Whether the first connection still stands."""
        return self.process.poll() is None


def start_server(host: Host, port: int) -> subprocess.Popen[str]:
    """Start a ``serve`` process; return when it listens."""
    command = (sys.executable, "-m", __name__, "serve", str(port))
    process = host.start(*command, output=subprocess.PIPE)
    assert process.stdout is not None
    if (said := process.stdout.readline()) != "ready\n":
        raise RuntimeError(f"the server did not start: {said}{process.stdout.read()}")
    return process


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", port]:
            serve(int(port))
        case ["talk", address, port]:
            talk(address, int(port))
        case _:
            sys.exit(__doc__)
