"""Translates the real servers and the fallback server of a ``virtual`` section."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.ldirectord.names import Names, is_address, split_server
from hadirector.config.keepalived.syntax.statement import Place, Statement
from hadirector.config.keepalived.translate.block import Block
from hadirector.model.ipvs import ForwardingMethod

METHODS: Final = {
    "masq": ForwardingMethod.NAT,
    "gate": ForwardingMethod.DR,
    "ipip": ForwardingMethod.TUN,
}
_OPTIONS: Final = re.compile(
    r"(?P<method>\w+)(?:\s+(?P<weight>[0-9]{1,5}))?"
    r'(?:\s+"(?P<request>[^"]*)"\s*[, ]\s*"(?P<receive>[^"]*)")?'
    r"(?:\s+l:(?P<lower>[0-9]{1,9}))?(?:\s+u:(?P<upper>[0-9]{1,9}))?"
)
_RANGE_MAX: Final = 65536


class Real(NamedTuple):
    """One real server. ``port`` is None if the line has no port."""

    place: Place
    key: Place
    address: str
    port: int | None
    method: ForwardingMethod
    weight: int
    request: str | None
    receive: str | None
    lower: int
    upper: int


def read_reals(block: Block, names: Names) -> list[Real]:
    """Return the real servers. An address range becomes one real server for each address."""
    return [real for each in block.all("real", "real6") for real in _read(block, each, names)]


def read_fallback(block: Block, names: Names, *, ipv6: bool) -> Real | None:
    """Return the fallback server of a section; None without one."""
    statement = block.last("fallback6" if ipv6 else "fallback")
    return next(_read(block, statement, names, method="gate"), None) if statement else None


def read_port(block: Block, place: Place, text: str | None, names: Names) -> int | None:
    """Return the number of a port; None for no port."""
    if text is None:
        return None
    port = int(text) if text.isdecimal() and len(text) <= 5 else names.services.get(text)
    if port is None or port > 65535:
        block.fault(place, f"unknown service {quote(text)} (expected a port number, or a name of"
                    " /etc/services)")  # fmt: skip
        return None
    return port or None


def read_host(block: Block, place: Place, text: str, names: Names, *, ipv6: bool) -> str | None:
    """Return the address of a host. If a name was looked up, add a note."""
    if is_address(text):
        return str(ipaddress.ip_address(text))
    address = names.hosts.get((text, ipv6))
    if address is None:
        block.fault(place, f"unknown host {quote(text)} (expected an address or a name of a host)")
        return None
    block.note(
        "host name",
        place,
        f"hadirector uses the current address of {text}, {address}, and does not resolve the"
        " name again",
    )
    return address


def _read(
    block: Block, statement: Statement, names: Names, method: str | None = None
) -> Iterator[Real]:
    word, is_ipv6 = statement.arguments[0], statement.keyword.text.endswith("6")
    server = split_server(word.text)
    options = _OPTIONS.fullmatch(server.rest or method or "") if server else None
    if server is None or options is None or options["method"] not in METHODS:
        expected = (
            'HOST[->HOST][:PORT] gate|masq|ipip [WEIGHT] ["REQUEST", "RECEIVE"] [l:N] [u:N]'
            if method is None
            else "HOST[:PORT] [gate|masq|ipip]"
        )
        block.wrong(statement, expected)
        return
    first = read_host(block, word.place, server.first, names, ipv6=is_ipv6)
    last = read_host(block, word.place, server.last, names, ipv6=is_ipv6) if server.last else first
    if first is None or last is None:
        return
    port = read_port(block, word.place, server.port, names)
    start, end = ipaddress.ip_address(first), ipaddress.ip_address(last)
    if start.version != end.version or not 0 <= int(end) - int(start) < _RANGE_MAX:
        block.wrong(statement, f"a range of at most {_RANGE_MAX} addresses, the lower one first")
        return
    for number in range(int(start), int(end) + 1):
        yield Real(
            word.place,
            statement.keyword.place,
            str(type(start)(number)),
            port,
            METHODS[options["method"]],
            int(options["weight"] or 1),
            options["request"],
            options["receive"],
            int(options["lower"] or 0),
            int(options["upper"] or 0),
        )
