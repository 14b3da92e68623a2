"""Rules for the receivers of alerts: keys that cannot be combined, and names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from hadirector.config.alerts.schema import AlertSection
from hadirector.config.document.errors import quote
from hadirector.config.document.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.keys.section import Placed

RECEIVERS_MAX: Final = 16


def alert_findings(receivers: Sequence[Placed[AlertSection]]) -> Iterator[Finding]:
    """Yield the faults of all receivers."""
    if len(receivers) > RECEIVERS_MAX:
        yield Finding(
            receivers[RECEIVERS_MAX].path,
            f"too many receivers (expected at most {RECEIVERS_MAX})",
        )
    for path, receiver in receivers:
        yield from _findings(path, receiver)
    yield from duplicates(
        Claim(path, receiver.title, f"name {quote(receiver.title)} (set name)")
        for path, receiver in receivers
        if receiver.title
    )


def _findings(path: Path, receiver: AlertSection) -> Iterator[Finding]:
    if receiver.webhook is None and receiver.command is None:
        yield Finding(path, wrong("none of them", "one of webhook, command"))
    elif receiver.webhook is not None and receiver.command is not None:
        yield Finding(
            (*path, "command"), "webhook and command cannot be combined; remove one of them"
        )
    if receiver.command is not None and not (receiver.command and receiver.command[0]):
        yield Finding((*path, "command"), wrong("an empty list", "a program with its arguments"))
    if receiver.on is not None and not receiver.on:
        yield Finding((*path, "on"), wrong("an empty list", "one or more conditions"))
    foreign = ("to", "user", "group") if receiver.webhook is not None else ("secret_file",)
    needed = "command" if receiver.webhook is not None else "webhook"
    for key in foreign:
        if key in receiver.model_fields_set:
            yield Finding((*path, key), f"has no effect without {needed}")
