"""Translates the destinations of clients: an address, a firewall mark, or a group of both."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.node import Node, scalar, sequence
from hadirector.config.keepalived.syntax.statement import Place, Statement, Word
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.values import endpoint

SERVICES_MAX: Final = 1000
_MARK_MAX: Final = 2**32 - 1
_FAMILIES: Final = {"inet": "ipv4", "inet6": "ipv6"}
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_.:@\[\]-]")
_PORT: Final = re.compile(r"[0-9]{1,5}", re.ASCII)

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Service(NamedTuple):
    """The keys of one virtual server that define its addresses, ports and firewall marks.

    ``port`` is the port of all services, None if they have different ports; 0 stands for all
    ports.
    """

    keys: dict[str, Node | None]
    port: int | None = None
    is_mark: bool = False


def read_services(
    statement: Statement, block: Block, groups: Mapping[str, Statement], family: str, suffix: str
) -> list[Service]:
    """Return the virtual servers that one `virtual_server` statement defines.

    ``family`` is the address family of a firewall mark for which the file has none. ``suffix``
    is added to the name of a group, so that its names for several protocols differ.
    """
    first, *rest = statement.arguments
    if first.text == "group" and rest:
        group = groups.get(rest[0].text)
        if group is None:
            block.fault(rest[0].place, f"unknown virtual_server_group {quote(rest[0].text)}")
            return []
        return _Group(block, rest[0], family, suffix).read(group)
    if first.text == "fwmark" and rest:
        mark = _read_mark(block, rest[0])
        return [] if mark is None else [_mark_service(mark, rest[0].place, family)]
    port = read_port(block, rest[0] if rest else None) or 0
    return [Service({"address": scalar(endpoint(first.text, port), first.place)}, port)]


def read_port(block: Block, word: Word | None) -> int | None:
    """Read the port after an address; None if there is none, or if it is 0."""
    if word is None:
        return None
    if not _PORT.fullmatch(word.text) or int(word.text) > 65535:
        expected = f"wrong port (got {quote(word.text)}, expected a number from 0 to 65535)"
        block.fault(word.place, expected)
        return None
    return int(word.text) or None


def _read_mark(block: Block, word: Word) -> int | None:
    if word.text.isdecimal() and 1 <= int(word.text) <= _MARK_MAX:
        return int(word.text)
    message = f"wrong firewall mark (got {quote(word.text)}, expected 1 to {_MARK_MAX})"
    block.fault(word.place, message)
    return None


def _mark_service(mark: int, place: Place, family: str, name: str | None = None) -> Service:
    keys: dict[str, Node | None] = {
        "name": scalar(name, place) if name else None,
        "fwmark": scalar(mark, place),
        "family": scalar(family, place) if family == "ipv6" else None,
    }
    return Service(keys, is_mark=True)


class _Group:
    """Reads a group: a virtual server for each family, each mark and each address without port."""

    def __init__(self, block: Block, name: Word, family: str, suffix: str) -> None:
        self._block = block
        self._place = name.place
        self._name = _NO_NAME.sub("-", name.text)[:40]
        self._family = family
        self._suffix = suffix
        self._addresses: dict[int, list[Node]] = {4: [], 6: []}
        self._ports: dict[int, set[int]] = {4: set(), 6: set()}
        self._services: list[Service] = []

    def read(self, group: Statement) -> list[Service]:
        for line in group.block or ():
            first, *rest = line.words
            if first.text == "fwmark" and rest:
                self._add_mark(rest)
            else:
                self._add_addresses(first, rest[0] if rest else None)
        ranges = [
            Service(
                {
                    "name": scalar(f"{self._name}{'-ipv6' * (version == 6)}{self._suffix}", place),
                    "addresses": sequence(place, addresses),
                },
                self._ports[version].pop() if len(self._ports[version]) == 1 else None,
            )
            for version, addresses in self._addresses.items()
            if addresses
            for place in (addresses[0].place,)
        ]
        return [*ranges, *self._services]

    def _add_mark(self, words: list[Word]) -> None:
        mark = _read_mark(self._block, words[0])
        family = self._family
        if len(words) > 1:
            if words[1].text not in _FAMILIES:
                message = f"wrong family (got {quote(words[1].text)}, expected inet or inet6)"
                self._block.fault(words[1].place, message)
            family = _FAMILIES.get(words[1].text, family)
        if mark is not None:
            name = f"{self._name}-fwmark-{mark}{'-ipv6' * (family == 'ipv6')}"
            self._services.append(_mark_service(mark, words[0].place, family, name))

    def _add_addresses(self, word: Word, port_word: Word | None) -> None:
        port = read_port(self._block, port_word)
        for address in self._expand(word):
            if sum(map(len, self._addresses.values())) + len(self._services) >= SERVICES_MAX:
                message = (
                    f"the group has more than {SERVICES_MAX} addresses; use a firewall mark for"
                    " them"
                )
                self._block.fault(word.place, message)
                return
            node = scalar(endpoint(str(address), port or 0), word.place)
            if port is None:
                name = f"{self._name}-{address}{self._suffix}"
                keys: dict[str, Node | None] = {"name": scalar(name, word.place), "address": node}
                self._services.append(Service(keys, 0))
            else:
                self._addresses[address.version].append(node)
                self._ports[address.version].add(port)

    def _expand(self, word: Word) -> Iterator[IpAddress]:
        try:
            first, last = _range(word.text)
        except ValueError:
            message = (
                f"wrong address (got {quote(word.text)}, expected ADDRESS, ADDRESS-LAST or"
                " ADDRESS/LENGTH)"
            )
            self._block.fault(word.place, message)
            return
        for number in range(int(first), int(last) + 1):
            yield type(first)(number)


def _range(text: str) -> tuple[IpAddress, IpAddress]:
    """Return the first and the last address. Raises ValueError if the text is no range."""
    if "/" in text:
        network = ipaddress.ip_network(text)
        return network[0], network[-1]
    start, dash, end = text.partition("-")
    first = ipaddress.ip_address(start)
    if not dash:
        return first, first
    if "." in end or ":" in end:
        last = ipaddress.ip_address(end)
    else:  # The end is the last byte of an IPv4 address, or the last 16 bits of an IPv6 address.
        base, bits = (16, 16) if first.version == 6 else (10, 8)
        value = int(end, base)
        if value >> bits:
            raise ValueError(end)
        last = type(first)((int(first) >> bits << bits) + value)
    if last.version != first.version or int(last) < int(first):
        raise ValueError(text)
    return first, last


def read_family(block: Block) -> str | None:
    """Read `ip_family`; None if the block does not have it."""
    statement = block.last("ip_family")
    if statement is None:
        return None
    if statement.arguments[0].text not in _FAMILIES:
        block.wrong(statement, "inet or inet6")
    return _FAMILIES.get(statement.arguments[0].text)
