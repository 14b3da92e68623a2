"""Two equal hosts that are not connected: one runs keepalived, and the other one hadirector.

Both get the same file, addresses and MAC addresses, so that their kernel state and their frames can
be compared. Each kind of difference that is left out of the comparison has a name here.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from hadirector.lab.topology import Host, Network
from tests.lab.generated_files import NEIGHBORS, OWN
from tests.lab.wire import IPV4, Frame, Wire
from tests.waiting import eventually

START_SECONDS: Final = 60.0
"""The start of a director on a busy machine, and the active-down interval of version 2."""
SETTLE_SECONDS: Final = 5.0
INTERFACES: Final = ("eth0", "eth1")
PARALLEL: Final = 4

_KEEPALIVED: Final = ("-n", "-l", "-D", "-P")
_MAC: Final = {"eth0": "02:00:00:00:00:01", "eth1": "02:00:00:00:00:02"}
_NEIGHBOR_MAC: Final = "02:00:00:00:00:09"
_LENGTHS: Final = {4: 24, 6: 64}
_ALL_ROUTES: Final = ("route", "show", "table", "all")
_IPV6: Final = 0x86DD
_ROUTERS: Final = frozenset({"keepalived", "112"})
"""The protocol of routes and rules: 18 of keepalived (rtnetlink(7)), and 112 of hadirector."""
_LEFT_OUT_OF_ADDRESSES: Final = frozenset(
    {
        # An address of hadirector has a lifetime, which the director renews.
        "valid_life_time",
        "preferred_life_time",
        "dynamic",
        # hadirector sets no broadcast address. A note of the importer says so.
        "broadcast",
    }
)
_LEFT_OUT_OF_ROUTES: Final = frozenset({"expires"})
"""The route of an IPv6 address has the lifetime of the address."""


class Seen(NamedTuple):
    """The effect of a file: the kernel state while ACTIVE and after the end, and the messages.

    The state has one line for each link, address, route and rule.
    """

    active: list[str]
    left: list[str]
    advertisements: list[str]


def differences(theirs: Seen, ours: Seen) -> list[str]:
    """Return each object of the kernel and each advertisement that one of them lacks."""
    found = []
    for when, state, other in (
        ("ACTIVE", theirs.active, ours.active),
        ("after the end", theirs.left, ours.left),
        ("sent", theirs.advertisements, ours.advertisements),
    ):
        found += [f"{when}, keepalived only: {line}" for line in state if line not in other]
        found += [f"{when}, hadirector only: {line}" for line in other if line not in state]
    return found


def try_files(
    seeds: Iterable[int], make: Callable[[int], str], directory: Path
) -> dict[int, list[str]]:
    """Run the file of each seed on hosts of its own; return the differences by seed.

    Four files are tried at the same time, because most of the time is spent with waiting. The logs
    of a seed are in a directory with its number.
    """

    def try_file(seed: int) -> list[str]:
        own = directory / str(seed)
        own.mkdir()
        with Twins() as twins:
            try:
                return differences(*twins.run(make(seed), own, f"twins-{os.getpid()}-{seed}"))
            except TimeoutError as error:
                return [str(error)]

    with ThreadPoolExecutor(PARALLEL) as pool:
        return dict(zip(seeds, pool.map(try_file, seeds), strict=True))


class Twins:
    """Both hosts, and a listener beside each of their interfaces; a context manager."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._wires: dict[str, dict[str, Wire]] = {}
        self.theirs = self._build("theirs")
        self.ours = self._build("ours")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def run(self, text: str, directory: Path, name: str, *options: str) -> tuple[Seen, Seen]:
        """Run keepalived and hadirector with a file until both are ACTIVE, and stop them.

        ``name`` is a name for both programs that no other program of the machine has. ``options``
        are further options of `hadirector run`. Returns the effects of keepalived and of
        hadirector. Raises TimeoutError if one of them does not become ACTIVE.
        """
        file = directory / "keepalived.conf"
        file.write_text(f"instance {name}\n{text}", encoding="utf-8")
        instances = re.findall(r"^vrrp_instance (\S+)", text, re.MULTILINE)
        try:
            return self._run(file, directory, set(instances), options)
        finally:
            for host in (self.theirs, self.ours):
                host.kill_processes()
            shutil.rmtree(f"/run/hadirector-{name}", ignore_errors=True)

    def _run(
        self, file: Path, directory: Path, instances: set[str], options: Sequence[str]
    ) -> tuple[Seen, Seen]:
        hosts = (self.theirs, self.ours)
        programs = [
            ("keepalived", *_KEEPALIVED, "-f", str(file), *_files_of_processes(directory)),
            (sys.executable, "-m", "hadirector", "run", "-c", str(file), *options),
        ]
        logs = [directory / f"{host.name}.log" for host in hosts]
        running = []
        for host, program, log in zip(hosts, programs, logs, strict=True):
            with log.open("w") as output:
                running.append(host.start(*program, output=output))
        for log in logs:
            eventually(partial(_active, log), START_SECONDS, f"ACTIVE: {log}", expected=instances)
        with contextlib.suppress(TimeoutError):
            eventually(lambda: _state(self.ours) == _state(self.theirs), SETTLE_SECONDS)
        active = [_state(host) for host in hosts]
        for host, process in zip(hosts, running, strict=True):
            host.stop(process)
        theirs, ours = (
            Seen(state, _state(host, is_left=True), self._advertisements(host))
            for host, state in zip(hosts, active, strict=True)
        )
        return theirs, ours

    def _build(self, name: str) -> Host:
        first, second = (self._stack.enter_context(Network()) for _ in INTERFACES)
        host = first.host(name)
        second.connect(host, "eth1")
        for interface, network in zip(INTERFACES, (first, second), strict=True):
            _configure(host, interface)
            wire = Wire(network.host("listener"))
            self._wires.setdefault(name, {})[interface] = self._stack.enter_context(wire)
        return host

    def _advertisements(self, host: Host) -> list[str]:
        """Return the different advertisements of a host, sorted."""
        return sorted(
            {
                f"{interface} {_comparable(frame)}"
                for interface, wire in self._wires[host.name].items()
                for frame in wire.frames()
                if _is_vrrp(frame)
            }
        )


