"""Reads the definitions of tracked scripts, files and processes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from msgspec import Struct

from hadirector.config.keepalived.keywords.tracked import (
    TRACK_FILE,
    VRRP_SCRIPT,
    VRRP_TRACK_PROCESS,
)
from hadirector.config.keepalived.node import Node, scalar, text
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Place, Word
from hadirector.config.keepalived.translate.block import Block, name, read_block
from hadirector.config.keepalived.translate.vrrp.commands import (
    ScriptCommand,
    read_command,
)
from hadirector.config.keepalived.translate.vrrp.defaults import Globals, Ordered
from hadirector.config.keepalived.translate.vrrp.processes import cut_name, process_node
from hadirector.config.keepalived.translate.vrrp.users import read_user, user_keys
from hadirector.config.keepalived.translate.vrrp.values import (
    decimal,
    duration_node,
    whole,
    whole_node,
)

KINDS: Final = {
    "vrrp_script": "track_script",
    "track_file": "track_file",
    "vrrp_track_file": "track_file",
    "vrrp_track_process": "track_process",
}
"""The keyword of a definition, and the keyword of the list that refers to it."""

_NEEDED: Final = {"track_script": "script", "track_file": "file", "track_process": "process"}


class Weight(Struct, frozen=True):
    """A weight, and whether it is reversed: added in the other state of the object."""

    value: int
    reverse: bool
    place: Place


class Definition(Struct, frozen=True):
    """A tracked object, to which instances refer by its name."""

    keys: Mapping[str, Node]
    weight: Weight | None
    place: Place
    weight_is_default: bool = False


Definitions = Mapping[tuple[str, str], Definition | None]
"""The definitions by the keyword of their list and by their name; None for a faulty definition."""


def read_definitions(globals_: Globals, report: Report, options: Options) -> Definitions:
    """Read the definitions of a file. If two have the same name, the first one applies."""
    found: dict[tuple[str, str], Definition | None] = {}
    for each in globals_.find(*KINDS):
        statement = each.statement
        key = (KINDS[statement.keyword.text], statement.arguments[0].text)
        if key in found:
            message = "keepalived uses the first definition with this name"
            report.note(
                "second definition",
                statement.keyword.place,
                f"{name(statement.words)}: {message}; this definition is left out",
            )
            continue
        needed = _NEEDED[key[0]]
        if any(line.keyword.text == needed for line in statement.block or ()):
            found[key] = _read(each, key[0], report, options)
        else:
            message = f"{needed} is missing: the definition is left out, as in keepalived"
            where = name(statement.words)
            report.note("empty definition", statement.keyword.place, f"{where}: {message}")
    return found


def _read(each: Ordered, kind: str, report: Report, options: Options) -> Definition | None:
    statement = each.statement
    where = name(statement.words)
    if kind == "track_script":
        return _read_script(
            each, read_block(statement, VRRP_SCRIPT, where, report, options), options
        )
    if kind == "track_file":
        return _read_file(each, read_block(statement, TRACK_FILE, where, report, options), options)
    block = read_block(statement, VRRP_TRACK_PROCESS, where, report, options)
    return _read_process(each, block)


def read_weight(words: tuple[Word, ...], block: Block, names: tuple[str, ...]) -> Weight | None:
    """Read the words WEIGHT [reverse]. As in keepalived, the weight is limited to 253."""
    value = whole(words[0])
    if value is None or abs(value) > 254:
        expected = "expected a whole number from -253 to 253"
        block.fault(words[0].place, f"weight: wrong value ({expected})")
        return None
    if abs(value) == 254:
        block.note("weight", words[0].place, "weight: the limit is 253, as in keepalived")
        value = 253 if value > 0 else -253
    if len(words) > 1 and words[1].text not in names:
        block.fault(words[1].place, f"weight: unknown word (expected {' or '.join(names)})")
        return None
    return Weight(value, len(words) > 1 and words[1].text == "reverse", words[0].place)


def _weight_of(block: Block) -> Weight | None:
    found = block.last("weight")
    return None if found is None else read_weight(found.arguments, block, ("reverse",))


def _read_script(each: Ordered, block: Block, options: Options) -> Definition | None:
    place = each.statement.keyword.place
    statement = block.last("script")
    if statement is None:
        return None
    command = read_command(statement, block, options)
    weight = _weight_of(block)
    if command is None:
        return None
    if (process := command.process) is not None:
        return Definition(_process_keys(process, command, block), weight, place)
    if weight is not None and weight.value and block.last("init_fail") is not None:
        message = "init_fail: before the first result, the weight is not added"
        block.note("init_fail", place, message)
    user = command.user or each.defaults.script_user
    if (own := block.last("user")) is not None:
        words = [word.text for word in own.arguments]
        user = read_user(words, own.arguments[0].place)
    keys = {
        **command.keys,
        **_timing(block, options, place),
        **user_keys(user, options, place),
    }
    return Definition(keys, weight, place)


def _process_keys(process: str, command: ScriptCommand, block: Block) -> dict[str, Node]:
    message = (
        f"{' '.join(command.words)} is replaced: process {process} is watched without a command,"
        " and interval, rise and fall do not apply"
    )
    block.note("process", command.place, message)
    return {"process": scalar(cut_name(process, command.place, block), command.place)}


def _timing(block: Block, options: Options, place: Place) -> dict[str, Node]:
    """Return the timing of a script, with the defaults of keepalived."""
    keys: dict[str, Node] = {}
    interval = _seconds(block, "interval")
    timeout = _seconds(block, "timeout")
    for keyword in ("rise", "fall"):
        if (found := block.last(keyword)) is not None:
            keys[keyword] = whole_node(found.arguments[0], found.keyword)
        elif not options.own_defaults:
            keys[keyword] = scalar(1, place)
    if interval is None and not options.own_defaults:
        interval = scalar("1s", place)
    if timeout is None:
        timeout = interval if not options.own_defaults else None
    elif interval is not None and _is_longer(timeout, interval):
        message = f"timeout: the timeout is reduced to the interval, {interval.value}"
        block.note("timeout", timeout.place, message)
        timeout = scalar(str(interval.value), timeout.place, timeout.key)
    keys |= {} if interval is None else {"interval": interval}
    keys |= {} if timeout is None else {"timeout": timeout}
    return keys


def _seconds(block: Block, keyword: str) -> Node | None:
    found = block.last(keyword)
    if found is None:
        return None
    word = found.arguments[0]
    if decimal(word) == 0:
        block.note("zero", word.place, f"{keyword}: 0 means 1 s, as in keepalived")
        return scalar("1s", word.place, found.keyword.place)
    return duration_node(word, found.keyword)


def _is_longer(first: Node, second: Node) -> bool:
    def seconds(node: Node) -> Decimal:
        value = str(node.value)
        if value.endswith("ms"):
            return Decimal(value[:-2]) / 1000
        return Decimal(value[:-1]) if value.endswith("s") else Decimal(0)

    return seconds(first) > seconds(second)


def _read_file(each: Ordered, block: Block, options: Options) -> Definition | None:
    place = each.statement.keyword.place
    file = block.last("file")
    if file is None:
        return None
    init = block.last("init_file")
    if init is not None and [word.text for word in init.arguments] not in ([], ["0"]):
        message = "init_file: hadirector does not write the file; a missing file counts as 0"
        block.note("init_file", init.keyword.place, message)
    weight = _weight_of(block)
    if weight is None and not options.own_defaults:
        weight = Weight(1, reverse=False, place=place)
    # keepalived does not distinguish a written weight of 1 from the default.
    is_default = weight is not None and weight.value == 1
    keys = {"file": text(file.arguments[0], file.keyword)}
    return Definition(keys, weight, place, weight_is_default=is_default)


def _read_process(each: Ordered, block: Block) -> Definition | None:
    place = each.statement.keyword.place
    process = block.last("process")
    if process is None:
        return None
    node = process_node(process, block)
    return None if node is None else Definition({"process": node}, _weight_of(block), place)
