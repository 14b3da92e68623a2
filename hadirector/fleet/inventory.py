"""Reads the inventory of a fleet: a file that names its directors and how to reach them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from pydantic import ValidationError

from hadirector.api.endpoint import Endpoint, EndpointError, Remote, check_remote
from hadirector.config.document.document import Document, read_document
from hadirector.config.document.errors import ConfigError, Fault
from hadirector.config.document.explain import explain
from hadirector.config.document.finding import Claim, Finding, duplicates, prefix_path, wrong
from hadirector.config.document.syntax import decode
from hadirector.config.fleet.schema import FleetSection
from hadirector.config.keys.build import build_struct
from hadirector.config.keys.names import FilePath, Name
from hadirector.config.keys.readers import text
from hadirector.config.keys.section import Placed, Section, place_items
from hadirector.config.loader import read_file
from hadirector.model.fleet import SummaryStore

DIRECTORS_MAX: Final = 200
_API = text(
    r"(https?:/)?/[\x21-\x7e]{1,1023}",
    "https://HOST:PORT of a director, or the path of its Unix socket",
    "URL or absolute path",
)


class DirectorSection(Section):
    """A director of the fleet."""

    name: Name
    api: Annotated[str, _API]
    token_file: FilePath | None = None
    ca_file: FilePath | None = None


class InventorySection(Section):
    """The whole file. A director without a token file or CA file has the files at the top."""

    directors: list[DirectorSection]
    store: FleetSection | None = None
    token_file: FilePath | None = None
    ca_file: FilePath | None = None


class FleetDirector(msgspec.Struct, frozen=True):
    """A director of the inventory: its name, and where its API is."""

    name: str
    endpoint: Endpoint


class Inventory(msgspec.Struct, frozen=True):
    """The directors of a fleet, and the store of their summaries if there is one."""

    directors: tuple[FleetDirector, ...]
    store: SummaryStore | None = None


def load_inventory(path: str) -> Inventory:
    """Read a file. Raises ConfigError with every fault, and its place, value and expectation."""
    return parse_inventory(read_file(path), path)


def parse_inventory(data: bytes, file: str) -> Inventory:
    """Return the content of an inventory. Raises ConfigError."""
    document = read_document(decode(data, file), file, "directors")
    faults = list(document.faults)
    try:
        section = InventorySection.model_validate(document.value)
    except ValidationError as error:
        faults += explain(error.errors(include_url=False), document, InventorySection)
        raise ConfigError(faults) from error
    faults += [_fault(each, document) for each in _findings(section)]
    if faults:
        raise ConfigError(faults)
    return Inventory(
        tuple(FleetDirector(each.name, _endpoint(section, each)) for each in section.directors),
        None if section.store is None else build_struct(SummaryStore, section.store),
    )


def _findings(section: InventorySection) -> Iterator[Finding]:
    count = len(section.directors)
    if not 1 <= count <= DIRECTORS_MAX:
        message = wrong(f"{count} directors", f"1 to {DIRECTORS_MAX}")
        yield Finding(("directors",), message)
    placed: tuple[Placed[DirectorSection], ...] = place_items(("directors",), section.directors)
    for key in ("name", "api"):
        yield from duplicates(
            Claim((*path, key), getattr(each, key), f"{key} {getattr(each, key)}")
            for path, each in placed
        )
    for path, each in placed:
        endpoint = _endpoint(section, each)
        if isinstance(endpoint, str):
            for key in ("token_file", "ca_file"):
                if getattr(each, key) is not None:
                    message = "a Unix socket needs none: leave it out, or give a URL in api"
                    yield Finding((*path, key), message)
            continue
        try:
            check_remote(endpoint)
        except EndpointError as error:
            yield Finding((*path, "api"), str(error))


def _endpoint(section: InventorySection, director: DirectorSection) -> Endpoint:
    if director.api.startswith("/"):
        return director.api
    return Remote(
        director.api,
        director.token_file or section.token_file,
        director.ca_file or section.ca_file,
    )


def _fault(finding: Finding, document: Document) -> Fault:
    return Fault(document.place(finding.path), prefix_path(finding.path, finding.message))
