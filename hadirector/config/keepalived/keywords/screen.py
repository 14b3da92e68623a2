"""Decides what happens to each statement of a block: it is translated, refused or dropped."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

from hadirector.config.document.errors import quote
from hadirector.config.keepalived.keywords.table import Action, Keyword, Repeated, Table
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Statement

_TRANSLATED: Final = (Action.MAP, Action.MAP_WITH_NOTE)


def screen(
    block: Sequence[Statement], table: Table, where: str, report: Report, options: Options
) -> list[Statement]:
    """Return the statements of a block that must be translated, in the order of the file.

    ``where`` names the block in messages: "vrrp_instance VI_1". Refused and unknown keywords
    become faults, and dropped keywords become notes. If a keyword is repeated, the statements
    that keepalived would use remain.
    """
    kept = [each for each in block if _is_translated(each, table, where, report, options)]
    last = {each.keyword.text: index for index, each in enumerate(kept)}
    first = {each.keyword.text: index for index, each in reversed(list(enumerate(kept)))}
    counts = {Repeated.LAST: last, Repeated.FIRST: first}
    return [
        each
        for index, each in enumerate(kept)
        if (which := counts.get(table[each.keyword.text].repeated)) is None
        or which[each.keyword.text] == index
    ]


def _is_translated(
    statement: Statement, table: Table, where: str, report: Report, options: Options
) -> bool:
    name, place = statement.keyword
    row = table.get(name)
    if row is None:
        close = difflib.get_close_matches(name, table, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        report.fault(place, f"{where}: unknown keyword {quote(name)}{hint}")
        return False
    is_accepted = name in options.accepted
    if row.action in _TRANSLATED or (row.accepted_as in options.accepted and not is_accepted):
        return _has_its_form(statement, row, where, report)
    match row.action:
        case Action.REFUSE if is_accepted:
            report.note(
                row.kind or name, place, f"{where}: {name} is left out, because --accept names it"
            )
        case Action.REFUSE:
            report.fault(
                place, f"{where}: {name}: {row.text}; --accept {name} leaves the keyword out"
            )
        case Action.DROP_WITH_NOTE:
            report.note(row.kind or name, place, f"{where}: {name}: {row.text}")
    return False


def _has_its_form(statement: Statement, row: Keyword, where: str, report: Report) -> bool:
    name, place = statement.keyword
    least, most = row.arguments
    count = len(statement.arguments)
    if not least <= count <= most:
        expected = str(least) if least == most else f"{least} to {most}"
        report.fault(place, f"{where}: {name}: {count} arguments (expected {expected})")
        return False
    if row.block != (statement.block is not None):
        expected = "a block in braces" if row.block else "no block"
        report.fault(place, f"{where}: {name}: {expected} expected")
        return False
    return True
