"""Rules for the port that a check probes: by default the port of the real server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import starmap

from checks.definition.queries import transports
from hadirector.config.checks.schema import NONE, CheckSection
from hadirector.config.director.schema import DirectorSection
from hadirector.config.document.finding import Finding, Path
from hadirector.config.pools.schema import RealServerSection, destination
from hadirector.config.services.schema import VirtualServerSection
from hadirector.model.ipvs import Protocol


def probed_port_findings(
    path: Path, server: VirtualServerSection, director: DirectorSection
) -> Iterator[Finding]:
    """Yield checks that need a port of their own, because the real server's port is not suitable.

    A check that several real servers inherit is one finding.
    """
    inherited = server.check or director.check
    key = server.place_key if server.protocol is Protocol.TCP else "protocol"
    inherited_place = (*path, key if server.check is None else "check")
    found: dict[Path, str] = {}
    for step, real_server in server.members:
        own_place = (*path, *step, "check")
        place = inherited_place if real_server.check is None else own_place
        if message := _port_message(server, real_server, real_server.check or inherited):
            found.setdefault(place, message)
    yield from starmap(Finding, found.items())


def _port_message(
    server: VirtualServerSection, real_server: RealServerSection, check: CheckSection | None
) -> str | None:
    """Return why a check needs a port of its own; None if it does not need one."""
    if check is not None and (check.type == NONE or check.port is not None):
        return None
    probed = frozenset({"tcp"}) if check is None else transports(check.probe)
    if not probed:
        return None
    others = sorted(probed - {server.protocol.value})
    if others and server.fwmark is None:
        return (
            f"the check probes a {others[0]} port, but the virtual server serves the"
            f" {server.protocol} port of this number: choose another type of check, add a port to"
            " the check, or write check: none"
        )
    if not destination(real_server.address, server.port).port:
        return "there are several ports to probe: add a port to the check, or write check: none"
    return None
