"""Rules for scripts, and for the states for which notify scripts run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hadirector.config.document.finding import Finding, Path, wrong
from hadirector.config.pools.schema import destination
from hadirector.config.schema import Root
from hadirector.config.scripts.schema import NotifySection, PoolNotifySection, ScriptSection
from hadirector.model.notification import (
    INSTANCE_WORDS,
    POOL_WORDS,
    REAL_SERVER_WORDS,
    NotifiedObject,
    Word,
)


class Notified(NamedTuple):
    """An object of the file with notify scripts, and the states for which they may run."""

    kind: NotifiedObject
    name: str
    path: Path
    scripts: Sequence[tuple[Path, NotifySection]]
    words: tuple[Word, ...]


def script_findings(path: Path, section: ScriptSection) -> Iterator[Finding]:
    """Yield a fault if a script has no program, or two."""
    if section.script is None and section.shell is None:
        yield Finding(path, wrong("none of them", "one of script, shell"))
    elif section.script is not None and section.shell is not None:
        yield Finding((*path, "shell"), "script and shell cannot be combined; remove one of them")
    elif section.shell is not None and section.arguments:
        yield Finding((*path, "arguments"), "shell has no arguments; write them in its text")


def notified_objects(root: Root) -> Iterator[Notified]:
    """Yield the objects that have notify scripts, in the order of the file."""
    for path, instance in root.instances:
        yield Notified("INSTANCE", instance.name, path, instance.notify_scripts, INSTANCE_WORDS)
    for path, group in root.groups:
        yield Notified("GROUP", group.name, path, group.notify_scripts, INSTANCE_WORDS)
    for path, server in root.servers:
        yield Notified("POOL", server.title, path, server.notify_scripts, POOL_WORDS)
        for step, real_server in server.members:
            if real_server.notify:
                key = destination(real_server.address, server.port)
                name = f"{server.title}/{key if key.port else key.address}"
                scripts = real_server.notify_scripts
                yield Notified("REAL_SERVER", name, (*path, *step), scripts, REAL_SERVER_WORDS)


def notify_findings(root: Root) -> Iterator[Finding]:
    """Yield notify scripts without a program, and states that their object cannot have."""
    for notified in notified_objects(root):
        for step, section in notified.scripts:
            path = (*notified.path, *step)
            yield from script_findings(path, section)
            yield from _word_findings((*path, "on"), section.on, notified.words)
            if isinstance(section, PoolNotifySection):
                yield from _on_stop_findings((*path, "on_stop"), section)


def _word_findings(
    path: Path, on: Sequence[Word] | None, words: Sequence[Word]
) -> Iterator[Finding]:
    if on is not None and not on:
        yield Finding(path, wrong("an empty list", f"one or more of {', '.join(words)}"))
    for index, word in enumerate(on or ()):
        if word not in words:
            message = f"{word} is a state of a pool; write it in notify of the virtual server"
            yield Finding((*path, index), message)


def _on_stop_findings(path: Path, section: PoolNotifySection) -> Iterator[Finding]:
    on = section.on
    if section.on_stop is not None and on is not None and not {"down", "quorum_down"} & {*on}:
        yield Finding(path, "has no effect without down or quorum_down in on")
