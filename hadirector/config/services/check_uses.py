"""Finds the check of each real server, which may be defined at several places of the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hadirector.config.checks.schema import NONE, CheckSection
from hadirector.config.director.schema import DirectorSection
from hadirector.config.document.finding import Path
from hadirector.config.services.schema import VirtualServerSection
from hadirector.model.ipvs import ForwardingMethod

DIRECTOR_CHECK: Path = ("director", "check")


class Use(NamedTuple):
    """The check of a real server, its own or inherited, with the path of the check."""

    path: Path
    section: CheckSection
    address: str
    forwarding: ForwardingMethod


def check_uses(
    path: Path, server: VirtualServerSection, director: DirectorSection
) -> Iterator[Use]:
    """Yield the checks of the real servers of a pool, and the check of its sorry server."""
    inherited: tuple[Path, CheckSection | None] = (DIRECTOR_CHECK, director.check)
    if server.check is not None:
        inherited = ((*path, "check"), server.check)
    for step, real_server in server.members:
        place, check = inherited
        if real_server.check is not None:
            place, check = (*path, *step, "check"), real_server.check
        if check is not None and check.type != NONE:
            forwarding = server.forwarding_of(real_server)
            # Servers from a source have the address family of the virtual server.
            address = real_server.address.address or server.keys[0].address
            yield Use(place, check, address, forwarding)
    sorry = server.sorry_server
    if sorry is not None and sorry.check is not None and sorry.check.type != NONE:
        place = (*path, "sorry_server", "check")
        yield Use(place, sorry.check, sorry.address.address, server.forwarding_of(sorry))
