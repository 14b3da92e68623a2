"""Translates vrrp_track_process: which processes count, how many are enough, and the delays.

keepalived compares the name of a process with /proc/PID/comm. With arguments, `full_command` or
`param_match`, it compares the first word of the command line instead.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import PurePosixPath
from typing import Final

from hadirector.config.keepalived.node import Node, mapping, scalar, sequence, text
from hadirector.config.keepalived.syntax.statement import Place, Statement, Word
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.vrrp.commands import PROCESS_NAME_CHARACTERS
from hadirector.config.keepalived.translate.vrrp.values import decimal, duration_node
from vrrp.model.tracked_process import PROCESSES_MAX

_MATCHES: Final = {"initial": "prefix", "partial": "first"}
_SECONDS_MAX: Final = 3600


def cut_name(process: str, place: Place, block: Block) -> str:
    """Return the name of a process as the kernel keeps it."""
    if len(process) > PROCESS_NAME_CHARACTERS:
        message = f"{process}: a process is found by the first 15 characters of its name"
        block.note("process name", place, message)
    return process[:PROCESS_NAME_CHARACTERS]


def process_node(statement: Statement, block: Block) -> Node | None:
    """Return the value of `process` for a definition; None if a value is faulty."""
    word, *arguments = statement.arguments
    match = block.last("param_match")
    keys: dict[str, Node | None] = {}
    if arguments or match is not None or block.last("full_command") is not None:
        keys["command"] = text(word, statement.keyword)
        if not _read_arguments(arguments, match, keys, block):
            return None
    else:
        keys["name"] = _name(word, block)
    if not _read_counts(keys, block) or not _read_delays(keys, block):
        return None
    if list(keys) == ["name"]:
        return keys["name"]
    return mapping(word.place, keys)


def _name(word: Word, block: Block) -> Node:
    name = PurePosixPath(word.text).name
    if name != word.text:
        message = f"{word.text}: keepalived finds no process by a path; here {name} is the name"
        block.note("process path", word.place, message)
    return scalar(cut_name(name, word.place, block), word.place)


def _read_arguments(
    arguments: list[Word], match: Statement | None, keys: dict[str, Node | None], block: Block
) -> bool:
    """Add the arguments of a process. Return whether they are valid."""
    kind = match.arguments[0] if match is not None and match.arguments else None
    if kind is not None and kind.text not in _MATCHES:
        message = f"param_match: unknown word {kind.text} (expected initial, partial or nothing)"
        block.fault(kind.place, message)
        return False
    if arguments:
        keys["arguments"] = sequence(arguments[0].place, map(text, arguments))
        if kind is not None:
            keys["arguments_match"] = scalar(_MATCHES[kind.text], kind.place)
    elif match is not None and kind is None:
        # param_match without a word stands for processes without arguments.
        keys["arguments"] = sequence(match.keyword.place, ())
    return True


def _read_counts(keys: dict[str, Node | None], block: Block) -> bool:
    """Add the range of the number of processes. Return whether it is valid."""
    quorum, most = block.last("quorum"), block.last("quorum_max")
    least_count = 1 if quorum is None else block.number(quorum, 1, PROCESSES_MAX)
    most_count = None if most is None else block.number(most, 0, PROCESSES_MAX)
    if least_count is None or (most is not None and most_count is None):
        return False
    if most is not None and most_count == 0 and least_count == 1:
        keys["at_least"] = scalar(0, most.arguments[0].place)
    elif quorum is not None and least_count != 1:
        keys["at_least"] = scalar(least_count, quorum.arguments[0].place)
    if most is not None and most_count is not None:
        if 0 < most_count < least_count or (most_count == 0 and least_count > 1):
            message = f"quorum_max: the value is less than the quorum, {least_count}"
            block.fault(most.arguments[0].place, message)
            return False
        keys["at_most"] = scalar(most_count, most.arguments[0].place)
    return True


def _read_delays(keys: dict[str, Node | None], block: Block) -> bool:
    """Add the delays. Return whether they are valid, and have an effect that can be kept.

    keepalived delays what a fork or an exit changes. With a quorum_max, a fork can also exceed the
    range, and an exit can also return to it.
    """
    fork = block.last("delay", "fork_delay")
    end = block.last("delay", "terminate_delay")
    for statement in (fork, end):
        if statement is not None and not _is_delay(statement, block):
            return False
    if "at_most" in keys and _seconds(fork) != _seconds(end):
        statement = fork or end
        assert statement is not None, "one of the delays is given"
        message = (
            f"{statement.keyword.text}: with quorum_max, both delays must be equal (write delay)"
        )
        block.fault(statement.keyword.place, message)
        return False
    if end is not None:
        keys["down_delay"] = duration_node(end.arguments[0], end.keyword)
    if fork is not None and ("at_least" in keys or "at_most" in keys):
        keys["up_delay"] = duration_node(fork.arguments[0], fork.keyword)
        message = (
            f"{fork.keyword.text}: it also applies to a program that has just been started;"
            " keepalived applies it to children of the program"
        )
        block.note("fork_delay", fork.keyword.place, message)
    elif fork is not None and fork.keyword.text == "fork_delay":
        message = "fork_delay: it has no effect with a quorum of 1, as in keepalived"
        block.note("fork_delay", fork.keyword.place, message)
    return True


def _is_delay(statement: Statement, block: Block) -> bool:
    seconds = _seconds(statement)
    if seconds is None or not 0 < seconds <= _SECONDS_MAX:
        block.wrong(statement, f"a number of seconds up to {_SECONDS_MAX}")
        return False
    return True


def _seconds(statement: Statement | None) -> Decimal | None:
    return None if statement is None else decimal(statement.arguments[0])
