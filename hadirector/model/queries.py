"""Queries on a configuration that several rooms use. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from checks.definition.check import CheckDefinition
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.ipvs import ConnectionTimeouts, ServiceKey


def find_successors(old: Configuration, new: Configuration) -> tuple[tuple[str, str], ...]:
    """Return the real servers whose address another server of the source had before.

    Each is the name of a virtual server and of a real server. A server whose source has just begun
    to send identities is the same server.
    """
    before = {
        (server.name, real_server.name): real_server.identity
        for server in old.virtual_servers
        if server.discovered
        for real_server in server.real_servers
        if real_server.identity
    }
    return tuple(
        (server.name, real_server.name)
        for server in new.virtual_servers
        if server.discovered
        for real_server in server.real_servers
        if real_server.identity
        and before.get((server.name, real_server.name), real_server.identity)
        != real_server.identity
    )


def checks_by_identity(configuration: Configuration) -> dict[str, CheckDefinition]:
    """Return all checks to run, by identity. A check that several pools share occurs once."""
    return {check.identity: check for _, _, check in checked_real_servers(configuration)}


def services_by_check(configuration: Configuration) -> dict[str, frozenset[ServiceKey]]:
    """Return, for every check, the services whose pools depend on it."""
    found: dict[str, set[ServiceKey]] = {}
    for server, _, check in checked_real_servers(configuration):
        found.setdefault(check.identity, set()).update(server.keys)
    return {identity: frozenset(keys) for identity, keys in found.items()}


def needs_ipvs(configuration: Configuration) -> bool:
    """Return whether a configuration needs IPVS in the kernel. VRRP alone does not need IPVS."""
    return configuration.dataplane == "ipvs" and bool(
        configuration.virtual_servers
        or configuration.sync_daemon is not None
        or configuration.connection_timeouts != ConnectionTimeouts()
    )


def names_by_service(configuration: Configuration) -> dict[ServiceKey, str]:
    """Return the name of the virtual server of each service."""
    return {key: server.name for server in configuration.virtual_servers for key in server.keys}


def initially_up_checks(configuration: Configuration) -> frozenset[str]:
    """Return the checks of real servers that serve before their first probe has ended."""
    return frozenset(
        real_server.check.identity
        for server in configuration.virtual_servers
        for real_server in server.all_servers
        if real_server.check is not None and server.is_initially_up(real_server)
    )


def checked_real_servers(
    configuration: Configuration,
) -> Iterator[tuple[VirtualServer, RealServer, CheckDefinition]]:
    """Yield every real server that has a check, sorry servers included."""
    for server in configuration.virtual_servers:
        for real_server in server.all_servers:
            if real_server.check is not None:
                yield server, real_server, real_server.check
