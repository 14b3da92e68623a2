"""Builds table rows for several keywords with the same treatment."""

from __future__ import annotations

from typing import Final

from hadirector.config.keepalived.keywords.table import ANY, Action, Keyword, Repeated

FLAG: Final = (0, 0)
"""The number of arguments of a keyword without a value."""
SWITCH: Final = (0, 1)
"""The number of arguments of a keyword with or without on, off, true, false, yes or no."""
LIST: Final = (0, ANY)


def map_value(
    names: str, arguments: tuple[int, int] = (1, 1), repeated: Repeated = Repeated.LAST
) -> list[Keyword]:
    """Return rows of keywords whose value is translated. ``names`` are separated by blanks."""
    return [
        Keyword(name, Action.MAP_WITH_NOTE, arguments=arguments, repeated=repeated)
        for name in names.split()
    ]


def map_block(
    names: str, arguments: tuple[int, int] = FLAG, repeated: Repeated = Repeated.ALL
) -> list[Keyword]:
    """Return rows of keywords that open a block."""
    return [
        Keyword(name, Action.MAP_WITH_NOTE, arguments=arguments, block=True, repeated=repeated)
        for name in names.split()
    ]


def refuse(names: str, remedy: str) -> list[Keyword]:
    """Return rows of keywords that are refused."""
    return [Keyword(name, Action.REFUSE, remedy) for name in names.split()]


def refuse_block(
    names: str, remedy: str, accepted_as: str, arguments: tuple[int, int] = FLAG
) -> list[Keyword]:
    """Return rows of blocks that are refused, or translated under `--accept ACCEPTED_AS`."""
    return [
        Keyword(
            name,
            Action.REFUSE,
            remedy,
            arguments=arguments,
            block=True,
            repeated=Repeated.ALL,
            accepted_as=accepted_as,
        )
        for name in names.split()
    ]


def drop(names: str, note: str = "", kind: str = "") -> list[Keyword]:
    """Return rows of keywords that are dropped, with a note if that changes the behavior."""
    action = Action.DROP_WITH_NOTE if note else Action.DROP
    return [Keyword(name, action, note, kind=kind) for name in names.split()]
