"""A real etcd with one member, on loopback. It needs no privilege."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

from tests.lab.loopback import free_ports
from tests.waiting import eventually


class EtcdServer:
    """A running etcd. It keeps its port and its keys when it starts again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        client, peer = free_ports(2)
        self.url, self._peer_url = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        with (self.directory / "etcd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "etcd",
                    *("--data-dir", self.directory / "etcd"),
                    *("--listen-client-urls", self.url, "--advertise-client-urls", self.url),
                    *("--listen-peer-urls", self._peer_url),
                    *("--initial-advertise-peer-urls", self._peer_url),
                    *("--initial-cluster", f"default={self._peer_url}"),
                ],
                stderr=log,
            )
        eventually(self._is_healthy, 20.0, "etcd")

    def signal(self, number: signal.Signals) -> None:
        """Stop the server without its knowledge (SIGSTOP), or let it continue (SIGCONT)."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End the server at once."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _is_healthy(self) -> bool:
        with (
            contextlib.suppress(OSError, urllib.error.URLError),
            urllib.request.urlopen(f"{self.url}/health", timeout=1) as answer,
        ):
            return b'"true"' in answer.read()
        return False
