"""Make this host fit to be a real server behind dr or tun, or undo or check that."""

from __future__ import annotations

import argparse
import contextlib
import sys
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from hadirector.realserver import setup, unit
from hadirector.realserver.host import Host, HostError
from hadirector.realserver.plan import Method, PlanError, Setting, settings

_FAULTS = (HostError, PlanError, setup.RecordError, unit.UnitError, OSError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    making = actions.add_parser("setup", help="take the addresses, and keep silent about them")
    making.add_argument(
        "--persistent", action="store_true", help="also at every boot, by a systemd unit"
    )
    checking = actions.add_parser("check", help="say what holds; exit 1 when something does not")
    for each in (making, checking):
        each.add_argument("addresses", nargs="+", type=_address, metavar="ADDRESS")
        each.add_argument(
            "--method",
            type=Method,
            choices=list(Method),
            default=Method.LOOPBACK,
            help="loopback (default; for dr), interface (dr, with arptables) or tunnel (tun)",
        )
        each.add_argument("--interface", default="eth0", help="of the method interface")
    undoing = actions.add_parser("undo", help="take back exactly what setup changed")
    for each in (making, undoing):
        each.add_argument(
            "--runtime-directory",
            type=Path,
            default=Path("/run/hadirector"),
            metavar="DIRECTORY",
            help="where setup remembers what it changed (default: %(default)s)",
        )


def run(arguments: argparse.Namespace) -> int:
    """Do it. Returns 1 when this host refuses, or when a check fails."""
    try:
        with contextlib.closing(Host()) as host:
            match arguments.action:
                case "setup":
                    return _setup(host, arguments)
                case "check":
                    return _check(host, _wanted(host, arguments))
                case _:
                    return _undo(host, arguments)
    except _FAULTS as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1


def _setup(host: Host, arguments: argparse.Namespace) -> int:
    wanted = _wanted(host, arguments)
    changed = setup.setup(host, wanted, arguments.runtime_directory / setup.FILE_NAME)
    for setting in wanted:
        print(f"{'done' if setting in changed else 'was so':8}{setting}")
    if arguments.persistent:
        unit.install(unit.text(_program(), _arguments(arguments)))
        print(f"{'done':8}{unit.NAME} does this at every boot")
    return 0


def _undo(host: Host, arguments: argparse.Namespace) -> int:
    for setting in setup.undo(host, arguments.runtime_directory / setup.FILE_NAME):
        print(f"{'undone':8}{setting}")
    unit.remove()
    return 0


def _check(host: Host, wanted: tuple[Setting, ...]) -> int:
    good = True
    for setting in wanted:
        try:
            holds, why = host.holds(setting), ""
        except HostError as error:
            holds, why = False, f": {error}"
        good = good and holds
        print(f"{'good' if holds else 'MISSING':8}{setting}{why}")
    return 0 if good else 1


def _wanted(host: Host, arguments: argparse.Namespace) -> tuple[Setting, ...]:
    own_address = None
    if arguments.method is Method.INTERFACE:
        own_address = host.own_address(arguments.interface)
    return settings(arguments.method, arguments.addresses, arguments.interface, own_address)


def _address(text: str) -> IPv4Address | IPv6Address:
    address = ip_address(text)
    if address.is_loopback or address.is_multicast or address.is_unspecified:
        raise argparse.ArgumentTypeError(f"{text}: expected a virtual address")
    return address


def _arguments(arguments: argparse.Namespace) -> list[str]:
    words = [*map(str, arguments.addresses), f"--method={arguments.method}"]
    if arguments.method is Method.INTERFACE:
        words.append(f"--interface={arguments.interface}")
    return words


def _program() -> list[str]:
    """How this program was started."""
    started = Path(sys.argv[0]).resolve()
    module = started.name == "__main__.py"
    return [sys.executable, "-m", "hadirector"] if module else [str(started)]
