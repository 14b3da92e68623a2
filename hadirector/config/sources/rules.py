"""Rules for sources: each has one location, and each pool uses a source that exists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from hadirector.config.document.errors import quote
from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.section import Placed
from hadirector.config.services.schema import VirtualServerSection
from hadirector.config.sources.schema import SourceSection

SOURCES_MAX: Final = 100
_LOCATION: Final = {"file": "path", "http": "url", "dns": "domain"}
_ONLY: Final = {
    "token_file": "http",
    "ca_file": "http",
    "port": "dns",
}


def source_list_findings(sources: Sequence[Placed[SourceSection]]) -> Iterator[Finding]:
    """Yield the faults of the sources."""
    if len(sources) > SOURCES_MAX:
        message = wrong(f"{len(sources)} sources", f"at most {SOURCES_MAX}")
        yield Finding(("sources",), message)
    yield from duplicates(
        Claim((*path, "name"), section.name, f"source {section.name}") for path, section in sources
    )
    for path, section in sources:
        yield from _location_findings(path, section)


def _location_findings(path: Path, section: SourceSection) -> Iterator[Finding]:
    needed = _LOCATION[section.type]
    for key in _LOCATION.values():
        if key == needed and getattr(section, key) is None:
            yield Finding(path, f"a source of the type {section.type} needs {key}")
        elif key != needed and getattr(section, key) is not None:
            yield Finding((*path, key), _not_with(key, section))
    for key, kind in _ONLY.items():
        if key in section.model_fields_set and section.type != kind:
            yield Finding((*path, key), _not_with(key, section))
    if section.type == "dns" and "format" in section.model_fields_set:
        yield Finding((*path, "format"), _not_with("format", section))
    url = section.url
    if url is not None and not url.startswith(("http://", "https://")):
        yield Finding((*path, "url"), wrong(url, "a URL with http:// or https://"))


def _not_with(key: str, section: SourceSection) -> str:
    return f"a source of the type {section.type} has no {key}; leave this out"


def discovery_findings(
    servers: Sequence[Placed[VirtualServerSection]], sources: Sequence[Placed[SourceSection]]
) -> Iterator[Finding]:
    """Yield the faults of real servers that come from a source."""
    names = [section.name for _, section in sources]
    for path, server in servers:
        for step, member in server.members:
            if member.source is None:
                continue
            place = (*path, *step)
            if member.source not in names:
                close = get_close_matches(member.source, names, n=1)
                hint = f", did you mean {quote(close[0])}?" if close else ""
                message = f"no source has the name {quote(member.source)}{hint}"
                yield Finding((*place, "from"), message)
            if "address" in member.model_fields_set:
                message = "from and address exclude each other: the source names the addresses"
                yield Finding((*place, "address"), message)
            if member.notify:
                message = "real servers from a source have the notify scripts of their pool"
                yield Finding((*place, "notify"), message)
            check = member.check or server.check
            if check is not None and check.via is not None:
                message = "a check with via: vip needs real servers with fixed addresses"
                yield Finding((*place, "from"), message)
        if server.admission is not None and not any(each.source for _, each in server.members):
            message = "admission limits the changes of a source, and no real server has from"
            yield Finding((*path, "admission"), message)
