"""The environment on 127.0.0.0/8, which needs no privileges and no kernel module."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from hadirector.demo.environment import Environment, Timing, UnavailableError

VRRP_PORT = 18112
DIRECTORS = {"lb1": "127.0.1.1", "lb2": "127.0.1.2"}


def _vrrp(source: str, peer: str) -> str:
    return f"""\
    transport: udp
    unicast: {{source: {source}, peers: [{peer}], port: {VRRP_PORT}}}"""


ENVIRONMENT = Environment(
    dataplane="userspace",
    virtual_address="127.0.0.100",
    port=18080,
    web_addresses={"web1": "127.0.1.11", "web2": "127.0.1.12", "web3": "127.0.1.13"},
    web_port=18081,
    interface="lo",
    vrrp_lines={
        "lb1": _vrrp(DIRECTORS["lb1"], DIRECTORS["lb2"]),
        "lb2": _vrrp(DIRECTORS["lb2"], DIRECTORS["lb1"]),
    },
    virtual_server_lines="    scheduler: rr\n    forwarding: nat",
    timing=Timing(
        advert_interval=0.2,
        check_interval=0.3,
        check_timeout=0.2,
        request_interval=0.01,
        request_timeout=1.0,
        observation=1.5,
    ),
    prefixes={},
)


@contextmanager
def loopback() -> Iterator[Environment]:
    """Return the loopback environment. Raises UnavailableError if one of its ports is in use."""
    with ExitStack() as sockets:
        for address in (ENVIRONMENT.virtual_address, *ENVIRONMENT.web_addresses.values()):
            port = (
                ENVIRONMENT.port if address == ENVIRONMENT.virtual_address else ENVIRONMENT.web_port
            )
            _claim(sockets, socket.SOCK_STREAM, address, port)
        for address in DIRECTORS.values():
            _claim(sockets, socket.SOCK_DGRAM, address, VRRP_PORT)
    yield ENVIRONMENT


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
