"""How soon a verdict is in the kernel while 5000 targets are probed every second.

``python -m tests.benchmarks.verdict``, as root. Some targets answer well and badly in turn. The
time runs from the moment at which the server has sent such an answer until the request about that
real server arrives at a stub of the kernel's IPVS (netlink_stub.py). It covers probe process,
director and netlink. Exit 1 when the bar is missed, or an answer had no effect.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import sys
import tempfile
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

from hadirector.cli import run as run_command
from hadirector.dataplane.ipvs import netlink, preflight
from hadirector.lab.topology import Host, Network
from hadirector.model.ipvs import DestinationKey, Service
from tests.benchmarks import netlink_stub
from tests.benchmarks.checks import Server, targets
from tests.benchmarks.lateness import percentile
from tests.waiting import eventually

POOLS, SERVERS, TURNING = 50, 100, 1
SECONDS, SETTLED = 40.0, 10.0
BAR_MS = 10.0

TURNING_SERVER = """\
import socket, sys, time
reply = b"HTTP/1.1 %s\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n"
replies = [reply % b"503 Service Unavailable", reply % b"200 OK"]
server = socket.create_server(("0.0.0.0", 8081), backlog=1024)
turns = {}
print("ready", flush=True)
while True:
    with server.accept()[0] as connection:
        address = connection.getsockname()[0]
        connection.recv(4096)
        turns[address] = turn = 1 - turns.get(address, 0)
        connection.sendall(replies[turn])
        print(time.monotonic(), address, flush=True)
"""
_DIRECTOR = """\
director:
  name: verdicts
  runtime_directory: {directory}/run
  check: {{type: tcp, interval: 1s, timeout: 900ms}}
sysctls: {{apply: false}}
virtual_servers:
"""
_POOL = """\
  - address: 127.255.0.1:{port}
    scheduler: rr
    forwarding: nat
    real_servers:
"""
_TURNS = (
    "      - {{address: {address}:8081,"
    " check: {{type: http, interval: 1s, timeout: 900ms, rise: 1, fall: 1}}}}\n"
)


def configuration(directory: Path) -> str:
    """Return fifty pools of a hundred real servers. One server of each pool turns."""
    addresses = iter(targets(POOLS * (SERVERS - TURNING)))
    parts = [_DIRECTOR.format(directory=directory)]
    for number in range(POOLS):
        parts.append(_POOL.format(port=8000 + number))
        parts += [_TURNS.format(address=f"127.99.{number}.{1 + each}") for each in range(TURNING)]
        parts += [
            f"      - {{address: {next(addresses)}:8080}}\n" for _ in range(SERVERS - TURNING)
        ]
    return "".join(parts)


def run_director(file: str, path: str) -> int:
    """Run a director whose kernel is the stub; everything else is the real program."""

    def connected(*_: int) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        made.connect(path)
        return made

    async def fit(_: Collection[Service]) -> list[str]:
        return []

    vars(netlink)["socket"] = SimpleNamespace(socket=connected, AF_NETLINK=0, SOCK_RAW=0)
    vars(preflight)["faults"] = fit  # the real function would try modules in a kernel without IPVS
    return run_command.run(argparse.Namespace(config=file))


def run_stub(path: str) -> None:
    """Run the stub, and print each request about a destination."""

    def ordered(at: float, destination: DestinationKey) -> None:
        print(at, destination.address, flush=True)

    netlink_stub.serve(path, ordered)


@contextlib.contextmanager
def writing(host: Host, file: Path, *command: str) -> Iterator[None]:
    """Run a program in a host during the block; its output goes to a file."""
    with file.open("w") as output:
        process = host.start(*command, output=output)
        try:
            yield
        finally:
            host.stop(process)


def events(file: Path, since: float, until: float) -> dict[str, list[float]]:
    """Return the times of the lines about each address, in a span of time."""
    found = defaultdict(list)
    for line in file.read_text().splitlines():
        at, _, address = line.partition(" ")
        if address.startswith("127.99.") and since <= float(at) < until:
            found[address].append(float(at))
    return found


def measure(python: Sequence[str] = (sys.executable,)) -> tuple[list[float], int]:
    """Return the milliseconds from answer to order, and the number of answers without an order.

    An order counts if it comes before the next answer. ``python`` is the command that runs the
    director's module.
    """
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        network = stack.enter_context(Network())
        host = network.host("director", "10.99.0.1/24")
        stack.enter_context(contextlib.closing(Server(host, "tcp")))
        answers, orders = directory / "answers", directory / "orders"
        path, file = str(directory / "kernel"), directory / "director.yaml"
        file.write_text(configuration(directory))
        stack.enter_context(writing(host, answers, sys.executable, "-c", TURNING_SERVER))
        module = ("-m", "tests.benchmarks.verdict")
        stack.enter_context(writing(host, orders, sys.executable, *module, "--stub", path))
        eventually(Path(path).exists, 10.0, "the stub")
        log = directory / "log"
        options = ("--director", str(file), "--stub", path)
        stack.enter_context(writing(host, log, *python, *module, *options))
        time.sleep(SETTLED)
        began = time.monotonic()
        time.sleep(SECONDS)
        ended = time.monotonic()
        time.sleep(1.0)
        asked, ordered = events(answers, began, ended), events(orders, began, ended + 1.0)
    taken, without = [], 0
    for address, times in asked.items():
        for at, following in zip(times, [*times[1:], ended + 1.0], strict=True):
            place = bisect_right(ordered[address], at)
            if place < len(ordered[address]) and ordered[address][place] < following:
                taken.append(1000 * (ordered[address][place] - at))
            else:
                without += 1
    return taken, without


def main() -> int:
    """Measure and print; return 1 if the bar is missed. With options, run one of the parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--director", help=argparse.SUPPRESS)
    parser.add_argument("--stub", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.director:
        return run_director(options.director, options.stub)
    if options.stub:
        run_stub(options.stub)
    taken, without = measure()
    median, high, worst = (percentile(taken, share) for share in (0.5, 0.99, 1.0))
    met = high <= BAR_MS and not without
    print(
        f"{len(taken)} verdicts while {POOLS * SERVERS} targets are probed every second:"
        f" in the kernel after {median:.2f} ms (median), {high:.2f} ms (p99), {worst:.2f} ms"
        f" (worst); bar {BAR_MS:g} ms (p99): {'met' if met else 'NOT MET'}"
    )
    if without:
        print(f"{without} answers had no consequence before the next one")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
