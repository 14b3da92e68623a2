"""Translates the settings of the director: timeouts, sync daemon, process and directories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.node import Node, mapping, scalar, text
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Statement
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.vrrp.defaults import Globals
from hadirector.config.keepalived.translate.vrrp.facts import Facts
from hadirector.config.keepalived.translate.vrrp.names import native_name
from hadirector.config.keepalived.translate.vrrp.values import whole, whole_node

_TIMEOUTS: Final = {"tcp": "tcp", "tcpfin": "tcp_fin", "udp": "udp"}
_SYNC_KEYS: Final = {
    "id": "id",
    "maxlen": "maximum_length",
    "port": "port",
    "ttl": "ttl",
    "group": "group",
}


def director_node(globals_: Globals, report: Report) -> Node | None:
    """Return the section of the director; None if it would be empty."""
    keys: dict[str, Node | None] = {}
    for block in globals_.blocks:
        found = block.last("vrrp_rt_priority", "vrrp_no_swap")
        if found is not None and [word.text for word in found.arguments] != ["0"]:
            message = (
                f"{found.keyword.text}: the vrrp process runs with SCHED_RR and locked memory; the"
                " number is not used"
            )
            block.note("realtime", found.keyword.place, message)
            keys["realtime"] = scalar(True, found.keyword.place)
    for each in globals_.find("instance"):
        word = each.statement.arguments[0]
        path = f"/run/hadirector-{word.text}"
        report.note("instance", word.place, f"instance: commands need --socket {path}/api.sock")
        keys["runtime_directory"] = scalar(path, word.place)
    if not keys:
        return None
    return mapping(next(node.place for node in keys.values() if node), keys)


def timeouts_node(globals_: Globals) -> Node | None:
    """Return the connection timeouts; None without any. A timeout of 0 stays unchanged."""
    keys: dict[str, Node] = {}
    for block in globals_.blocks:
        for statement in block.all("lvs_timeouts"):
            words = iter(statement.arguments)
            for word in words:
                value = next(words, None)
                if word.text not in _TIMEOUTS or value is None:
                    expected = "expected tcp N, tcpfin N or udp N"
                    block.fault(word.place, f"lvs_timeouts: {quote(word.text)} ({expected})")
                elif (seconds := whole(value)) != 0:
                    wrong = value.text if seconds is None else f"{seconds}s"
                    keys[_TIMEOUTS[word.text]] = scalar(wrong, value.place, word.place)
    return mapping(next(iter(keys.values())).place, keys) if keys else None


def sync_daemon_node(globals_: Globals, instances: Sequence[Facts]) -> Node | None:
    """Return the sync daemon; None without one. The first statement in the file applies."""
    found: list[tuple[Block, Statement, Facts | None]] = [
        (block, statement, None)
        for block in globals_.blocks
        for statement in block.all("lvs_sync_daemon")
    ]
    found += [
        (facts.block, statement, facts)
        for facts in instances
        for statement in facts.block.all("lvs_sync_daemon_interface")
    ]
    found.sort(key=lambda each: each[1].keyword.place[1:] if _in_one_file(found) else (0, 0))
    for block, statement, _ in found[1:]:
        message = (
            f"{statement.keyword.text} is left out, as in keepalived: only the first line has"
            " an effect"
        )
        block.note("sync daemon", statement.keyword.place, message)
    if not found:
        return None
    block, statement, facts = found[0]
    if facts is None:
        return _daemon(statement, block)
    name = native_name(facts.statement.arguments[0], block, silent=True)
    interface = text(statement.arguments[0], statement.keyword)
    return mapping(statement.keyword.place, {"interface": interface, "instance": name})


def _in_one_file(found: Sequence[tuple[Block, Statement, Facts | None]]) -> bool:
    return len({statement.keyword.place.file for _, statement, _ in found}) == 1


def _daemon(statement: Statement, block: Block) -> Node:
    interface, *rest = statement.arguments
    keys: dict[str, Node | None] = {"interface": text(interface, statement.keyword)}
    words = iter(rest)
    for index, word in enumerate(words):
        key = _SYNC_KEYS.get(word.text)
        value = next(words, None) if key or word.text == "inst" else None
        if word.text == "inst" and value is not None:
            keys["instance"] = native_name(value, block, silent=True)
        elif key is not None and value is not None:
            node = text(value) if key == "group" else whole_node(value, word)
            keys[key] = node
        elif index == 0 and key is None:
            # The old form: INTERFACE INSTANCE ID.
            keys["instance"] = native_name(word, block, silent=True)
        elif index == 1 and key is None and whole(word) is not None:
            keys["id"] = whole_node(word)
        else:
            block.fault(word.place, f"lvs_sync_daemon: unknown word {quote(word.text)}")
    if "instance" not in keys:
        keys["role"] = scalar("both", statement.keyword.place)
    return mapping(statement.keyword.place, keys)
