"""Print the file of the routing engine that announces the addresses of a configuration."""

from __future__ import annotations

import argparse
import socket
import sys
from ipaddress import IPv4Address, ip_address

from hadirector.cli import reading
from hadirector.config.document.errors import ConfigError
from hadirector.model.configuration import Configuration

EXIT_FAULTY = 2
BGP_PORT = 179


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Print the file of BIRD 2 or FRR that announces the addresses of the section announce. The"
        " engine imports nothing, and exports only the addresses of the two interfaces of"
        " hadirector. BFD is on and graceful restart is off. The director never changes the file of"
        " the engine: install the output yourself."
    )
    parser.add_argument("engine", choices=("bird", "frr"), help="the routing engine")
    parser.add_argument(
        "-c", "--config", required=True, metavar="FILE", help="the configuration of the director"
    )
    parser.add_argument("--asn", required=True, type=_as_number, help="the own AS number")
    parser.add_argument(
        "--neighbor",
        required=True,
        action="append",
        type=_address,
        metavar="ADDRESS",
        help="the address of a router; once for each router. A router announces the addresses of"
        " its own IP version",
    )
    parser.add_argument(
        "--neighbor-asn",
        type=_as_number,
        help="the AS number of the routers (default: any other number)",
    )
    parser.add_argument(
        "--router-id",
        type=IPv4Address,
        metavar="ADDRESS",
        help="an IPv4 address that only this director has (default: the source address of packets"
        " to the first router)",
    )
    parser.add_argument(
        "--bfd-interval",
        type=int,
        default=100,
        choices=range(10, 1001),
        metavar="MILLISECONDS",
        help="the interval of BFD, 10 to 1000 (default: 100)",
    )
    parser.add_argument(
        "--bfd-multiplier",
        type=int,
        default=3,
        choices=range(2, 51),
        metavar="NUMBER",
        help="the number of lost BFD packets that end a session, 2 to 50 (default: 3)",
    )
    reading.add_host_argument(parser, "director.name, or else the name of this host")
    reading.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the file. Return 2 if the configuration has faults or announces no address."""
    from hadirector.announce.engine_files import Peering, bird_file, frr_file
    from hadirector.config.loader import load

    try:
        configuration: Configuration = load(arguments.config, reading.reading_options(arguments))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_FAULTY
    if configuration.announce is None:
        print(f"{arguments.config}: the section announce is missing", file=sys.stderr)
        return EXIT_FAULTY
    router_id = arguments.router_id or _source_towards(arguments.neighbor[0])
    if router_id is None:
        print(
            f"hadirector: the source address of packets to {arguments.neighbor[0]} is no IPv4"
            " address; use --router-id",
            file=sys.stderr,
        )
        return EXIT_FAULTY
    peering = Peering(
        asn=arguments.asn,
        neighbors=tuple(arguments.neighbor),
        router_id=str(router_id),
        neighbor_asn=arguments.neighbor_asn,
        bfd_interval=arguments.bfd_interval,
        bfd_multiplier=arguments.bfd_multiplier,
    )
    write = bird_file if arguments.engine == "bird" else frr_file
    print("\n".join(write(configuration.announce, peering)))
    return 0


def _source_towards(neighbor: str) -> str | None:
    """Return the IPv4 source address of packets to a router; None without one. Sends nothing."""
    if ":" in neighbor:
        return None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        try:
            opened.connect((neighbor, BGP_PORT))
        except OSError:
            return None
        return str(opened.getsockname()[0])


def _as_number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 4294967294:  # RFC 7300
        raise argparse.ArgumentTypeError(f"{text}: expected an AS number from 1 to 4294967294")
    return number


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: expected a literal address") from error
