"""A network of hosts on one bridge, each in its own network namespace.

``Network`` is a context manager. It creates a namespace with a bridge. Each host gets a namespace
with ``eth0``, a veth whose peer is a port of the bridge. The namespace of the machine itself is not
changed. Names contain the process id, so concurrent runs do not conflict. At the end, also after a
failure, the processes in the namespaces are killed and the namespaces are removed.

This needs root and iproute2. ``ip`` commands are sent in batches, because starting a process in
User-Mode Linux takes tens of milliseconds.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_numbers = itertools.count(1)

_GRACE_SECONDS = 10.0
"""The time that a process has to end after SIGTERM; it is enough for User-Mode Linux too."""


class TopologyError(RuntimeError):
    """An ``ip`` command failed. The message has the command and its error output."""


class Host:
    """A host of the network: a namespace with an ``eth0``, and the processes started in it.

    Create it with ``Network.host``.
    """

    def __init__(
        self,
        network: Network,
        name: str,
        addresses: Sequence[str],
        routes: Sequence[str],
        sysctls: Mapping[str, str],
    ) -> None:
        self.name = name
        self.namespace = f"{network.prefix}-{name}"
        self.addresses = tuple(addresses)
        self._network = network
        self._routes = tuple(routes)
        self._sysctls = dict(sysctls)
        self._processes: list[subprocess.Popen[str]] = []

    def run(
        self, *command: str, timeout: float = 60.0, check: bool = True, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in this host to its end. Raises CalledProcessError if it fails."""
        return subprocess.run(
            self._inside(command),
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=check,
        )

    def start(
        self,
        *command: str,
        output: IO[str] | int | None = subprocess.DEVNULL,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Start a command in this host, in a session of its own.

        ``output`` receives its standard output and standard error. The process ends with the host
        at the latest.
        """
        process = subprocess.Popen(
            self._inside(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env=None if environment is None else {**os.environ, **environment},
        )
        self._processes.append(process)
        return process

    def stop(self, process: subprocess.Popen[str]) -> int:
        """End a process with SIGTERM, and after 10 s with SIGKILL; return its status."""
        if process not in self._processes:
            return process.wait()
        process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        self._processes.remove(process)
        _close(process)
        return process.wait()

    def kill_processes(self) -> None:
        """Kill every process in this host's namespace at the same time, with SIGKILL.

        All processes are suspended first. Otherwise a child could react to the end of its parent. A
        process that was just started may not have entered the namespace yet, so the processes that
        this object started are killed as well.
        """
        started = {process.pid for process in self._processes if process.poll() is None}
        pids = started.union(self.pids())
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        for process in self._processes:
            process.wait()
            _close(process)
        self._processes.clear()

    def pids(self) -> list[int]:
        """Return the ids of all processes in this host's namespace."""
        return [int(pid) for pid in _ip("netns", "pids", self.namespace).split()]

    @property
    def bridge_namespace(self) -> str:
        """The namespace of the bridge, which has a port with the name of each host."""
        return self._network.bridge

    def link_down(self) -> None:
        """Simulate an unplugged cable: this host's ``eth0`` stays up but loses its carrier."""
        self._network.batch_on_bridge(f"link set dev {self.name} down")

    def link_up(self) -> None:
        """Simulate the plugging in of the cable again."""
        self._network.batch_on_bridge(f"link set dev {self.name} up")

    def lose_power(self) -> None:
        """Simulate a power loss: remove the interface, the processes and all kernel state."""
        self._network.batch_on_bridge(f"link delete dev {self.name}")
        self.remove()

    def gain_power(self) -> None:
        """Simulate a boot after ``lose_power``, with new kernel state and the same addresses."""
        self._network.build(self)

    def ip(self, *lines: str) -> None:
        """Run lines of ``ip -batch`` in this host."""
        _batch(lines, self.namespace)

    def sysctl(self, values: Mapping[str, str]) -> None:
        """Set kernel parameters by their dotted names."""
        self.run("sysctl", "-q", "-w", *(f"{name}={value}" for name, value in values.items()))

    def holds(self, address: str) -> bool:
        """Return whether an interface of this host has an address."""
        return f" {address}/" in self.run("ip", "-oneline", "address", "show").stdout

    def configure(self) -> None:
        """Set the parameters, addresses and routes of the new namespace."""
        # Duplicate address detection makes IPv6 addresses unusable for a second.
        self.sysctl({"net.ipv6.conf.default.accept_dad": "0", **self._sysctls})
        self.ip(
            "link set lo up",
            *(f"address add {address} dev eth0" for address in self.addresses),
            "link set eth0 up",
            *(f"route add {route}" for route in self._routes),
        )

    def remove(self) -> None:
        """Kill the processes and remove the namespace, if it exists."""
        if Path("/run/netns", self.namespace).exists():
            self.kill_processes()
            _ip("netns", "delete", self.namespace)

    def _inside(self, command: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", self.namespace, *command]


class Network:
    """A bridge with hosts. The end of the ``with`` block removes everything."""

    def __init__(self) -> None:
        self.prefix = f"ha{os.getpid()}-{next(_numbers)}"
        self.bridge = f"{self.prefix}-bridge"
        self._hosts: list[Host] = []

    def __enter__(self) -> Self:
        """Create the bridge. Raises TopologyError without root or iproute2."""
        _ip("netns", "add", self.bridge)
        try:
            self.batch_on_bridge(
                "link set lo up", "link add bridge type bridge", "link set bridge up"
            )
        except TopologyError:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """End the processes and remove the namespaces."""
        self._remove()

    def host(
        self,
        name: str,
        *addresses: str,
        routes: Sequence[str] = (),
        sysctls: Mapping[str, str] | None = None,
    ) -> Host:
        """Add a host with addresses (with prefix length) on ``eth0`` and routes for ``ip route``.

        Its port on the bridge has the same name, of at most 15 characters.
        """
        host = Host(self, name, addresses, routes, sysctls or {})
        self._hosts.append(host)
        self.build(host)
        return host

    def connect(self, host: Host, interface: str, *addresses: str) -> None:
        """Connect a host of another network to this bridge, with an additional interface."""
        _batch(
            [
                f"link add name {host.name} netns {self.bridge} type veth"
                f" peer name {interface} netns {host.namespace}"
            ]
        )
        self.batch_on_bridge(f"link set dev {host.name} master bridge up")
        host.ip(
            *(f"address add {address} dev {interface}" for address in addresses),
            f"link set {interface} up",
        )

    def build(self, host: Host) -> None:
        """Create the namespace and the cable of a host, and configure it."""
        _batch(
            [
                f"netns add {host.namespace}",
                f"link add name {host.name} netns {self.bridge} type veth"
                f" peer name eth0 netns {host.namespace}",
            ]
        )
        self.batch_on_bridge(f"link set dev {host.name} master bridge up")
        host.configure()

    def batch_on_bridge(self, *lines: str) -> None:
        """Run lines of ``ip -batch`` in the namespace of the bridge."""
        _batch(lines, self.bridge)

    def _remove(self) -> None:
        with contextlib.ExitStack() as stack:  # remove all of them, even if a removal fails
            stack.callback(_ip, "netns", "delete", self.bridge)
            for host in self._hosts:
                stack.callback(host.remove)


def _ip(*arguments: str) -> str:
    return _run_ip(arguments, None)


def _batch(lines: Sequence[str], namespace: str | None = None) -> None:
    where = [] if namespace is None else ["-netns", namespace]
    _run_ip([*where, "-batch", "-"], "\n".join(lines) + "\n")


def _run_ip(arguments: Sequence[str], text: str | None) -> str:
    try:
        result = subprocess.run(
            ["ip", *arguments], input=text, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise TopologyError("the ip command is missing (Debian package iproute2)") from error
    if result.returncode != 0:
        tried = " ".join(arguments) + ("" if text is None else f"\n{text}")
        raise TopologyError(f"ip {tried.strip()}\nfailed: {result.stderr.strip()}")
    return result.stdout


def _close(process: subprocess.Popen[str]) -> None:
    if process.stdout is not None:
        process.stdout.close()
