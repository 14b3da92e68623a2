"""The API answers any request as its OpenAPI document says: ``python -m tests.soak.api_requests``.

schemathesis makes requests that follow the document, and requests that do not. A status 5xx, a
status, a header, a media type or a body that the document does not describe, and a wrong
acceptance or refusal end the run with 1. The director needs no privilege: its dataplane is dry-run.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from hadirector.api.routes import ROUTES
from tests.lab.loopback import RunningDirector
from tests.waiting import eventually

SETTINGS: Final = Path(__file__).with_name("schemathesis.toml")
LEFT_OUT: Final = ("restart",)
"""Operations that would end the director that the other requests need."""
PIECE_BYTES: Final = 64 * 1024


def configuration(directory: Path) -> str:
    return (
        f"director: {{name: lb1, dataplane: dry-run, runtime_directory: {directory}/run,"
        f" state_directory: {directory}/state}}\n"
        f"api: {{unix: {directory}/run/api.sock}}\n"
        "virtual_servers:\n"
        "  - {name: web, address: '192.0.2.10:80', scheduler: rr, forwarding: nat, check: none,"
        " real_servers: [{address: '10.0.0.1:80'}, {address: '10.0.0.2:80'}]}\n"
        "  - {name: mail, address: '192.0.2.10:25', scheduler: rr, forwarding: nat, check: none,"
        " real_servers: [{address: '10.0.0.2:25'}]}\n"
    )


@contextlib.contextmanager
def relayed(path: Path) -> Iterator[int]:
    """Forward TCP connections to a Unix socket, and yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, path), daemon=True).start()
        yield listener.getsockname()[1]


def _accept(listener: socket.socket, path: Path) -> None:
    with contextlib.suppress(OSError):  # the listener is closed at the end
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_relay, args=(client, path), daemon=True).start()


def _relay(client: socket.socket, path: Path) -> None:
    with client, socket.socket(socket.AF_UNIX) as server:
        server.connect(str(path))
        answering = threading.Thread(target=_forward, args=(server, client), daemon=True)
        answering.start()
        _forward(client, server)
        answering.join()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            target.sendall(piece)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def send_requests(
    directory: Path, *arguments: str, examples: int
) -> subprocess.CompletedProcess[str]:
    """Send this number of requests to each operation of a director in a new directory."""
    director = RunningDirector(directory, configuration(directory))
    try:
        eventually(director.answers, 30.0, "the API")
        with relayed(directory / "run/api.sock") as port:
            return subprocess.run(
                [
                    str(Path(sys.executable).with_name("schemathesis")),
                    *("--config-file", str(SETTINGS)),
                    *("run", f"http://127.0.0.1:{port}/openapi.json"),
                    *("--max-examples", str(examples)),
                    *(word for name in LEFT_OUT for word in ("--exclude-operation-id", name)),
                    *("--suppress-health-check", "all", "--generation-database", "none"),
                    *("--no-color", *arguments),
                ],
                cwd=directory,
                capture_output=True,
                text=True,
                check=False,
            )
    finally:
        director.end()


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Send any requests to the API.")
    parser.add_argument("--cases", type=int, default=10_000, help="the number of requests")
    parser.add_argument("--seed", default="1")
    arguments = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as directory:
        done = send_requests(
            Path(directory) / "lb1",
            *("--seed", arguments.seed, "--continue-on-failure"),
            examples=max(1, arguments.cases // len(ROUTES)),
        )
    print(done.stdout)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
