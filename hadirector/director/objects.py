"""Finds the objects of a configuration that a request names."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from hadirector.director.request_errors import RequestError, UnknownObjectError, list_names
from hadirector.model.configuration import Configuration, RealServer, VirtualServer


def find_virtual_server(configuration: Configuration, name: str) -> VirtualServer:
    """Find a virtual server. Raises UnknownObjectError."""
    servers = {server.name: server for server in configuration.virtual_servers}
    if name not in servers:
        raise UnknownObjectError("virtual server", name, servers)
    return servers[name]


def find_real_server(configuration: Configuration, name: str) -> tuple[VirtualServer, RealServer]:
    """Find VIRTUAL_SERVER/REAL_SERVER, where the port is optional. Raises RequestError."""
    first, _, second = name.partition("/")
    server = find_virtual_server(configuration, first)
    members = server.real_servers
    exact = [member for member in members if member.name == second]
    found = exact or [member for member in members if member.key.address == second]
    if len(found) == 1:
        return server, found[0]
    names = [member.name for member in members]
    if not found:
        raise UnknownObjectError("real server", name, [f"{first}/{each}" for each in names])
    fault = f"several real servers of {first} have the address {second}"
    raise RequestError(f"{fault} ({list_names(names)})")


def select_real_servers(
    configuration: Configuration, virtual_server: str, real_server: str
) -> list[tuple[VirtualServer, RealServer]]:
    """Return the real servers that two patterns select, in the order of the configuration.

    ``*`` in a pattern stands for any text. An address without a port selects every port. Raises
    UnknownObjectError if the patterns select nothing.
    """
    servers = {server.name: server for server in configuration.virtual_servers}
    chosen = {name: each for name, each in servers.items() if fnmatchcase(name, virtual_server)}
    if not chosen:
        raise UnknownObjectError("virtual server", virtual_server, servers)
    found = [
        (server, member)
        for server in chosen.values()
        for member in server.real_servers
        if fnmatchcase(member.name, _escape(real_server))
        or fnmatchcase(member.key.address, _escape(real_server))
    ]
    if not found:
        raise UnknownObjectError("real server", real_server, _addresses(chosen))
    return found


def _escape(pattern: str) -> str:
    """Take the brackets of an IPv6 address literally, not as a set of characters."""
    return pattern.replace("[", "[[]")


def _addresses(servers: Mapping[str, VirtualServer]) -> list[str]:
    return list(
        dict.fromkeys(
            member.key.address for server in servers.values() for member in server.real_servers
        )
    )
