"""The environment on 127.0.0.0/8, which needs no privileges and no kernel module."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from hadirector.demo.environment import ORDINARY, Environment, UnavailableError, pair_section

VRRP_PORT = 18112
DIRECTORS = {"lb1": "127.0.1.1", "lb2": "127.0.1.2"}


def _vrrp(source: str, peer: str) -> str:
    return f"""\
    transport: udp
    unicast: {{source: {source}, peers: [{peer}], port: {VRRP_PORT}}}"""


VIRTUAL_ADDRESS = "127.0.0.100"


def _environment(
    sections: Mapping[str, str], service_addresses: Mapping[str, str] | None = None
) -> Environment:
    return Environment(
        dataplane="userspace",
        virtual_address=VIRTUAL_ADDRESS,
        port=18080,
        web_addresses={"web1": "127.0.1.11", "web2": "127.0.1.12", "web3": "127.0.1.13"},
        web_port=18081,
        sections=sections,
        service_addresses=service_addresses or {},
        virtual_server_lines="    scheduler: rr\n    forwarding: nat",
        timing=ORDINARY,
        prefixes={},
    )


def _pair(director: str, peer: str) -> str:
    lines = _vrrp(DIRECTORS[director], DIRECTORS[peer])
    return pair_section(director, "lo", VIRTUAL_ADDRESS, ORDINARY, lines)


ENVIRONMENT = _environment({"lb1": _pair("lb1", "lb2"), "lb2": _pair("lb2", "lb1")})


def many(count: int) -> Environment:
    """Return the environment of several directors, each with an address of its own."""
    addresses = {f"lb{number}": f"127.0.2.{number}" for number in range(1, count + 1)}
    return _environment(dict.fromkeys(addresses, ""), addresses)


@contextmanager
def loopback(directors: int) -> Iterator[Environment]:
    """Return the loopback environment. Raises UnavailableError if one of its ports is in use."""
    environment = ENVIRONMENT if directors == len(DIRECTORS) else many(directors)
    with ExitStack() as sockets:
        for address in (environment.virtual_address, *environment.service_addresses.values()):
            _claim(sockets, socket.SOCK_STREAM, address, environment.port)
        for address in environment.web_addresses.values():
            _claim(sockets, socket.SOCK_STREAM, address, environment.web_port)
        for address in DIRECTORS.values():
            _claim(sockets, socket.SOCK_DGRAM, address, VRRP_PORT)
    yield environment


def _claim(sockets: ExitStack, kind: socket.SocketKind, address: str, port: int) -> None:
    """Bind a port that the demo will use, before it starts any process."""
    probe = sockets.enter_context(socket.socket(socket.AF_INET, kind))
    if kind is socket.SOCK_STREAM:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((address, port))
    except OSError as error:
        protocol = "tcp" if kind is socket.SOCK_STREAM else "udp"
        advice = (
            "end the program that uses it (another demo?) and start again"
            if error.errno == errno.EADDRINUSE
            else "the demo needs all addresses of 127.0.0.0/8 on lo"
        )
        raise UnavailableError(
            f"{protocol} {address}:{port} cannot be used: {error.strerror}; {advice}"
        ) from error