def _configure(host: Host, interface: str) -> None:
    """Give the interface its MAC, its addresses and its neighbors."""
    host.sysctl({f"net.ipv6.conf.{interface}.addr_gen_mode": "1"})
    lines = [
        f"link set {interface} down",
        f"link set {interface} address {_MAC[interface]}",
        f"link set {interface} up",
    ]
    for family, length in _LENGTHS.items():
        neighbor = NEIGHBORS[interface, family]
        # Duplicate address detection would make the address unusable for a second.
        end = " nodad" if family == 6 else ""
        lines += [
            f"address add {OWN[interface, family]}/{length} dev {interface}{end}",
            f"neigh add {neighbor} lladdr {_NEIGHBOR_MAC} dev {interface}",
        ]
    host.ip(*lines)


def _files_of_processes(directory: Path) -> tuple[str, ...]:
    return (f"--pid={directory}/main", f"--vrrp_pid={directory}/vrrp")


def _active(log: Path) -> set[str]:
    """Return the instances that have become ACTIVE, from the log of either program."""
    text = log.read_text(encoding="utf-8")
    ours = re.findall(r'"instance": "([^"]+)", "previous": "\w+", "state": "ACTIVE"', text)
    return {*ours, *re.findall(r"\((\S+)\) Entering MASTER STATE", text)}


def _state(host: Host, *, is_left: bool = False) -> list[str]:
    """Return the lines of the kernel state. ``is_left`` is whether the program has ended.

    The kernel removes the route of an IPv6 address together with the address, unless the address
    has a lifetime: then the route ends with the lifetime.
    """
    links = _show(host, "-details", "address")
    routes = [each for version in "46" for each in _show(host, f"-{version}", *_ALL_ROUTES)]
    macvlans = {each["ifname"] for each in links if _kind(each) == "macvlan"}
    routes = [
        route
        for route in routes
        if not (_is_left_out(route, macvlans) or (is_left and "expires" in route))
    ]
    rules = [each for version in "46" for each in _show(host, f"-{version}", "rule")]
    return sorted(
        [
            *(line for link in links for line in _lines_of_link(link)),
            *(_line(each, _LEFT_OUT_OF_ROUTES) for each in routes),
            *(_line(each, frozenset()) for each in rules),
        ]
    )


def _show(host: Host, *words: str) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = json.loads(host.run("ip", "-json", *words).stdout)
    return shown


def _lines_of_link(link: Mapping[str, Any]) -> Iterator[str]:
    kind = _kind(link)
    facts = {key: link.get(key) for key in ("ifname", "flags", "operstate", "address", "mtu")}
    yield _line({**facts, "kind": kind}, frozenset())
    for address in link["addr_info"]:
        # keepalived copies the link-local address of the interface, and hadirector adds the virtual
        # one with a network.
        if address and not (kind == "macvlan" and address["local"].startswith("fe80:")):
            yield _line({"ifname": link["ifname"], **address}, _LEFT_OUT_OF_ADDRESSES)


def _kind(link: Mapping[str, Any]) -> str | None:
    kind: str | None = link.get("linkinfo", {}).get("info_kind")
    return kind


def _is_left_out(route: Mapping[str, Any], macvlans: Set[str]) -> bool:
    """Return whether a route belongs to an address that is left out, see above.

    The kernel makes a route of the multicast addresses for each interface with IPv6. keepalived
    disables IPv6 on the macvlan of an IPv4 instance.
    """
    return route.get("type") == "broadcast" or (
        route.get("dev") in macvlans and route["dst"].startswith(("fe80:", "ff00::"))
    )


def _line(facts: Mapping[str, Any], left_out: Set[str]) -> str:
    """Return an object of the kernel as one line."""
    kept = {key: value for key, value in facts.items() if key not in left_out}
    if kept.get("protocol") in _ROUTERS:
        kept["protocol"] = "the router"
    return json.dumps(kept)


def _is_vrrp(frame: Frame) -> bool:
    return frame.vrrp or (frame.kind == _IPV6 and frame.payload[6] == 112)


def _comparable(frame: Frame) -> str:
    """Return a frame as hexadecimal digits, without five fields that the sender is free to choose.

    IPv4 (RFC 791 3.1): identification, the flag DF, and the header checksum, which covers both.
    keepalived leaves them to the kernel. IPv6 (RFC 8200 3): the flow label. The kernel fills it in,
    but not in the frames that hadirector sends with the virtual MAC. keepalived sends unicast over
    IPv6 with the hop limit of the kernel, 64.
    """
    packet = frame.payload
    if frame.kind == IPV4:
        packet = packet[:4] + packet[8:10] + packet[12:]
    else:
        hop_limit = packet[7:8] if frame.data[0] & 1 else b""
        packet = packet[:1] + packet[4:7] + hop_limit + packet[8:]
    return f"{frame.data[:14].hex()} {packet.hex()}"
