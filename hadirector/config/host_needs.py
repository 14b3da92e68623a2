"""Lists the interfaces and scripts that a configuration needs, with their places in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from checks.definition.options import ScriptProbe
from checks.script_runner.script import SHELL, Script
from hadirector.config.alerts.build import alert_script
from hadirector.config.checks.schema import NONE, CheckSection
from hadirector.config.document.finding import Path
from hadirector.config.schema import Root
from hadirector.config.scripts.rules import notified_objects
from hadirector.config.scripts.schema import ScriptSection
from hadirector.model.configuration import NeededInterface, NeededScript


class _Interface(NamedTuple):
    path: Path
    name: str
    needed_by: str


class _Script(NamedTuple):
    """A script at its place in the file: the name of the program as written, and the script."""

    path: Path
    written: str
    script: Script


def needed_interfaces(root: Root, place: Callable[[Path], str]) -> tuple[NeededInterface, ...]:
    """Return the interfaces in the order of the file. ``place`` returns the place of a path."""
    return tuple(
        NeededInterface(name=name, needed_by=needed_by, place=place(path))
        for path, name, needed_by in _interfaces(root)
    )


def needed_scripts(root: Root, place: Callable[[Path], str]) -> tuple[NeededScript, ...]:
    """Return the scripts. A script occurs once for each user and group.

    ``place`` returns the place of a path in the file.
    """
    found: dict[Script, NeededScript] = {}
    for path, written, script in (
        *_vrrp_scripts(root),
        *_notify_scripts(root),
        *_check_scripts(root),
        *_alert_scripts(root),
    ):
        needed = NeededScript(script=script, written=written, place=place(path))
        found.setdefault(script, needed)
    return tuple(found.values())


def _interfaces(root: Root) -> Iterator[_Interface]:
    for path, instance in root.instances:
        needed_by = f"VRRP instance {instance.name}"
        yield _Interface((*path, "interface"), instance.interface, needed_by)
        for step, tracked in instance.tracked:
            if tracked.interface is not None:
                yield _Interface((*path, *step, "interface"), tracked.interface, needed_by)
    if root.static is not None:
        for index, address in enumerate(root.static.addresses):
            yield _Interface(("static", "addresses", index, "device"), address.device, "static")
    if root.sync_daemon is not None:
        place = ("sync_daemon", "interface")
        yield _Interface(place, root.sync_daemon.interface, "sync_daemon")


def _vrrp_scripts(root: Root) -> Iterator[_Script]:
    for path, instance in root.instances:
        for step, tracked in instance.tracked:
            if tracked.is_script:
                yield _script((*path, *step), tracked)


def _notify_scripts(root: Root) -> Iterator[_Script]:
    for notified in notified_objects(root):
        for step, section in notified.scripts:
            yield _script((*notified.path, *step), section)


def _alert_scripts(root: Root) -> Iterator[_Script]:
    for path, receiver in root.receivers:
        if receiver.command:
            script = alert_script(receiver)
            same = Script(path=script.path, user=script.user, group=script.group)
            yield _Script((*path, "command"), receiver.command[0], same)


def _script(path: Path, section: ScriptSection) -> _Script:
    """Return the script of a section. Its arguments do not matter to the host."""
    key = "shell" if section.script is None else "script"
    script = Script(path=section.program, user=section.user, group=section.group or "")
    return _Script((*path, key), section.script or section.program, script)


def _probe_script(path: Path, check: CheckSection, probe: ScriptProbe) -> _Script:
    key = "shell" if probe.script is None else "script"
    script = Script(path=probe.script or SHELL, user=probe.user, group=probe.group or "")
    return _Script((*path, key), getattr(check, "script", None) or SHELL, script)


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
        yield _probe_script(path, check, check.probe)
    for index, member in enumerate(check.members):
        yield from _scripts_of_check((*path, "checks", index), member)
