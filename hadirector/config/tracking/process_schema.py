"""The keys of a tracked process."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator

from hadirector.config.keys.key import Key
from hadirector.config.keys.names import Argument
from hadirector.config.keys.readers import choice, duration, integer, text
from hadirector.config.keys.section import Section
from vrrp.model.tracked_process import PROCESSES_MAX, ArgumentsMatch

# As in /proc/PID/comm: TASK_COMM_LEN is 16 with the final zero.
_PROCESS_NAME = text(
    r"[^\x00-\x1f\x7f/]{1,15}",
    "a process name of 1 to 15 characters",
    "name, at most 15 characters",
)
_COMMAND = text(
    r"[^\x00-\x1f\x7f]{1,1023}", "the first word of a command line", "text, at most 1023 characters"
)
_DELAY = duration("1ms", "1h")


class ProcessSection(Section):
    """The processes that make a tracked object up."""

    other_form = _PROCESS_NAME.json_schema

    name: Annotated[
        Annotated[str, _PROCESS_NAME] | None,
        Key(
            "The name of the processes in `/proc/PID/comm`. The kernel cuts a name after 15"
            " characters.",
            default="either `name` or `command` is required",
        ),
    ] = None
    command: Annotated[
        Annotated[str, _COMMAND] | None,
        Key(
            "The first word of `/proc/PID/cmdline`, exactly as the program was started:"
            " `/usr/sbin/haproxy` and `haproxy` differ.",
            default="either `name` or `command` is required",
        ),
    ] = None
    arguments: Annotated[
        list[Argument] | None,
        Key(
            "The arguments of the processes. An empty list stands for processes without arguments.",
            type="list of texts",
            default="any arguments",
        ),
    ] = None
    arguments_match: Annotated[
        ArgumentsMatch,
        choice(ArgumentsMatch),
        Key(
            "How the arguments are compared. `exact`: they are equal. `first`: the process may have"
            " more arguments. `prefix`: as `first`, and the last argument may be longer."
        ),
    ] = ArgumentsMatch.EXACT
    at_least: Annotated[
        int,
        integer(0, PROCESSES_MAX),
        Key("The object is down with fewer processes."),
    ] = 1
    at_most: Annotated[
        Annotated[int, integer(0, PROCESSES_MAX)] | None,
        Key(
            "The object is down with more processes. `at_least: 0, at_most: 0` is up while no"
            " process runs.",
            default="no limit",
        ),
    ] = None
    up_delay: Annotated[
        Annotated[float, _DELAY] | None,
        Key("How long the number must be in the range before the object is up.", default="none"),
    ] = None
    down_delay: Annotated[
        Annotated[float, _DELAY] | None,
        Key(
            "How long the number must be out of the range before the object is down. A restart of"
            " the program within this time does not count.",
            default="none",
        ),
    ] = None

    @property
    def title(self) -> str:
        """The text that identifies the processes and the conditions in reports."""
        words = shlex.join([self.name or self.command or "", *(self.arguments or ())])
        details = ", ".join(self._details())
        return f"{words} ({details})" if details else words

    def _details(self) -> Iterator[str]:
        if self.command is not None and "/" not in self.command:
            yield "command"
        if self.arguments == []:
            yield "no arguments"
        if self.arguments_match is not ArgumentsMatch.EXACT:
            yield f"{self.arguments_match} arguments"
        if self.at_least != 1:
            yield f"at least {self.at_least}"
        if self.at_most is not None:
            yield f"at most {self.at_most}"
        if self.up_delay is not None:
            yield f"up after {self.up_delay:g}s"
        if self.down_delay is not None:
            yield f"down after {self.down_delay:g}s"


def _read(value: Any) -> Any:
    """Read a text as the name of the processes."""
    if isinstance(value, dict):
        return value
    return {"name": _PROCESS_NAME(value)}


Process = Annotated[ProcessSection, BeforeValidator(_read)]
