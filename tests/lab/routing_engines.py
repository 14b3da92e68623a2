"""Real BIRD and FRR on lab hosts: the engines of directors, and the router in front of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from hadirector.lab.topology import Host
from tests.lab.frr import DAEMONS
from tests.waiting import eventually

Engine = Literal["bird", "frr"]
ENGINES: tuple[Engine, ...] = ("bird", "frr")
ROUTER_ASN, DIRECTOR_ASN = 65000, 65001
BFD_INTERVAL, BFD_MULTIPLIER = 200, 5
"""In milliseconds, and a number: BFD must not end a session of a busy machine."""

_FRR_USER = "frr"


class RoutingEngine:
    """BIRD, or the daemons zebra, bgpd and bfdd of FRR. Every user may enter ``directory``.

    ``socket`` is what the key ``engine_socket`` of a director needs.
    """

    def __init__(self, host: Host, directory: Path, engine: Engine, text: str) -> None:
        self.host = host
        self.engine = engine
        self._directory = directory / f"engine-{host.name}"
        self._directory.mkdir(mode=0o755)
        self._file = self._directory / f"{engine}.conf"
        self._file.write_text(text)
        self.socket = self._directory / "bird.ctl" if engine == "bird" else self._directory
        self.processes: list[subprocess.Popen[str]] = []
        if engine == "frr":
            shutil.chown(self._directory, _FRR_USER, _FRR_USER)
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        if self.engine == "bird":
            self._start(
                *("bird", "-f", "-c", str(self._file), "-s", str(self.socket)),
                *("-P", str(self._directory / "bird.pid")),
            )
            return
        for daemon in ("zebra", "bfdd", "bgpd"):
            self._start_daemon(daemon)
        eventually(self._configure, 10.0, "FRR accepts its configuration")

    def kill(self) -> None:
        """Kill it with SIGKILL; its host and the director run on."""
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes.clear()
        for left in (*self._directory.glob("*.vty"), *self._directory.glob("zserv.api")):
            left.unlink()

    def _configure(self) -> bool:
        """Send the file to all daemons at once, as vtysh(1) does at a boot."""
        done = self.host.run(
            "vtysh", "--vty_socket", str(self._directory), "-f", str(self._file), check=False
        )
        return done.returncode == 0

    def _start_daemon(self, daemon: str) -> None:
        empty = self._directory / f"{daemon}.conf"
        empty.write_text("")
        socket = self._directory / "zserv.api"
        self._start(
            *(str(DAEMONS / daemon), "--config_file", str(empty)),
            *("--pid_file", str(self._directory / f"{daemon}.pid")),
            *("--socket", str(socket), "--vty_socket", str(self._directory), "--vty_port", "0"),
            *(("--bfdctl", str(self._directory / "bfdd.sock")) if daemon == "bfdd" else ()),
        )
        for opened in (socket, self._directory / f"{daemon}.vty"):
            eventually(opened.exists, 10.0, f"{daemon} listens")

    def _start(self, *command: str) -> None:
        log = self._directory.parent / f"{self.host.name}.{Path(command[0]).name}.log"
        with log.open("a") as output:
            self.processes.append(self.host.start(*command, output=output))


def router_file(engine: Engine, address: str, directors: Sequence[str]) -> str:
    """Return the file of a router that divides connections between all directors."""
    if engine == "bird":
        return "\n".join(_bird_router(address, directors))
    return "\n".join(_frr_router(address, directors)) + "\n"


def _bird_router(address: str, directors: Sequence[str]) -> list[str]:
    bfd = f'interface "*" {{ interval {BFD_INTERVAL} ms; multiplier {BFD_MULTIPLIER}; }};'
    lines = [f"router id {address};", "protocol device { scan time 10; }"]
    lines += [f"protocol bfd {{ {bfd} }}"]
    for version in (4, 6):
        lines += ["protocol kernel { merge paths on;"]
        lines += [f"  ipv{version} {{ import none; export where source = RTS_BGP; }}; }}"]
    for number, director in enumerate(directors, start=1):
        version = 6 if ":" in director else 4
        lines += [f"protocol bgp lb{number} {{ local as {ROUTER_ASN}; bfd on;"]
        lines += [f"  neighbor {director} as {DIRECTOR_ASN}; connect retry time 1;"]
        lines += ["  connect delay time 1; error wait time 1, 2; graceful restart off;"]
        lines += [f"  ipv{version} {{ import all; export none; }}; }}"]
    return lines


def _frr_router(address: str, directors: Sequence[str]) -> list[str]:
    lines = ["bfd", " profile lab", f"  detect-multiplier {BFD_MULTIPLIER}"]
    lines += [f"  receive-interval {BFD_INTERVAL}", f"  transmit-interval {BFD_INTERVAL}"]
    lines += [" exit", "exit", f"router bgp {ROUTER_ASN}", f" bgp router-id {address}"]
    lines += [" no bgp ebgp-requires-policy", " bgp bestpath as-path multipath-relax"]
    lines += [" no bgp default ipv4-unicast"]
    for director in directors:
        lines += [f" neighbor {director} remote-as {DIRECTOR_ASN}"]
        lines += [f" neighbor {director} timers connect 1"]
        lines += [f" neighbor {director} bfd", f" neighbor {director} bfd profile lab"]
    for version in (4, 6):
        lines += [f" address-family ipv{version} unicast", "  maximum-paths 16"]
        own = [each for each in directors if (":" in each) == (version == 6)]
        lines += [f"  neighbor {director} activate" for director in own]
        lines += [" exit-address-family"]
    return lines


def next_hops(router: Host, address: str) -> frozenset[str]:
    """Return the next hops of the router's route to an address; empty without a route."""
    bits = 128 if ":" in address else 32
    family = "-6" if bits == 128 else "-4"
    text = router.run("ip", family, "-json", "route", "show", f"{address}/{bits}").stdout
    return frozenset(
        hop["gateway"]
        for route in json.loads(text or "[]")
        for hop in route.get("nexthops", [route])
        if "gateway" in hop
    )
