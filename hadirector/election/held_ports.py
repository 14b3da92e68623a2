"""Holds the UDP ports of death certificates while the director restarts its vrrp process.

The kernel refuses questions at a port that no process has, and a peer then takes over. The director
restarts a vrrp process that has crashed, and the new one resumes ACTIVE instances. Until then, the
sockets of this module prevent a refusal. They read nothing: the vrrp process binds its own sockets
to interfaces, and the kernel prefers those (`vrrp.transport.inquiry`).
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

import structlog

from vrrp.model.configuration import InstanceConfiguration


class HeldPorts:
    """The held ports: one socket for each address family and port."""

    def __init__(self) -> None:
        self._sockets: dict[tuple[int, int], socket.socket] = {}
        self._log = structlog.get_logger()

    def hold(self, instances: Iterable[InstanceConfiguration]) -> None:
        """Hold the ports of these instances too. A held port stays held."""
        for instance in instances:
            port = instance.death_certificate_port
            if port is None or (instance.family, port) in self._sockets:
                continue
            try:
                self._sockets[instance.family, port] = _bind(instance.family, port)
            except OSError as error:  # peers then take over while the process is restarted
                self._log.warning("port_not_held", port=port, error=error.strerror)

    def release(self) -> None:
        """Release all ports: the director ends, and no process resumes the instances."""
        while self._sockets:
            self._sockets.popitem()[1].close()


def _bind(family: int, port: int) -> socket.socket:
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    bound = socket.socket(kind, socket.SOCK_DGRAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        if family == 6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(("" if family == 4 else "::", port))
    except OSError:
        bound.close()
        raise
    return bound
