"""One director of the chaos run, and the faults and orders that can befall it."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.lab.topology import Host
from hadirector.status.report import Status
from tests.lab.experiment import start_director
from tests.soak.chaos_link import LinkFaults, link_section
from tests.waiting import eventually
from vrrp.model.report import State

ADDRESS: Final = "10.99.0.100"
WEB_ADDRESSES: Final = ("10.99.0.11", "10.99.0.12")
START_SECONDS_MAX: Final = 30.0
STARVED_SHARE: Final = 0.1
GREEDY_CLIENTS: Final = 60
DISK_MEGABYTES: Final = 4
REFUSED: Final = 2
"""The exit status of a director that refuses to start."""
CONFIGURATION = """\
director: {{name: {name}, dataplane: userspace, realtime: true,
  runtime_directory: {disk}/run, state_directory: {disk}/state}}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    priority: {priority}
    advert_interval: 200ms
    virtual_addresses: [{address}]
    auth_hmac: {{send_key: 7, keys: [{{id: 7, file: {key}}}]}}
virtual_servers:
  - name: web
    address: {address}:80
    scheduler: rr
    forwarding: nat
    check: {{type: http, path: /healthz, interval: 500ms, timeout: 450ms, rise: 1, fall: 2}}
    real_servers:
      - {{address: {web1}:80, weight: 10}}
      - {{address: {web2}:80, weight: 10}}
