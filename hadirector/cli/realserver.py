"""Configure this host as a real server for dr or tun, check its settings, or undo them."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple

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
    for each in (setup_parser, check_parser, undo_parser):
        each.add_argument("--json", action="store_true", help="print the settings as JSON")
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
                    return _check(host, _settings(host, arguments), as_json=arguments.json)
                case _:
                    return _undo(host, arguments)
    except _FAULTS as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1


def _setup(host: Host, arguments: argparse.Namespace) -> int:
    wanted = _settings(host, arguments)
    changed = setup.setup(host, wanted, arguments.runtime_directory / setup.FILE_NAME)
    lines = [
        _Line("applied" if setting in changed else "unchanged", str(setting)) for setting in wanted
    ]
    if arguments.persistent:
        unit.install(unit.text(_program(), _arguments(arguments)))
        lines.append(_Line("applied", f"{unit.NAME} repeats this at every boot"))
    _print(lines, as_json=arguments.json)
    return 0


def _undo(host: Host, arguments: argparse.Namespace) -> int:
    undone = setup.undo(host, arguments.runtime_directory / setup.FILE_NAME)
    unit.remove()
    _print([_Line("undone", str(setting)) for setting in undone], as_json=arguments.json)
    return 0


def _check(host: Host, wanted: tuple[Setting, ...], *, as_json: bool) -> int:
    lines = []
    for setting in wanted:
        try:
            holds, reason = host.holds(setting), ""
        except HostError as error:
            holds, reason = False, f": {error}"
        lines.append(_Line("ok" if holds else "MISSING", f"{setting}{reason}"))
    _print(lines, as_json=as_json)
    return int(any(line.state == "MISSING" for line in lines))


class _Line(NamedTuple):
    """A setting, and its state."""

    state: str
    setting: str


def _print(lines: Sequence[_Line], *, as_json: bool) -> None:
    if as_json:
        found = [{"state": line.state.lower(), "setting": line.setting} for line in lines]
        print(json.dumps({"settings": found}))
        return
    for line in lines:
        print(f"{line.state:10}{line.setting}")


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
