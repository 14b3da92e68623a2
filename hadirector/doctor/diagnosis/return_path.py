"""Decides whether replies of real servers behind nat return through this director. Pure.

The routing table of this host gives evidence, but no proof. Echo requests with the source address
of a client give proof (`hadirector.doctor.echo`). If the real server replies to requests of this
host, but no reply to the client comes here, its route to the client does not lead through this
director.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from hadirector.doctor.diagnosis.facts import (
    OFF_LINK_CLIENT,
    Echo,
    ExaminedServer,
    Facts,
    KernelRoute,
    client_interface,
    subnet_of,
    virtual_addresses,
)
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ForwardingMethod

NAMES_MAX = 3
"""Real servers that the finding about missing proof names."""

_CANDIDATES_MAX = 15
"""Addresses at the end of a subnet that may stand for a client."""


class _ReturnPath(NamedTuple):
    """A real server behind nat, the route to it, and the interface that clients arrive on."""

    server: ExaminedServer
    route: KernelRoute
    interface: str | None

    @property
    def control(self) -> Echo:
        """The echo that shows that the real server replies to echo requests in general."""
        return Echo(self.server.address, self.route.source)


def echo_requests(
    configuration: Configuration, facts: Facts, servers: Iterable[ExaminedServer]
) -> tuple[Echo, ...]:
    """Choose the echo requests that prove the return paths.

    No request is sent while another director may hold virtual addresses, because real servers
    may send their replies to that director.
    """
    if not _holds_all_addresses(configuration, facts):
        return ()
    return tuple(
        dict.fromkeys(
            echo
            for path in _return_paths(configuration, facts, servers)
            if ":" not in path.server.address and path.route.source
            for echo in (path.control, *_client_echoes(path, facts))
        )
    )


def return_path_findings(
    configuration: Configuration, facts: Facts, servers: Iterable[ExaminedServer]
) -> Iterator[Finding]:
    """Report return paths that do not lead through this director, or that are not proven."""
    unproven = []
    for path in _return_paths(configuration, facts, servers):
        sent = [echo for echo in _client_echoes(path, facts) if echo in facts.echo_requests]
        if path.control in facts.echo_replies and sent:
            for echo in sent:
                if echo not in facts.echo_replies:
                    yield _wrong_path(path, echo.client, named=echo.client in facts.clients)
        else:
            unproven.append(path.server.name)
            yield from _suspicion(path, facts)
    if unproven:
        yield _not_proven(unproven, configuration, facts)


def _holds_all_addresses(configuration: Configuration, facts: Facts) -> bool:
    held = (text for instance in configuration.vrrp for text in instance.held_addresses)
    return all(text.partition("/")[0] in facts.addresses for text in held)


def _return_paths(
    configuration: Configuration, facts: Facts, servers: Iterable[ExaminedServer]
) -> Iterator[_ReturnPath]:
    for server in servers:
        route = facts.routes.get(server.address)
        nat = server.forwarding is ForwardingMethod.NAT
        if nat and route is not None and not route.local:
            interface = client_interface(server.virtual_server, configuration, facts.addresses)
            yield _ReturnPath(server, route, interface)


def _client_echoes(path: _ReturnPath, facts: Facts) -> tuple[Echo, ...]:
    """Choose the clients whose return path is tested: the clients that the operator named.

    Without named clients, choose a client behind a router, and a client in the real server's own
    subnet if clients arrive on that interface.
    """
    if facts.clients:
        named = (client for client in facts.clients if client not in facts.addresses)
        return tuple(Echo(path.server.address, client) for client in named if ":" not in client)
    neighbor = _neighbor(path, facts)
    clients = (OFF_LINK_CLIENT,) if neighbor is None else (OFF_LINK_CLIENT, neighbor)
    return tuple(Echo(path.server.address, client) for client in clients)


def _neighbor(path: _ReturnPath, facts: Facts) -> str | None:
    """Choose the last address of the subnet that is free, as far as this host knows."""
    address, route = path.server.address, path.route
    if not route.on_link or route.interface != path.interface:
        return None
    subnet = subnet_of(route.interface, address, facts)
    if subnet is None:
        return None
    taken = {*facts.addresses, address, *virtual_addresses(path.server.virtual_server)}
    last = min(subnet.num_addresses - 1, _CANDIDATES_MAX + 1)
    candidates = (str(subnet[-number]) for number in range(2, last + 1))
    return next((candidate for candidate in candidates if candidate not in taken), None)


def _wrong_path(path: _ReturnPath, client: str, *, named: bool) -> Finding:
    """Report replies that take another path.

    This is an error for named clients and for clients behind a router. It is a warning for the real
    server's own subnet, which may have no clients.
    """
    source = path.route.source
    if client == OFF_LINK_CLIENT and not named:
        clients = f"clients behind a router (tested with {client}; --client tests another address)"
        remedy = (
            f"set the default route of the real server to this director ({source}, or a virtual"
            " address on that side), or use forwarding: fullnat"
        )
    else:
        clients = f"clients in its own subnet (tested with {client})"
        if named:
            clients = f"the client {client}"
        remedy = (
            "use forwarding: fullnat, or run"
            f" `ip route add CLIENT via {source}` on the real server for each client"
        )
    return Finding(
        code="replies_bypass_director",
        severity=Severity.ERROR if named or client == OFF_LINK_CLIENT else Severity.WARNING,
        place=path.server.place,
        what=f"{path.server.name}: its replies to {clients} do not return through this director, as"
        " nat requires (proven by an echo request with that source address)",
        remedy=remedy,
    )


def _suspicion(path: _ReturnPath, facts: Facts) -> Iterator[Finding]:
    """Report a path that does not lead through this director according to the routes of this host.

    This is an error for a named client, and a warning otherwise.
    """
    route, client = path.route, _client_on_segment(path, facts)
    remedy = "use forwarding: fullnat or dr, or add routes for these clients on the real server"
    if route.gateway is not None:
        what = f"is reached through the gateway {route.gateway}: its replies may not return"
        remedy = (
            "make sure that the gateway sends the replies to all clients to this director, or use"
            " forwarding: fullnat or tun"
        )
    elif client is not None:
        what = f"and the client {client} are neighbors on {route.interface}: replies do not return"
    elif not facts.clients and route.interface == path.interface:
        what = (
            f"is on {route.interface}, where clients arrive: replies to clients of its subnet do"
            " not return"
        )
    else:
        return
    yield Finding(
        code="replies_may_bypass_director",
        severity=Severity.WARNING if client is None else Severity.ERROR,
        place=path.server.place,
        what=f"{path.server.name}: {path.server.address} {what} through this director, as nat"
        " requires (according to the routes of this host; not proven)",
        remedy=remedy,
    )


def _client_on_segment(path: _ReturnPath, facts: Facts) -> str | None:
    """Return a named client on the segment of the real server."""
    for client in facts.clients:
        route = facts.routes.get(client)
        if route is not None and route.on_link and route.interface == path.route.interface:
            return client if path.route.on_link else None
    return None


def _not_proven(names: Sequence[str], configuration: Configuration, facts: Facts) -> Finding:
    listed = ", ".join(names[:NAMES_MAX])
    if len(names) > NAMES_MAX:
        listed += f", and {len(names) - NAMES_MAX} more"
    active = "the director that holds the virtual addresses"
    if not facts.prove:
        remedy = (
            f"run `hadirector doctor --prove` on {active}; it sends echo requests with the source"
            " address of a client (--client), which a firewall may drop or report as spoofed"
        )
    elif not _holds_all_addresses(configuration, facts):
        remedy = f"run `hadirector doctor --prove` on {active}: replies are sent to that director"
    else:
        remedy = (
            "the proof needs the capability CAP_NET_RAW, IPv4, and real servers that reply to echo"
            " requests (ping) of this host"
        )
    return Finding(
        code="return_path_not_proven",
        severity=Severity.NOTE,
        what=f"nat: it is not proven that replies return through this director from {listed}",
        remedy=remedy,
    )
