"""Translates the command lines of scripts."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

from msgspec import Struct

from hadirector.config.keepalived.node import Node, scalar, sequence
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.syntax.commands import split_command
from hadirector.config.keepalived.syntax.statement import Place, Statement
from hadirector.config.keepalived.translate.block import Block
from hadirector.config.keepalived.translate.vrrp.users import ScriptUser, read_user

PROCESS_NAME_CHARACTERS: Final = 15
"""The characters of the name of a process that the kernel keeps (proc_pid_comm(5))."""
_SHELLS: Final = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh"})
_SHELL_SYNTAX = re.compile(
    r"\|\|?|&&?|;|[0-9&]?(?:>>?|<).*|.+;|.*(?:\$\(|\$\{|`).*|\$[A-Za-z_][A-Za-z0-9_]*"
)


class ScriptCommand(Struct, frozen=True):
    """A translated command line: the command, and the user that the line names."""

    words: tuple[str, ...]
    place: Place
    user: ScriptUser | None
    in_shell: bool = False

    @property
    def keys(self) -> dict[str, Node]:
        """The keys of a script in the native form."""
        if self.in_shell:
            return {"shell": scalar(" ".join(self.words), self.place)}
        path, *arguments = self.words
        keys = {"script": scalar(path, self.place)}
        if arguments:
            keys["arguments"] = sequence(
                self.place, [scalar(word, self.place) for word in arguments]
            )
        return keys

    @property
    def process(self) -> str | None:
        """The process that a command such as `killall -0 NAME` or `pidof NAME` looks for."""
        name = PurePosixPath(self.words[0]).name
        looked_for = {"killall": ("-0",), "pidof": ()}.get(name)
        if (
            self.in_shell
            or looked_for is None
            or self.words[1:-1] != looked_for
            or len(self.words) < 2
        ):
            return None
        found = self.words[-1]
        return found if re.fullmatch(r"[^\s/-][^\s/]*", found) else None


def read_command(statement: Statement, block: Block, options: Options) -> ScriptCommand | None:
    """Read the command line of a script. A command that needs a shell is a fault."""
    keyword = statement.keyword.text
    place = statement.arguments[0].place
    words, rest = split_command(str(statement.raw))
    if not words:
        block.fault(place, f"{keyword}: the command is empty (write the path of a script)")
        return None
    user = read_user(rest, place) if rest and rest[0] else None
    line = " ".join(words)
    if words[0].startswith("<"):
        block.fault(
            place,
            f"{keyword}: keepalived gives {line} to /bin/sh, which mostly cannot open it; use"
            " nc -z HOST PORT",
        )
        return None
    if not _needs_shell(words):
        return ScriptCommand(words, place, user)
    if "shell" in options.accepted:
        block.note(
            "shell", place, f"{keyword}: /bin/sh runs the command, because of --accept shell"
        )
        return ScriptCommand(words, place, user, in_shell=True)
    block.fault(
        place,
        f"{keyword}: keepalived runs no shell: the words after {words[0]} are its arguments, and"
        f" a shell would run {line}; write a script, or run it in a shell with --accept shell",
    )
    return None


def _needs_shell(words: tuple[str, ...]) -> bool:
    is_shell = PurePosixPath(words[0]).name in _SHELLS
    if is_shell and any(re.fullmatch(r"-[a-z]*c", word) for word in words[1:3]):
        return False
    return any(_SHELL_SYNTAX.fullmatch(word) for word in words)
