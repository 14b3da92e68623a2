"""Rules for the address of a virtual server: one address, several, or a firewall mark."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.document.finding import Finding, Path, wrong
from hadirector.config.services.schema import SERVICES_MAX, VirtualServerSection


def place_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Yield the reasons why a virtual server has no IPVS service. Other rules need its services."""
    listed = server.addresses if "addresses" in server.model_fields_set else None
    places = {"address": server.address, "addresses": listed, "fwmark": server.fwmark}
    given = [key for key, value in places.items() if value is not None]
    if not given:
        yield Finding(path, 'the key "address" is missing (or "addresses", or "fwmark")')
    for key in given[1:]:
        yield Finding((*path, key), f"a virtual server has either {given[0]} or {key}, not both")
    if given == ["addresses"]:
        yield from _addresses_findings((*path, "addresses"), server)


def _addresses_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    number = len(server.keys)
    if not number:
        yield Finding(path, wrong("an empty list", "addresses with their ports"))
    elif number > SERVICES_MAX:
        message = f"each address and port is a service (expected at most {SERVICES_MAX} services)"
        yield Finding(path, message)
    elif server.name is None:
        yield Finding(path, 'a virtual server with addresses needs a name (the key "name")')
    for index, ports in enumerate(server.addresses):
        if (":" in ports.address) != (":" in server.addresses[0].address):
            message = wrong(ports.address, "an address of the same family as the first address")
            yield Finding((*path, index), message)
