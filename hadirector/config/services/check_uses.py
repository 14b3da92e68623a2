"""Finds the checks as real servers have them, from wherever in the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hadirector.config.checks.schema import NONE, CheckSection
from hadirector.config.document.finding import Path
from hadirector.config.keys.section import valid_items
from hadirector.config.schema import DirectorSection, VirtualServerSection

OF_DIRECTOR: Path = ("director", "check")


class Use(NamedTuple):
    """A check as the real server of ``address`` has it, from ``path`` or from one above it."""

    path: Path
    section: CheckSection
    address: str


def uses_of(path: Path, server: VirtualServerSection, director: DirectorSection) -> Iterator[Use]:
    """Go through the checks that are in force for its real servers, and its sorry server's own."""
    inherited: tuple[Path, CheckSection | None] = (OF_DIRECTOR, director.check)
    if server.check is not None:
        inherited = ((*path, "check"), server.check)
    for index, each in valid_items(server.real_servers):
        place, check = inherited
        if each.check is not None:
            place, check = (*path, "real_servers", index, "check"), each.check
        if check is not None and check.type != NONE:
            yield Use(place, check, each.address.address)
    sorry = server.sorry_server
    if sorry is not None and sorry.check is not None and sorry.check.type != NONE:
        yield Use((*path, "sorry_server", "check"), sorry.check, sorry.address.address)
