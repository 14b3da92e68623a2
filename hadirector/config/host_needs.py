"""Lists the interfaces and scripts that a configuration needs, with their places in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from checks.definition.options import ScriptProbe
from checks.script_runner.script import Script
from hadirector.config.checks.schema import NONE, CheckSection
from hadirector.config.document.finding import Path
from hadirector.config.schema import Root
from hadirector.config.tracking.schema import NotifySection
from hadirector.model.configuration import NeededInterface, NeededScript


class _Interface(NamedTuple):
    path: Path
    name: str
    needed_by: str


class _Script(NamedTuple):
    path: Path
    file: str
    user: str


def needed_interfaces(root: Root, place: Callable[[Path], str]) -> tuple[NeededInterface, ...]:
    """Return the interfaces in the order of the file. ``place`` returns the place of a path."""
    return tuple(
        NeededInterface(name=name, needed_by=needed_by, place=place(path))
        for path, name, needed_by in _interfaces(root)
    )


def needed_scripts(root: Root, place: Callable[[Path], str]) -> tuple[NeededScript, ...]:
    """Return the scripts, each script once for each user. ``place`` returns the place of a path."""
    found: dict[tuple[str, str], NeededScript] = {}
    for path, file, user in (*_vrrp_scripts(root), *_check_scripts(root)):
        script = Script(path=file, user=user)
        found.setdefault((file, user), NeededScript(script=script, place=place(path)))
    return tuple(found.values())


def _interfaces(root: Root) -> Iterator[_Interface]:
    for path, instance in root.instances:
        needed_by = f"VRRP instance {instance.name}"
        yield _Interface((*path, "interface"), instance.interface, needed_by)
        for step, tracked in instance.tracked:
            if tracked.interface is not None:
                yield _Interface((*path, *step, "interface"), tracked.interface, needed_by)
    if root.sync_daemon is not None:
        place = ("sync_daemon", "interface")
        yield _Interface(place, root.sync_daemon.interface, "sync_daemon")


def _vrrp_scripts(root: Root) -> Iterator[_Script]:
    for path, instance in root.instances:
        for step, tracked in instance.tracked:
            if tracked.script is not None:
                yield _Script((*path, *step, "script"), tracked.script, tracked.user)
        yield from _notify_scripts((*path, "notify"), instance.notify)
    for path, group in root.groups:
        yield from _notify_scripts((*path, "notify"), group.notify)


def _notify_scripts(path: Path, notify: NotifySection | None) -> Iterator[_Script]:
    if notify is not None:
        yield _Script((*path, "script"), notify.script, notify.user)


def _check_scripts(root: Root) -> Iterator[_Script]:
    if root.director is not None:
        yield from _scripts_of_check(("director", "check"), root.director.check)
    for path, server in root.servers:
        yield from _scripts_of_check((*path, "check"), server.check)
        if server.sorry_server is not None:
            yield from _scripts_of_check(
                (*path, "sorry_server", "check"), server.sorry_server.check
            )
        for step, real_server in server.members:
            yield from _scripts_of_check((*path, *step, "check"), real_server.check)


def _scripts_of_check(path: Path, check: CheckSection | None) -> Iterator[_Script]:
    if check is None or check.type == NONE:
        return
    if isinstance(check.probe, ScriptProbe):
        yield _Script((*path, "script"), check.probe.script, check.probe.user)
    for index, member in enumerate(check.members):
        yield from _scripts_of_check((*path, "checks", index), member)
