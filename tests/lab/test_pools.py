"""What becomes of a pool on loopback whose real servers come and go, with the userspace dataplane.

A real server is a listening socket: the kernel accepts for it, so that it passes tcp checks.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError, request
from hadirector.lab.experiment import eventually
from hadirector.status import Status, VirtualServerStatus

pytestmark = pytest.mark.timeout(60)

PATIENCE_SECONDS = 15.0
CONFIGURATION = """\
director:
  name: lb1
  dataplane: userspace
  runtime_directory: {directory}/run
  check: {{type: tcp, interval: 100ms, timeout: 100ms, rise: 1, fall: 1}}
virtual_servers:
  - name: web
    address: 127.0.14.100:18280
    scheduler: wrr
    {pool}
    real_servers:
      - {{address: 127.0.14.1, weight: 3}}
      - {{address: 127.0.14.2, weight: 2}}
      - {{address: 127.0.14.3, weight: 5, backup_tier: 1}}
"""
PORT = 18280


class Site:
    """A director, and whatever servers listen."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._listening: dict[int, socket.socket] = {}

    def write(self, pool: str) -> None:
        """Write the file, with one more line for the pool."""
        text = CONFIGURATION.format(directory=self._directory, pool=pool)
        (self._directory / "hadirector.yaml").write_text(text)

    def start(self) -> None:
        with (self._directory / "log").open("a") as log:
            self._process = subprocess.Popen(
                [*HADIRECTOR, "run", "-c", str(self._directory / "hadirector.yaml")], stderr=log
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20.0)

    def close(self) -> None:
        self.stop()
        self.fail(*self._listening)

    def serve(self, *numbers: int) -> None:
        for number in numbers:
            self._listening[number] = socket.create_server((f"127.0.14.{number}", PORT))

    def fail(self, *numbers: int) -> None:
        for number in numbers:
            self._listening.pop(number).close()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of this director's."""
        command = [*HADIRECTOR, *arguments, "--socket", self.api]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    @property
    def api(self) -> str:
        return f"{self._directory}/run/api.sock"

    def pool(self) -> VirtualServerStatus:
        answer = request(self.api, "GET", "/v1/status")
        return msgspec.json.decode(answer, type=Status).virtual_servers[0]

    def weights(self) -> list[int | None]:
        """What the dataplane has: the real servers in order, then the sorry server if any."""
        pool = self.pool()
        sorry = () if pool.sorry_server is None else (pool.sorry_server,)
        return [each.actual_weight for each in (*pool.real_servers, *sorry)]

    def expect(self, *weights: int | None) -> None:
        """Wait until the dataplane has these weights."""

        def come() -> bool:
            with suppress(ApiError):
                return self.weights() == list(weights)
            return False

        assert eventually(come, PATIENCE_SECONDS, pause=0.02), self.weights()


HADIRECTOR = [sys.executable, "-m", "hadirector"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def test_a_pool_falls_back_tier_by_tier_and_then_to_the_sorry_server(site: Site) -> None:
    """And comes back the same way; `status` says why at every step."""
    site.write("quorum: 2\n    sorry_server: {address: 127.0.14.9, check: {type: tcp}}")
    site.serve(1, 2, 3, 9)
    site.start()
    site.expect(3, 2, 0, None)
    assert site.pool().real_servers[2].decided == "stands by in backup tier 1"
    site.fail(1)
    site.expect(None, 2, 0, None)
    site.fail(2)
    site.expect(None, None, 5, None)
    site.fail(3)
    site.expect(None, None, None, 1)
    assert site.pool().quorum == "quorum lost: 0 passing, of 2 needed"
    assert "sorry server: no quorum" in site.command("status").stdout
    site.serve(3)
    site.expect(None, None, 5, None)
    site.serve(1)
    site.expect(3, None, 0, None)