"""


class Fault(NamedTuple):
    """A fault or an order. ``play`` undoes it before it returns.

    Requests may fail during it if ``fails`` is true.
    """

    what: str
    play: Callable[[], None]
    fails: bool = True


class Director:
    """One director with a disk and a wall clock of its own.

    With a pair link, ``shared`` are the overrides of all directors.
    """

    def __init__(
        self, host: Host, directory: Path, chance: random.Random, shared: dict[str, int] | None
    ) -> None:
        self.host = host
        self._linked = shared is not None
        self.log = directory / f"{host.name}.log"
        self.overrides: dict[str, int] = {} if shared is None else shared
        self._directory = directory
        self._random = chance
        self._disk = directory / f"{host.name}-disk"
        self._socket = self._disk / "run" / "api.sock"
        self._clock = directory / f"{host.name}-clock"
        self._key = directory / "key"

    @contextlib.contextmanager
    def disk(self) -> Iterator[None]:
        """Mount the disk of the director during the block."""
        self._disk.mkdir()
        self._mount(f"size={DISK_MEGABYTES}m,mode=0755", "-t", "tmpfs", "tmpfs")
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(self._disk)], check=True)

    def start(self) -> None:
        """Start it with a random priority, and wait until it answers."""
        if not self._key.exists():
            self._key.write_bytes(secrets.token_bytes(32))
            self._key.chmod(0o600)
        self._set_clock(0.0)
        library, clock = self._directory / "clock.so", self._clock
        python = ("env", f"LD_PRELOAD={library}", f"CHAOS_CLOCK={clock}", sys.executable)
        self._process = start_director(self.host, self._configuration(), self._directory, python)
        eventually(self._answers, START_SECONDS_MAX, f"{self.host.name} answers")

    def status(self) -> Status:
        """Return its status. Raises ApiError."""
        answer = request(str(self._socket), "GET", "/v1/status")
        return msgspec.json.decode(answer, type=Status)

    def state(self) -> State | None:
        """Return the state of its instance, or None if it has none yet. Raises ApiError."""
        return next((instance.state for instance in self.status().instances), None)

    def holds(self) -> bool:
        """Return whether its kernel has the address."""
        return self.host.holds(ADDRESS)

    def resident_kilobytes(self) -> int:
        """Return the memory of all its processes (proc(5), status)."""
        lines = (Path(f"/proc/{pid}/status").read_text() for pid in self.host.pids())
        return sum(int(text.partition("VmRSS:")[2].split()[0]) for text in lines)

    def descriptors(self) -> list[int]:
        """Return the number of open descriptors of each of its processes, in ascending order."""
        return sorted(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.host.pids())

    def faults(self) -> list[Fault]:
        """Return everything that can befall it."""
        link = LinkFaults(self.host, self._random, self._pid)
        return [
            *(Fault(what, play, fails=False) for what, play in link.all() if self._linked),
            Fault("is stopped and started", self._stop),
            Fault("is killed and started", self._crash),
            Fault("loses its main process and is started", self._lose_main_process),
            Fault("loses its vrrp process", lambda: self._kill("vrrp")),
            Fault("loses its checks process", lambda: self._kill("checks"), fails=False),
            Fault("has a frozen vrrp process", lambda: self._freeze("vrrp")),
            Fault("has a frozen checks process", lambda: self._freeze("checks"), fails=False),
            Fault("has a frozen main process", lambda: self._freeze(None)),
            Fault("has starved checks", self._starve, fails=False),
            Fault("loses its link", self._lose_link),
            Fault("loses its address to another program", self._lose_address),
            Fault("hands over, and competes again", self._hand_over),
            Fault("is reloaded", self._reload, fails=False),
            Fault("is reloaded with another priority", self._change_priority),
            Fault("restarts", self._restart),
            Fault("has a full disk", self._fill_disk),
            Fault("is stopped, and started on a read-only disk", self._protect_disk),
            Fault("has no free descriptors", self._exhaust_descriptors),
            Fault("has a wrong clock", self._step_clock),
            Fault("has greedy clients", self._serve_greedy_clients, fails=False),
            Fault("has another weight of a web server", self._override, fails=False),
        ]

    def _mount(self, options: str, *arguments: str) -> None:
        subprocess.run(["mount", *arguments, "-o", options, str(self._disk)], check=True)

    def _configuration(self) -> str:
        section = link_section(self.host.name, self._directory) if self._linked else ""
        return section + CONFIGURATION.format(
            name=self.host.name,
            disk=self._disk,
            key=self._key,
            priority=self._random.randint(1, 254),
            address=ADDRESS,
            web1=WEB_ADDRESSES[0],
            web2=WEB_ADDRESSES[1],
        )

    def _answers(self) -> bool:
        try:
            self.status()
        except ApiError:
            return False
        return True

    def _pause(self, seconds_max: float = 1.5) -> None:
        time.sleep(self._random.uniform(0.0, seconds_max))

    def _command(self, *words: str) -> None:
        command = (sys.executable, "-m", "hadirector", *words, "--socket", str(self._socket))
        self.host.run(*command)

    def _pid(self, name: str | None) -> int:
        """Return the process id of a child, or of the director itself. Raises ApiError."""
        if name is None:
            return self._process.pid
        pids = {process.name: process.pid for process in self.status().processes}
        pid = pids[name]
        assert pid is not None
        return pid

    def _stop(self) -> None:
        self._end(self._random.choice((signal.SIGTERM, signal.SIGINT)))
        self._pause()
        self.start()

    def _end(self, kind: signal.Signals) -> None:
        os.kill(self._process.pid, kind)
        status = self._process.wait(20.0)
        assert status == 0, f"{self.host.name} ended with status {status} after {kind.name}"

    def _crash(self) -> None:
        self.host.kill_processes()
        self._pause()
        self.start()

    def _lose_main_process(self) -> None:
        self._process.kill()
        self._process.wait(10.0)
        eventually(lambda: not self.host.pids(), 10.0, "its children have ended")
        self._pause()
        self.start()

    def _kill(self, name: str) -> None:
        os.kill(self._pid(name), signal.SIGKILL)

    def _freeze(self, name: str | None) -> None:
        pid = self._pid(name)
        os.kill(pid, signal.SIGSTOP)
        self._pause()
        os.kill(pid, signal.SIGCONT)

    def _starve(self) -> None:
        """Let the checks process run for a tenth of 4 s."""
        pid = self._pid("checks")
        for _ in range(40):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.1 * (1 - STARVED_SHARE))
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.1 * STARVED_SHARE)

    def _lose_link(self) -> None:
        self.host.link_down()
        self._pause()
        self.host.link_up()

    def _lose_address(self) -> None:
        self.host.run("ip", "address", "delete", f"{ADDRESS}/32", "dev", "eth0", check=False)

    def _hand_over(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):  # there may be no peer
            self._command("handover")
        self._pause()
        self._command("handover", "--undo")

    def _reload(self) -> None:
        os.kill(self._process.pid, signal.SIGHUP)
        self._pause()

    def _change_priority(self) -> None:
        (self._directory / f"{self.host.name}.yaml").write_text(self._configuration())
        self._command("reload")

    def _restart(self) -> None:
        self._command("restart")

    def _fill_disk(self) -> None:
        ballast = self._disk / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(65536))
        self._act()
        ballast.unlink()

    def _protect_disk(self) -> None:
        """Start it on a read-only disk, which it must refuse, and then on a writable one."""
        self._end(signal.SIGTERM)
        self._mount("remount,ro")
        process = start_director(self.host, self._configuration(), self._directory)
        status = process.wait(START_SECONDS_MAX)
        self._mount("remount,rw")
        assert status == REFUSED, f"{self.host.name} ended with status {status} on a read-only disk"
        self.start()

    def _act(self) -> None:
        """Let something happen that writes to the disk."""
        happen = self._random.choice(
            (
                self._reload,
                lambda: self._kill("vrrp"),
                lambda: self._kill("checks"),
                self._change_priority,
            )
        )
        happen()
        self._pause()

    def _exhaust_descriptors(self) -> None:
        pid = self._pid(self._random.choice((None, "vrrp", "checks")))
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = max(map(int, os.listdir(f"/proc/{pid}/fd")))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 1, limits[1]))
        self._pause(3.0)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)

    def _step_clock(self) -> None:
        step = self._random.choice((2.0, 10.0, 60.0, 3600.0))
        self._set_clock(self._random.choice((-step, step)))
        self._pause(4.0)
        self._set_clock(0.0)

    def _set_clock(self, seconds: float) -> None:
        with self._clock.open("r+b" if self._clock.exists() else "wb") as file:
            file.write(int(seconds * 1e9).to_bytes(8, sys.byteorder, signed=True))

    def _serve_greedy_clients(self) -> None:
        """Connect clients that send half a request or nothing, or that do not read the answers."""
        heads = (b"GET /v1/st", b"", b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        with contextlib.ExitStack() as clients:
            for number in range(GREEDY_CLIENTS):
                client = clients.enter_context(socket.socket(socket.AF_UNIX))
                client.settimeout(1.0)
                with contextlib.suppress(OSError):
                    client.connect(str(self._socket))
                    client.sendall(heads[number % len(heads)])
            self._pause()

    def _override(self) -> None:
        name = f"web/{self._random.choice(WEB_ADDRESSES)}:80"
        if name in self.overrides:
            self._command("weight", name, "configured")
            del self.overrides[name]
        else:
            weight = self._random.randint(1, 100)
            self._command("weight", name, str(weight))
            self.overrides[name] = weight
