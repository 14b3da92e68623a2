"""The host and service names in a ldirectord.cf, with their addresses and ports."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from hadirector.config.keepalived.syntax.statement import Statement

_REAL: Final = re.compile(
    r"(?P<first>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._+-]+?)"
    r"(?:->(?P<last>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._+-]+?))?"
    r"(?::(?P<port>[A-Za-z0-9_-]+))?(?:[ \t]+(?P<rest>.*))?"
)
_VIRTUALS: Final = frozenset({"virtual", "virtual6"})
_FALLBACKS: Final = frozenset({"fallback", "fallback6"})
_REALS: Final = frozenset({"real", "real6"})


class Names(NamedTuple):
    """The addresses of host names, and the ports of service names such as http.

    A host name is resolved for an address family: the key is the name and whether it is IPv6.
    """

    hosts: Mapping[tuple[str, bool], str]
    services: Mapping[str, int]


class Server(NamedTuple):
    """The parts of `ADDRESS[->LAST][:PORT] [rest]`, as texts from the file."""

    first: str
    last: str | None
    port: str | None
    rest: str


def split_server(value: str) -> Server | None:
    """Split the value of ``real``, ``fallback`` or ``virtual``; None if it has another form."""
    found = _REAL.fullmatch(value.strip())
    if found is None:
        return None
    last = found["last"]
    return Server(
        found["first"].strip("[]"),
        last.strip("[]") if last else None,
        found["port"],
        (found["rest"] or "").strip(),
    )


def find_names(root: Sequence[Statement]) -> tuple[set[tuple[str, bool]], set[str]]:
    """Return the host names of a file, each with its address family, and the service names."""
    hosts: set[tuple[str, bool]] = set()
    services: set[str] = set()
    for keyword, value in _servers(root):
        server = split_server(value)
        if server is None or (keyword in _VIRTUALS and value.isdecimal()):
            continue
        is_ipv6 = keyword.endswith("6")
        named = {name for name in (server.first, server.last) if name and not is_address(name)}
        hosts |= {(name, is_ipv6) for name in named}
        if server.port is not None and not server.port.isdecimal():
            services.add(server.port)
    return hosts, services


def _servers(statements: Sequence[Statement]) -> Iterator[tuple[str, str]]:
    for each in statements:
        if each.keyword.text in _VIRTUALS | _FALLBACKS | _REALS and each.arguments:
            yield each.keyword.text, each.arguments[0].text
        yield from _servers(each.block or ())


def is_address(text: str) -> bool:
    """Return whether a text is a literal address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
