"""Translates the check of a ``virtual`` section."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.ldirectord.servers import Real
from hadirector.config.keepalived.node import Node, mapping, scalar, sequence, text
from hadirector.config.keepalived.syntax.statement import Place, Statement
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.values import duration
from hadirector.model.ipvs import ForwardingMethod

Keys = dict[str, Node | None]

_SERVICE_OF_PORT: Final = {
    21: "ftp", 25: "smtp", 53: "dns", 80: "http", 110: "pop", 119: "nntp", 143: "imap",
    389: "ldap", 443: "https", 587: "submission", 636: "ldaps", 993: "imaps", 995: "pops",
    1521: "oracle", 1812: "radius", 3128: "http_proxy", 3306: "mysql", 5432: "pgsql", 5060: "sip",
}  # fmt: skip
_PORT_OF_SERVICE: Final = {service: port for port, service in _SERVICE_OF_PORT.items()}
_TYPES: Final = {
    "http": "http",
    "https": "https",
    "dns": "dns",
    "smtp": "smtp",
    "submission": "smtp",
    "simpletcp": "tcp",
    "mysql": "mysql",
    "pgsql": "postgres",
}
_SECONDS_MAX: Final = 3600
_GREETING: Final = frozenset({"ftp", "imap", "pop", "nntp"})


class Virtual(NamedTuple):
    """The parts of a ``virtual`` section that affect its check.

    ``port`` is None for a firewall mark.
    """

    block: Block
    outer: Block
    place: Place
    address: str
    port: int | None
    protocol: str | None


def translate_checks(virtual: Virtual, reals: Sequence[Real]) -> list[Node]:
    """Return the check of each real server."""
    timing = _timing(virtual)
    return [_translate(virtual, real, timing) for real in reals]


def _translate(virtual: Virtual, real: Real, timing: Keys) -> Node:
    kind = virtual.block.word("checktype")
    name = kind.text if kind else "negotiate"
    place = kind.place if kind else virtual.place
    service = _service(virtual)
    if name in ("on", "off"):
        return scalar("none", place)
    if name.isdecimal() and kind is not None:
        message = "every probe sends the request; ldirectord sends it in one of several checks"
        virtual.block.note("checktype", kind.place, message)
        name = "negotiate"
    if name == "negotiate" and service in ("none", ""):
        return scalar("none", place)
    keys = _probe(virtual, real, name, service, place)
    if keys is None:
        return scalar("none", place)
    return mapping(place, {**keys, **timing})


def _service(virtual: Virtual) -> str:
    word = virtual.block.word("service")
    return word.text if word else _SERVICE_OF_PORT.get(virtual.port or 0, "none")


def _probe(virtual: Virtual, real: Real, name: str, service: str, place: Place) -> Keys | None:
    block = virtual.block
    match name:
        case "ping":
            return {"type": scalar("ping", place)}
        case "connect":
            is_udp = virtual.protocol == "udp"
            if is_udp:
                return {"type": scalar("ping", place)}
            return {"type": scalar("tcp", place), "port": _port(virtual, real, service, place)}
        case "external" | "external-perl":
            return _script(virtual, real, service, place)
        case "negotiate" if service in _TYPES:
            kind = _TYPES[service]
            keys = _OPTIONS.get(service, _no_options)(virtual, real)
            return {
                "type": scalar(kind, place),
                "port": _port(virtual, real, service, place),
                **keys,
            }
        case "negotiate":
            _refuse_service(block, service, place)
        case _:
            expected = "negotiate, connect, ping, external, external-perl, on, off or a number"
            message = f"checktype: wrong value (got {quote(name)}, expected {expected})"
            block.fault(place, message)
    return None


def _refuse_service(block: Block, service: str, place: Place) -> None:
    word = block.word("service")
    remedy = "checktype = connect"
    if service in _GREETING:
        remedy += ", or service = simpletcp with the greeting in receive"
    message = f"service {service}: hadirector does not have this check; use {remedy}"
    block.fault(word.place if word else place, message)


def _port(virtual: Virtual, real: Real, service: str, place: Place) -> Node | None:
    """Return the port to probe, if it is not the port of the destination."""
    given = virtual.block.last("checkport")
    if given is not None:
        port = virtual.block.number(given, 1, 65535)
        place = given.arguments[0].place
    else:
        port = real.port or _PORT_OF_SERVICE.get(service)
    destination = (
        virtual.port if real.method is not ForwardingMethod.NAT else real.port or virtual.port
    )
    transport = "udp" if service == "dns" else "tcp"
    differs = port is not None and (port != destination or virtual.protocol != transport)
    return scalar(port, place) if port is not None and differs else None


def _script(virtual: Virtual, real: Real, service: str, place: Place) -> Keys:
    statement = virtual.block.last("checkcommand")
    script = _text(statement) or scalar("/bin/true", place)
    port = str(virtual.port or 0)
    checked = _port(virtual, real, service, place)
    if virtual.block.last("checkport") is not None:
        message = "the script gets the checkport; ldirectord gives it the port of the real server"
        virtual.block.note("checkport of a script", place, message)
    arguments = [scalar(virtual.address, place), scalar(port, place)]
    return {
        "type": scalar("script", place),
        "script": script,
        "arguments": sequence(place, arguments),
        "user": scalar("root", place),
        "port": checked,
    }


def _timing(virtual: Virtual) -> Keys:
    kind = virtual.block.word("checktype")
    place = kind.place if kind else virtual.place
    negotiates = kind is None or kind.text == "negotiate" or kind.text.isdecimal()
    interval = _seconds(virtual, 10.0, "checkinterval")
    first, second = "checktimeout", "negotiatetimeout"
    order = (second, first) if negotiates else (first, second)
    timeout = _seconds(virtual, 30.0 if negotiates else 5.0, *order)
    is_ping = kind is not None and kind.text == "ping"
    fall = _number(virtual, "checkcount" if is_ping else "failurecount")
    return {
        "interval": scalar(duration(interval), place),
        "timeout": scalar(duration(timeout), place),
        "rise": scalar(1, place),
        "fall": scalar(fall, place),
    }


def _seconds(virtual: Virtual, default: float, *names: str) -> float:
    for block in (virtual.block, virtual.outer):
        for name in names:
            if (statement := block.last(name)) is not None:
                return float(block.number(statement, 1, _SECONDS_MAX) or default)
    return default


def _number(virtual: Virtual, name: str) -> int:
    for block in (virtual.block, virtual.outer):
        if (statement := block.last(name)) is not None:
            return block.number(statement, 1, 100) or 1
    return 1


def _no_options(virtual: Virtual, real: Real) -> Keys:
    del virtual, real
    return {}


def _request(virtual: Virtual, real: Real) -> tuple[Node | None, str]:
    """Return the node and the text of the request; of the real server, or else of the virtual."""
    if real.request is not None:
        return scalar(real.request, real.place, real.key), real.request
    node = _text(virtual.block.last("request"))
    return node, "" if node is None else str(node.value)


def _receive(virtual: Virtual, real: Real) -> Node | None:
    if real.receive is not None:
        return scalar(real.receive, real.place, real.key) if real.receive else None
    node = _text(virtual.block.last("receive"))
    return node if node is not None and node.value else None


def _http(virtual: Virtual, real: Real) -> Keys:
    node, request = _request(virtual, real)
    path = request if request.startswith("/") else f"/{request}"
    method = virtual.block.last("httpmethod")
    host = virtual.block.last("virtualhost")
    place = virtual.place
    return {
        "path": scalar(path, node.place, node.key) if node else None,
        "method": scalar(method.arguments[0].text.upper(), method.arguments[0].place)
        if method
        else None,
        "host": _text(host),
        "redirects": scalar(7, place),
        "expect_status": sequence(place, [scalar("200-299", place)]),
        "expect_body": _receive(virtual, real),
    }


def _https(virtual: Virtual, real: Real) -> Keys:
    return {**_http(virtual, real), "tls_verify": scalar(value=False, place=virtual.place)}


def _dns(virtual: Virtual, real: Real) -> Keys:
    node, request = _request(virtual, real)
    if node is None:
        virtual.block.fault(
            virtual.place, "service dns: the key request is missing (expected the name to look up)"
        )
        return {}
    answer = _receive(virtual, real)
    return {
        "name": scalar(request.lstrip("/"), node.place, node.key),
        "expect_answers": sequence(answer.place, [answer]) if answer else None,
    }


def _simpletcp(virtual: Virtual, real: Real) -> Keys:
    node, request = _request(virtual, real)
    sent = re.sub(r"\\n", "\n", request.removeprefix("/"))
    return {
        "send": scalar(sent, node.place, node.key) if node and sent else None,
        "expect": _receive(virtual, real) or scalar(".", virtual.place),
    }


def _sql(virtual: Virtual, real: Real) -> Keys:
    node, request = _request(virtual, real)
    if node is not None and request.strip("/"):
        message = (
            "hadirector sends no query in this check; leave the request out, or use checktype"
            " = external"
        )
        virtual.block.fault(node.place, message)
    return {"user": _text(virtual.block.last("login"))}


def _pgsql(virtual: Virtual, real: Real) -> Keys:
    return {**_sql(virtual, real), "database": _text(virtual.block.last("database"))}


_OPTIONS: Final = {
    "http": _http,
    "https": _https,
    "dns": _dns,
    "simpletcp": _simpletcp,
    "mysql": _sql,
    "pgsql": _pgsql,
}


def _text(statement: Statement | None) -> Node | None:
    return text(statement.arguments[0], statement.keyword) if statement else None
