"""Translates the virtual servers of a keepalived.conf."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from hadirector.config.keepalived.keywords.pools import SSL, VIRTUAL_SERVER
from hadirector.config.keepalived.node import Node, mapping, scalar, text
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Statement
from hadirector.config.keepalived.translate.block import Block, name, read_block
from hadirector.config.keepalived.translate.checker import Context, Keys
from hadirector.config.keepalived.translate.forwarding import read_forwarding
from hadirector.config.keepalived.translate.pools import pool_keys
from hadirector.config.keepalived.translate.real_servers import (
    Surroundings,
    translate_real_servers,
)
from hadirector.config.keepalived.translate.scheduling import service_keys
from hadirector.config.keepalived.translate.services import read_family, read_services
from hadirector.config.keepalived.translate.vrrp.defaults import read_globals

_PROTOCOLS: Final = frozenset({"tcp", "udp", "sctp"})


def translate_virtual_servers(
    root: Sequence[Statement], report: Report, options: Options
) -> list[Node]:
    """Return the virtual servers of a file. ``root`` has its top-level statements."""
    groups = {
        each.arguments[0].text: each
        for each in root
        if each.keyword.text == "virtual_server_group" and each.arguments
    }
    servers = [each for each in root if each.keyword.text == "virtual_server"]
    certificate = _certificate(root, report, options)
    used = {name(each.arguments[1:]) for each in servers if each.arguments[0].text == "group"}
    for group, statement in groups.items():
        if group not in used:
            message = f"virtual_server_group {group}: no virtual_server uses it, so it is left out"
            report.note("unused group", statement.keyword.place, message)
    return [
        node
        for each in read_globals(root, Report(), options).find("virtual_server")
        for node in _translate(
            each.statement,
            groups,
            report,
            Context(options, each.defaults.script_user, certificate),
        )
    ]


def _translate(
    statement: Statement, groups: dict[str, Statement], report: Report, context: Context
) -> Iterator[Node]:
    where = name(statement.words)
    block = read_block(statement, VIRTUAL_SERVER, where, report, context.options)
    if not block.all("real_server"):
        message = "a virtual server without real servers is left out, as in keepalived"
        block.note("no real servers", statement.keyword.place, message)
        return
    protocol = _read_protocol(block, statement, context.options)
    suffix = "" if protocol is None or protocol.value == "tcp" else f"-{protocol.value}"
    services = read_services(statement, block, groups, _mark_family(block), suffix)
    forwarding = read_forwarding(block, _method(block))
    has_all_ports = any(service.port == 0 and not service.is_mark for service in services)
    said: set[object] = set()
    for service in services:
        # A group is translated once for each of its services: nothing is reported twice.
        found = Report()
        around = Surroundings(
            statement.keyword.place,
            block.reporting_to(found),
            service,
            None if service.is_mark or protocol is None else str(protocol.value),
            forwarding,
            context,
            has_all_ports,
        )
        yield _virtual_server(around, protocol)
        report.faults += [each for each in found.faults if each not in said]
        report.notes += [each for each in found.notes if each not in said]
        said.update(found.faults, found.notes)


def _virtual_server(around: Surroundings, protocol: Node | None) -> Node:
    servers = translate_real_servers(around)
    is_default = around.protocol in (None, "tcp")
    return mapping(
        around.place,
        {
            **around.service.keys,
            "protocol": None if is_default else protocol,
            **service_keys(around),
            **pool_keys(around, servers),
        },
    )


def _certificate(root: Sequence[Statement], report: Report, options: Options) -> Keys:
    """Return the keys of the client certificate. As in keepalived, the last SSL block counts."""
    keys: Keys = {}
    for statement in root:
        if statement.keyword.text == "SSL":
            block = read_block(statement, SSL, "SSL", report, options)
            certificate, key = block.last("certificate"), block.last("key")
            keys = {
                "tls_certificate_file": certificate
                and text(certificate.arguments[0], certificate.keyword),
                "tls_key_file": key and text(key.arguments[0], key.keyword),
            }
    return keys


def _read_protocol(block: Block, statement: Statement, options: Options) -> Node | None:
    """Return the protocol. keepalived lets the kernel choose, which is udp."""
    given = block.last("protocol")
    is_mark = statement.arguments[0].text == "fwmark"
    if given is not None:
        word = given.arguments[0]
        if is_mark:
            message = "a firewall mark matches every protocol, so the protocol is left out"
            block.note("protocol of a mark", word.place, message)
        if word.text.lower() not in _PROTOCOLS:
            block.wrong(given, "TCP, UDP or SCTP")
            return scalar("tcp", word.place, given.keyword.place)
        return scalar(word.text.lower(), word.place, given.keyword.place)
    if is_mark:
        return None
    if options.own_defaults:
        return scalar("tcp", statement.keyword.place)
    message = "without a protocol, keepalived and hadirector balance udp"
    block.note("no protocol", statement.keyword.place, message)
    return scalar("udp", statement.keyword.place)


def _mark_family(block: Block) -> str:
    """Return the family of a firewall mark: that of the real servers that are not tunneled."""
    given = read_family(block)
    if given is not None:
        return given
    addresses = [
        each.arguments[0].text
        for each in block.all("real_server")
        if _word(_own_method(each) or block.last("lb_kind", "lvs_method")) != "TUN"
    ] or [each.arguments[0].text for each in block.all("real_server")]
    return "ipv6" if all(":" in address for address in addresses) else "ipv4"


def _method(block: Block) -> Statement | None:
    """Return the method of the virtual server, or the method that all its real servers have."""
    given = block.last("lb_kind", "lvs_method")
    own = [_own_method(each) for each in block.all("real_server")]
    texts = {each and name(each.arguments) for each in own}
    return own[0] if given is None and len(texts) == 1 else given


def _own_method(real_server: Statement) -> Statement | None:
    methods = [
        each
        for each in real_server.block or ()
        if each.keyword.text == "lvs_method" and each.arguments
    ]
    return methods[-1] if methods else None


def _word(statement: Statement | None) -> str | None:
    return statement.arguments[0].text if statement else None
