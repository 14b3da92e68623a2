"""Configure this host as a real server for dr or tun, check its settings, or undo them."""

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
    """Declare the arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    setup_parser = actions.add_parser(
        "setup", help="add the virtual addresses, and do not answer ARP requests for them"
    )
    setup_parser.add_argument(
        "--persistent", action="store_true", help="repeat this at every boot, by a systemd unit"
    )
    check_parser = actions.add_parser(
        "check", help="show which settings are in effect; exit 1 if one is missing"
    )
    for parser_with_addresses in (setup_parser, check_parser):
        parser_with_addresses.add_argument(
            "addresses", nargs="+", type=_address, metavar="ADDRESS", help="a virtual address"
        )
        parser_with_addresses.add_argument(
            "--method",
            type=Method,
            choices=list(Method),
            default=Method.LOOPBACK,
            help="where to add the addresses: loopback (default; for dr), interface (for dr, with"
            " arptables rules) or tunnel (for tun)",
        )
        parser_with_addresses.add_argument(
            "--interface",
            default="eth0",
            help="the interface for --method interface (default: %(default)s)",
        )
    undo_parser = actions.add_parser("undo", help="undo exactly the changes of setup")
    for parser_with_record in (setup_parser, undo_parser):
        parser_with_record.add_argument(
            "--runtime-directory",
            type=Path,
            default=Path("/run/hadirector"),
            metavar="DIRECTORY",
            help="where setup records its changes (default: %(default)s)",
        )


def run(arguments: argparse.Namespace) -> int:
    """Run the action. Returns 1 if this host refuses or a checked setting is missing."""
    try:
        with contextlib.closing(Host()) as host:
            match arguments.action:
                case "setup":
                    return _setup(host, arguments)
                case "check":
                    return _check(host, _settings(host, arguments))
                case _:
                    return _undo(host, arguments)
    except _FAULTS as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1


def _setup(host: Host, arguments: argparse.Namespace) -> int:
    wanted = _settings(host, arguments)
    changed = setup.setup(host, wanted, arguments.runtime_directory / setup.FILE_NAME)
    for setting in wanted:
        print(f"{'applied' if setting in changed else 'unchanged':10}{setting}")
    if arguments.persistent:
        unit.install(unit.text(_program(), _arguments(arguments)))
        print(f"{'applied':10}{unit.NAME} repeats this at every boot")
    return 0


def _undo(host: Host, arguments: argparse.Namespace) -> int:
    for setting in setup.undo(host, arguments.runtime_directory / setup.FILE_NAME):
        print(f"{'undone':10}{setting}")
    unit.remove()
    return 0


def _check(host: Host, wanted: tuple[Setting, ...]) -> int:
    complete = True
    for setting in wanted:
        try:
            holds, reason = host.holds(setting), ""
        except HostError as error:
            holds, reason = False, f": {error}"
        complete = complete and holds
        print(f"{'ok' if holds else 'MISSING':10}{setting}{reason}")
    return 0 if complete else 1


def _settings(host: Host, arguments: argparse.Namespace) -> tuple[Setting, ...]:
    own_address = None
    if arguments.method is Method.INTERFACE:
        own_address = host.own_address(arguments.interface)
    return settings(arguments.method, arguments.addresses, arguments.interface, own_address)


def _address(text: str) -> IPv4Address | IPv6Address:
    address = ip_address(text)
    if address.is_loopback or address.is_multicast or address.is_unspecified:
        raise argparse.ArgumentTypeError(
            f"{text}: a loopback, multicast or unspecified address cannot be a virtual address"
        )
    return address


def _arguments(arguments: argparse.Namespace) -> list[str]:
    words = [*map(str, arguments.addresses), f"--method={arguments.method}"]
    if arguments.method is Method.INTERFACE:
        words.append(f"--interface={arguments.interface}")
    return words


def _program() -> list[str]:
    """Return the command that starts this program."""
    started = Path(sys.argv[0]).resolve()
    module = started.name == "__main__.py"
    return [sys.executable, "-m", "hadirector"] if module else [str(started)]
