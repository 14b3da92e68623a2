"""Lists the scripts that a configuration has run, and where it names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from checks.definition.options import ScriptProbe
from checks.script_runner.script import Script
from hadirector.config.checks.schema import NONE, CheckSection
from hadirector.config.document.finding import Path
from hadirector.config.keys.section import valid_items
from hadirector.config.schema import Root
from hadirector.config.tracking.schema import NotifySection
from hadirector.model.configuration import NeededScript


class _Mention(NamedTuple):
    path: Path
    file: str
    user: str


def needed_scripts(root: Root, place: Callable[[Path], str]) -> tuple[NeededScript, ...]:
    """List them, each once for every user; ``place`` says where the value of a path stands."""
    found: dict[tuple[str, str], NeededScript] = {}
    for path, file, user in (*_of_elections(root), *_of_checks(root)):
        script = Script(path=file, user=user)
        found.setdefault((file, user), NeededScript(script=script, place=place(path)))
    return tuple(found.values())


def _of_elections(root: Root) -> Iterator[_Mention]:
    for index, instance in valid_items(root.vrrp):
        for number, tracked in valid_items(instance.track):
            if tracked.script is not None:
                path = ("vrrp", index, "track", number, "script")
                yield _Mention(path, tracked.script, tracked.user)
        yield from _of_notify(("vrrp", index, "notify"), instance.notify)
    for index, group in valid_items(root.sync_groups):
        yield from _of_notify(("sync_groups", index, "notify"), group.notify)


def _of_notify(path: Path, notify: NotifySection | None) -> Iterator[_Mention]:
    if notify is not None:
        yield _Mention((*path, "script"), notify.script, notify.user)


def _of_checks(root: Root) -> Iterator[_Mention]:
    if root.director is not None:
        yield from _of_check(("director", "check"), root.director.check)
    for index, server in valid_items(root.virtual_servers):
        path: Path = ("virtual_servers", index)
        yield from _of_check((*path, "check"), server.check)
        if server.sorry_server is not None:
            yield from _of_check((*path, "sorry_server", "check"), server.sorry_server.check)
        for number, each in valid_items(server.real_servers):
            yield from _of_check((*path, "real_servers", number, "check"), each.check)


def _of_check(path: Path, check: CheckSection | None) -> Iterator[_Mention]:
    if check is None or check.type == NONE:
        return
    if isinstance(check.probe, ScriptProbe):
        yield _Mention((*path, "script"), check.probe.script, check.probe.user)
    for number, member in enumerate(check.members):
        yield from _of_check((*path, "checks", number), member)
