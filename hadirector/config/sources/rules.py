"""Rules for sources: each has the keys of its type, and each pool uses a source that exists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from hadirector.config.document.errors import quote
from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.section import Placed
from hadirector.config.services.schema import VirtualServerSection
from hadirector.config.sources.schema import SourceSection
from hadirector.model.discovery import OVERRIDES_FORMAT

SOURCES_MAX: Final = 100
_NEEDED: Final = {
    "file": ("path",),
    "http": ("url",),
    "dns": ("domain",),
    "etcd": ("url",),
    "kubernetes": ("url", "service"),
    "consul": ("url", "service"),
}
_SERVERS: Final = ("http", "etcd", "kubernetes", "consul")
_ONLY: Final = {
    "path": ("file",),
    "url": _SERVERS,
    "domain": ("dns",),
    "key": ("etcd",),
    "prefix": ("etcd",),
    "service": ("kubernetes", "consul"),
    "namespace": ("kubernetes",),
    "format": ("file", "http", "etcd"),
    "poll": ("file", "http"),
    "wait": ("http",),
    "token_file": _SERVERS,
    "ca_file": _SERVERS,
    "port": ("dns",),
    "port_name": ("file", "http", "etcd", "kubernetes"),
    "records": ("dns",),
    "family": ("dns", "kubernetes"),
    "nameserver": ("dns",),
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
        yield from _key_findings(path, section)
    with_overrides = [path for path, section in sources if section.format == OVERRIDES_FORMAT]
    for path in with_overrides[1:]:
        message = "only one source can have the format overrides"
        yield Finding((*path, "format"), message, with_overrides[0])


def _key_findings(path: Path, section: SourceSection) -> Iterator[Finding]:
    for key in _NEEDED[section.type]:
        if getattr(section, key) is None:
            yield Finding(path, f"a source of the type {section.type} needs {key}")
    for key, kinds in _ONLY.items():
        if key in section.model_fields_set and section.type not in kinds:
            yield Finding((*path, key), _not_with(key, section))
    if section.type == "etcd":
        yield from _etcd_findings(path, section)
    if section.port_name and section.type != "kubernetes" and section.format != "endpoint_slices":
        message = "only the format endpoint_slices has names of ports; leave this out"
        yield Finding((*path, "port_name"), message)


def _etcd_findings(path: Path, section: SourceSection) -> Iterator[Finding]:
    if (section.key is None) == (section.prefix is None):
        yield Finding(path, "a source of the type etcd needs either key or prefix")
    if section.prefix is not None and "format" in section.model_fields_set:
        message = "with prefix, each key has one member in our own format; leave this out"
        yield Finding((*path, "format"), message)


def _not_with(key: str, section: SourceSection) -> str:
    return f"a source of the type {section.type} has no {key}; leave this out"


def discovery_findings(
    servers: Sequence[Placed[VirtualServerSection]], sources: Sequence[Placed[SourceSection]]
) -> Iterator[Finding]:
    """Yield the faults of real servers that come from a source."""
    names = [section.name for _, section in sources]
    of_overrides = {section.name for _, section in sources if section.format == OVERRIDES_FORMAT}
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
            if member.source in of_overrides:
                message = f"the source {quote(member.source)} has overrides, and no real servers"
                yield Finding((*place, "from"), message)
            if "address" in member.model_fields_set:
                message = "from and address cannot be combined: the source has the addresses"
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
