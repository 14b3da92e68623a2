"""Translates MISC_CHECK: a script that gets exactly the arguments that the file gives."""

from __future__ import annotations

from typing import Final

from hadirector.config.keepalived.node import scalar, sequence
from hadirector.config.keepalived.translate.checker import Checker, Keys, Member
from hadirector.config.keepalived.translate.timing import Setting, read_seconds
from hadirector.config.keepalived.translate.vrrp.commands import read_command
from hadirector.config.keepalived.translate.vrrp.users import read_user, user_keys

_SECONDS_MAX: Final = 3600


def script(checker: Checker) -> list[Member]:
    """Translate MISC_CHECK. Without a path, there is no check, as in keepalived."""
    block = checker.block
    path = block.last("misc_path")
    if path is None:
        message = "a checker without misc_path is ignored, as in keepalived"
        block.note("no misc_path", checker.place, message)
        return []
    command = read_command(path, block, checker.context.options)
    if command is None:
        return []
    if command.user is not None:
        message = "misc_path: keepalived ignores the words after the first (quote the command)"
        block.fault(path.arguments[0].place, message)
    given = block.last("user")
    user = checker.context.user
    if given is not None:
        words = [word.text for word in given.arguments]
        user = read_user(words, given.arguments[0].place)
    dynamic = block.last("misc_dynamic")
    keys: Keys = {
        **command.keys,
        **user_keys(user, checker.context.options, checker.place),
        "append": sequence(checker.place, []),
        "exit_weight": scalar(value=True, place=dynamic.keyword.place) if dynamic else None,
    }
    return [checker.member("script", keys, transport=None)]


def read_timeout(checker: Checker) -> Setting:
    """Read misc_timeout. Without it, the timeout is the delay_loop of the virtual server."""
    statement = checker.block.last("misc_timeout")
    seconds = checker.block.number(statement, 0, _SECONDS_MAX) if statement else None
    if statement is not None and seconds:
        return Setting(seconds, statement.arguments[0].place, statement.keyword.place)
    default = 1.0 if checker.context.options.own_defaults else 60.0
    setting = read_seconds(checker.chain[-1:], checker.place, default, "delay_loop")
    return setting._replace(given=False)
