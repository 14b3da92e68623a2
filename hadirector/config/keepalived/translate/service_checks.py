"""Translates the checkers that test a port or a host, but no web page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from hadirector.config.keepalived.keywords.checkers import SMTP_HOST
from hadirector.config.keepalived.node import scalar, text
from hadirector.config.keepalived.syntax.statement import Statement
from hadirector.config.keepalived.translate.checker import Checker, Keys, Member

_HEXADECIMAL: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_ASCII_MAX: Final = 0x7F
_RECORDS: Final = frozenset({"A", "AAAA", "CNAME", "MX", "NS", "SOA", "TXT"})


def tcp(checker: Checker) -> list[Member]:
    """Translate TCP_CHECK."""
    return [checker.member("tcp", {}, transport="tcp")]


def ping(checker: Checker) -> list[Member]:
    """Translate PING_CHECK."""
    return [checker.member("ping", {}, transport=None)]


def smtp(checker: Checker) -> list[Member]:
    """Translate SMTP_CHECK. Each block `host` in it becomes a probe of its own."""
    block = checker.block
    name = block.last("helo_name")
    keys: Keys = {"ehlo_name": text(name.arguments[0], name.keyword) if name else None}
    hosts = [block.inner(each, SMTP_HOST, checker.context.options) for each in block.all("host")]
    connection = ("connect_ip", "connect_port", "bindto", "bind_if", "fwmark", "connect_timeout")
    own = [block] if block.all(*connection) or not hosts else []
    return [checker.member("smtp", keys, transport="tcp", host=host) for host in (*own, *hosts)]


def dns(checker: Checker) -> list[Member]:
    """Translate DNS_CHECK. By default it requests the SOA record of the root zone."""
    block = checker.block
    record, name = block.last("type"), block.last("name")
    if record is not None and record.arguments[0].text not in _RECORDS:
        block.wrong(record, f"one of {', '.join(sorted(_RECORDS))}")
        record = None
    soa = scalar("SOA", checker.place)
    keys: Keys = {
        "record": text(record.arguments[0], record.keyword) if record else soa,
        "name": text(name.arguments[0], name.keyword) if name else scalar(".", checker.place),
    }
    return [checker.member("dns", keys, transport="udp")]


def udp(checker: Checker) -> list[Member]:
    """Translate UDP_CHECK. Without require_reply, only an ICMP error is a failure."""
    block = checker.block
    payload, reply = block.last("payload"), block.last("require_reply")
    keys: Keys = {}
    if payload is not None and (digits := _read_bytes(checker, payload)) is not None:
        place, key = payload.arguments[0].place, payload.keyword.place
        keys["send"] = scalar(f"hex:{digits}", place, key)
    if reply is None:
        keys["require_reply"] = scalar(value=False, place=checker.place)
    elif reply.arguments and (digits := _read_bytes(checker, reply)) is not None:
        if all(byte <= _ASCII_MAX for byte in bytes.fromhex(digits)):
            pattern = "".join(rf"\x{byte:02x}" for byte in bytes.fromhex(digits))
            place, key = reply.arguments[0].place, reply.keyword.place
            keys["expect"] = scalar(rf"\A{pattern}", place, key)
        else:
            block.wrong(reply, "ASCII characters, because the reply is read as text")
    return [checker.member("udp", keys, transport="udp")]


def _read_bytes(checker: Checker, statement: Statement) -> str | None:
    digits = _join(statement)
    if _HEXADECIMAL.fullmatch(digits):
        return digits.lower()
    checker.block.wrong(statement, "pairs of hexadecimal digits")
    return None


def _join(statement: Statement) -> str:
    words: Sequence[str] = [word.text for word in statement.arguments]
    return "".join(words)
