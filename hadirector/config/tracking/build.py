"""Makes the model of what VRRP instances depend on, and of whom to tell, out of good sections."""

from __future__ import annotations

from msgspec.structs import replace

from checks.script_runner.script import Script
from hadirector.config.keys.section import valid_items
from hadirector.config.schema import Root, VrrpSection
from hadirector.config.tracking.schema import NotifySection
from hadirector.model.configuration import Notification, NotifiedObject, TrackedScript
from hadirector.model.policy import VISIBILITY_OF_BACKENDS
from vrrp.model.configuration import InstanceConfiguration, TrackedKey, TrackedObject


def tracked_objects(section: VrrpSection, *, has_backends: bool) -> tuple[TrackedObject, ...]:
    """What one instance tracks by itself, and whether the director sees its backends, if any."""
    tracked = [
        TrackedObject(key=key, weight=each.weight, flap_delay=each.flap_delay)
        for _, each in valid_items(section.track)
        for key in each.objects
    ]
    if has_backends and section.blind_priority_weight:
        tracked.append(
            TrackedObject(key=VISIBILITY_OF_BACKENDS, weight=section.blind_priority_weight)
        )
    return tuple(tracked)


def in_groups(
    root: Root, instances: tuple[InstanceConfiguration, ...]
) -> tuple[InstanceConfiguration, ...]:
    """Tell instances of their sync groups. What one member tracks, all of them track."""
    named = {each.name: each for each in instances}
    for _, group in valid_items(root.sync_groups):
        members = [named[name] for name in group.instances]
        tracked = {each.key: each for member in members for each in member.track}
        for member in members:
            named[member.name] = replace(
                member, sync_group=group.name, track=tuple(tracked.values())
            )
    return tuple(named.values())


def tracked_scripts(root: Root) -> tuple[TrackedScript, ...]:
    """Every script that is tracked, once."""
    scripts: dict[TrackedKey, TrackedScript] = {}
    for _, instance in valid_items(root.vrrp):
        for _, each in valid_items(instance.track):
            if each.script is not None:
                timing = each.timing
                script = Script(
                    path=each.script,
                    arguments=tuple(each.arguments),
                    user=each.user,
                    timeout=timing.timeout,
                )
                (key,) = each.objects
                scripts[key] = TrackedScript(key=key, script=script, timing=timing)
    return tuple(scripts.values())


def notifications(root: Root) -> tuple[Notification, ...]:
    """The scripts that are told of new states, in the order of the file."""
    instances = [
        _notification("INSTANCE", each.name, each.notify) for _, each in valid_items(root.vrrp)
    ]
    groups = [
        _notification("GROUP", each.name, each.notify) for _, each in valid_items(root.sync_groups)
    ]
    return tuple(each for each in instances + groups if each is not None)


def _notification(
    kind: NotifiedObject, name: str, section: NotifySection | None
) -> Notification | None:
    if section is None:
        return None
    script = Script(
        path=section.script,
        arguments=tuple(section.arguments),
        user=section.user,
        timeout=section.timeout,
    )
    return Notification(kind=kind, name=name, script=script)
