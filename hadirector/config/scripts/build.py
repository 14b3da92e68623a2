"""Builds scripts, and the notify scripts of all objects."""

from __future__ import annotations

from checks.script_runner.script import Script
from hadirector.config.schema import Root
from hadirector.config.scripts.rules import notified_objects
from hadirector.config.scripts.schema import NotifySection, PoolNotifySection, ScriptSection
from hadirector.model.notification import Notification, NotifyScript, Word


def script(section: ScriptSection, timeout: float, *, leaves_daemons: bool = False) -> Script:
    """Return the script, with the path of its program on this host. ``timeout`` is in seconds."""
    return Script(
        path=section.program,
        arguments=section.program_arguments,
        user=section.user,
        group=section.group or "",
        timeout=timeout,
        leaves_daemons=leaves_daemons,
    )


def notifications(root: Root) -> tuple[Notification, ...]:
    """Return the notify scripts of all objects, in the order of the file."""
    return tuple(
        Notification(
            kind=notified.kind,
            name=notified.name,
            scripts=tuple(_notify_script(item, notified.words) for _, item in notified.scripts),
        )
        for notified in notified_objects(root)
        if notified.scripts
    )


def _notify_script(section: NotifySection, words: tuple[Word, ...]) -> NotifyScript:
    return NotifyScript(
        # A notification may start or stop a service of this host.
        script=script(section, section.timeout, leaves_daemons=True),
        on=words if section.on is None else tuple(section.on),
        names_state=section.tell == "state",
        at_stop=isinstance(section, PoolNotifySection) and section.on_stop == "down",
    )
