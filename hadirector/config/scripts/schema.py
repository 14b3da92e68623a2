"""The keys of a script, and of notify scripts."""

from __future__ import annotations

from typing import Annotated, Literal

from checks.script_runner.script import SHELL, shell_arguments
from checks.script_runner.search_path import find_on_path
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import Argument, Program, ShellText, UserName
from hadirector.config.keys.readers import choice, duration
from hadirector.config.keys.section import Section
from hadirector.model.notification import INSTANCE_WORDS, POOL_WORDS, Word


class ScriptSection(Section):
    """A script: its program, and its user. ``script`` or ``shell`` defines the program."""

    script: Annotated[
        Program | None,
        Key(
            "The program to run: an absolute path, or the name of a program in a directory of"
            " PATH.",
            default="one of `script` and `shell` is required",
        ),
    ] = None
    shell: Annotated[
        ShellText | None,
        Key(
            "A text that `/bin/sh -c` runs. Arguments that hadirector adds are `$1`, `$2` and so"
            " on.",
            default="",
        ),
    ] = None
    arguments: Annotated[
        list[Argument], Key("The arguments of the program; not with `shell`.", default="none")
    ] = []
    user: Annotated[UserName, Key("The user that runs the script.")] = "nobody"
    group: Annotated[
        UserName | None,
        Key(
            "The group that runs the script. The script also has the supplementary groups of its"
            " user.",
            type="name of a group",
            default="the primary group of the user",
        ),
    ] = None

    @property
    def program(self) -> str:
        """The path of the program on this host; the bare name if no directory of PATH has it."""
        return SHELL if self.script is None else find_on_path(self.script)

    @property
    def program_arguments(self) -> tuple[str, ...]:
        """The arguments of the program."""
        return tuple(self.arguments) if self.shell is None else shell_arguments(self.shell)


class NotifySection(ScriptSection):
    """A script that runs when an instance or a sync group changes its state."""

    on: Annotated[
        list[Annotated[Word, choice(INSTANCE_WORDS)]] | None,
        Key(
            "The states for which the script runs.",
            type="list of `active`, `backup`, `fault`, `stop`",
            default="all of them",
        ),
    ] = None
    tell: Annotated[
        Literal["state", "nothing"],
        choice(("state", "nothing")),
        Key("Whether the script gets further arguments, which name the state."),
    ] = "state"
    timeout: Annotated[float, duration("10ms", "1h"), Key("A run that takes longer is killed.")] = (
        30.0
    )


class PoolNotifySection(NotifySection):
    """A script that runs when a pool or a real server changes its state."""

    on: Annotated[
        list[Annotated[Word, choice(POOL_WORDS)]] | None,
        Key(
            "The states for which the script runs. `up` and `down` are states of a real server,"
            " `quorum_up` and `quorum_down` are states of a pool.",
            type="list of `up`, `down`, `quorum_up`, `quorum_down`",
            default="all of them; for a real server `up` and `down`",
        ),
    ] = None
    on_stop: Annotated[
        Annotated[Literal["down"], choice(("down",))] | None,
        Key(
            "`down` runs the script for `down` and `quorum_down` when the director stops, or when a"
            " reload removes the real server or the pool.",
            default="a stop or a reload runs no script",
        ),
    ] = None
