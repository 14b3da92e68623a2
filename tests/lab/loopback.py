"""A director, and a web server that it checks, on loopback: neither needs a privilege."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.status.report import Status
from vrrp.model.report import State

LATE_SECONDS = 0.03
"""Longer than the director waits for further lines of the log."""


class RunningDirector:
    """One ``hadirector run`` in its own process group, with its log in a file."""

    def __init__(self, directory: Path, configuration: str) -> None:
        self.directory = directory
        directory.mkdir()
        self.file = directory / "hadirector.yaml"
        self.file.write_text(configuration)
        self.log_file = directory / "log"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "hadirector", "run", "-c", str(self.file)],
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """The log so far. The director writes the lines of a few milliseconds together."""
        time.sleep(LATE_SECONDS)
        return self.log_file.read_text()

    def status(self) -> Status:
        answer = request(str(self.directory / "run" / "api.sock"), "GET", "/v1/status")
        return msgspec.json.decode(answer, type=Status)

    def pid(self, process: str) -> int | None:
        return next(each.pid for each in self.status().processes if each.name == process)

    def restarts(self, process: str) -> int:
        return next(each.restarts for each in self.status().processes if each.name == process)

    def answers(self) -> bool:
        """Return whether the API answers and the director has virtual servers."""
        with contextlib.suppress(ApiError):
            return bool(self.status().virtual_servers)
        return False

    def is_active(self) -> bool:
        with contextlib.suppress(ApiError):
            return any(each.state is State.ACTIVE for each in self.status().instances)
        return False

    def is_healthy(self) -> bool:
        """Return whether the vrrp process has reported and the one real server has weight 1."""
        with contextlib.suppress(ApiError):
            status = self.status()
            [server] = status.virtual_servers
            return bool(status.instances) and server.real_servers[0].actual_weight == 1
        return False

    def kill(self, process: str) -> int:
        pid = self.pid(process)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_itself(self) -> None:
        """Kill the director; its children end soon afterwards."""
        self.process.kill()
        self.process.wait()

    def start_again(self) -> None:
        """Start the director again, with the same file."""
        self.process = self._start()

    def end(self) -> None:
        """Kill the processes that are left in the process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def memory(pid: int, figure: str = "VmRSS") -> int:
    """Return a figure of a process in KiB: VmRSS, its memory now, or VmHWM, the highest ever."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(figure))


def free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class WebServer:
    """A web server on 127.0.0.1, on a free port unless another one is given."""

    def __init__(self, port: int = 0) -> None:
        self.port = port or free_ports(1)[0]
        arguments = ["--address", "127.0.0.1", "--port", str(self.port), "--name", "web"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hadirector.demo.web", *arguments], stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
