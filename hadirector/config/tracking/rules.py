"""Rules for the tracked objects of VRRP instances, and for sync groups."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from hadirector.config.document.errors import quote
from hadirector.config.document.finding import (
    Claim,
    Finding,
    Path,
    duplicates,
    format_path,
    wrong,
)
from hadirector.config.keys.section import Placed
from hadirector.config.scripts.rules import script_findings
from hadirector.config.tracking.process_schema import ProcessSection
from hadirector.config.tracking.schema import SyncGroupSection, TrackSection
from hadirector.config.vrrp.schema import VrrpSection
from vrrp.model.configuration import TrackedKey, TrackedKind

KINDS = ("interface", "pool", "script", "file", "process")
_KEYS_OF_KIND: dict[TrackedKind, set[str]] = {
    "interface": {"flap_delay"},
    "script": {
        *("shell", "arguments", "user", "group"),
        *("interval", "timeout", "rise", "fall"),
    },
}
_KEYS_OF_EVERY_KIND = {*KINDS, "weight", "weight_when"}
_COMMON_KEYS_OF_MEMBERS = ("priority", "preempt", "blind_priority_weight")


def track_findings(
    instances: Sequence[Placed[VrrpSection]], pools: Collection[str]
) -> Iterator[Finding]:
    """Yield the faults of tracked objects. ``pools`` are the names of the virtual servers."""
    for path, instance in instances:
        yield from _flap_delay_findings((*path, "flap_delay"), instance)
        yield from _carrier_findings(path, instance)
        objects = (Claim(place, key, str(key)) for place, key, _ in _objects(path, instance))
        yield from duplicates(objects)
        for place, tracked in instance.tracked:
            yield from _object_findings((*path, *place), tracked, pools)
    yield from _different_scripts(instances)


def sync_group_findings(
    groups: Sequence[Placed[SyncGroupSection]], instances: Sequence[Placed[VrrpSection]]
) -> Iterator[Finding]:
    """Yield the faults of sync groups."""
    by_name = {instance.name: instance for _, instance in instances}
    yield from duplicates(
        Claim((*path, "name"), group.name, f"name {quote(group.name)}") for path, group in groups
    )
    yield from duplicates(
        Claim((*path, "instances", place), name, f"instance {name}")
        for path, group in groups
        for place, name in enumerate(group.instances)
    )
    for path, group in groups:
        yield from _group_findings((*path, "instances"), group, by_name)


def _objects(path: Path, instance: VrrpSection) -> Iterator[tuple[Path, TrackedKey, TrackSection]]:
    """Yield the path of the key that names a tracked object, the object, and its section."""
    for place, tracked in instance.tracked:
        for key in tracked.objects[:1]:
            step = "shell" if key.kind == "script" and tracked.script is None else key.kind
            yield (*path, *place, step), key, tracked


def _object_findings(
    path: Path, tracked: TrackSection, pools: Collection[str]
) -> Iterator[Finding]:
    kinds = [key.kind for key in tracked.objects]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none of them"
        yield Finding(path, wrong(found, f"one of {', '.join(KINDS)}"))
        return
    used = _KEYS_OF_KIND.get(kinds[0], set()) | _KEYS_OF_EVERY_KIND
    for key in sorted(tracked.model_fields_set - used):
        yield Finding((*path, key), f"a tracked {kinds[0]} has no {key}")
    yield from _weight_findings(path, tracked)
    if tracked.is_script:
        yield from script_findings(path, tracked)
    if tracked.timing.timeout > tracked.timing.interval:
        expected = f"at most the interval, {tracked.interval:g}s"
        yield Finding((*path, "timeout"), wrong(f"{tracked.timing.timeout:g}s", expected))
    if tracked.process is not None:
        yield from _process_findings((*path, "process"), tracked.process)
    if tracked.pool is not None and tracked.pool not in pools:
        expected = "the name of a virtual server"
        yield Finding((*path, "pool"), wrong(quote(tracked.pool), expected))


def _process_findings(path: Path, process: ProcessSection) -> Iterator[Finding]:
    if process.name is not None and process.command is not None:
        yield Finding(
            (*path, "command"), "a process has either name or command; remove one of them"
        )
    if process.name is None and process.command is None:
        yield Finding(path, 'a process needs the key "name" or "command"')
    if "arguments_match" in process.model_fields_set and not process.arguments:
        yield Finding((*path, "arguments_match"), "the process has no arguments to compare")
    if process.at_most is None:
        if process.at_least == 0:
            message = "the object would always be up (expected 1 or more, or at_most)"
            yield Finding((*path, "at_least"), message)
    elif process.at_most < process.at_least:
        expected = f"at_least, {process.at_least}, or more"
        yield Finding((*path, "at_most"), wrong(str(process.at_most), expected))


def _weight_findings(path: Path, tracked: TrackSection) -> Iterator[Finding]:
    if tracked.weight_when is None:
        return
    if tracked.file is not None:
        message = "the number in a file multiplies the weight; use the other sign of the weight"
        yield Finding((*path, "weight_when"), message)
    elif not tracked.weight:
        yield Finding(
            (*path, "weight_when"), "has no effect without a weight (add weight, or leave this out)"
        )


def _different_scripts(instances: Sequence[Placed[VrrpSection]]) -> Iterator[Finding]:
    """Yield scripts that two instances track with different users, groups or timings.

    A script runs once for all instances that track it.
    """
    first: dict[TrackedKey, tuple[Path, TrackSection]] = {}
    for path, instance in instances:
        for place, key, tracked in _objects(path, instance):
            earlier, other = first.setdefault(key, (place, tracked))
            same = (tracked.user, tracked.group, tracked.timing)
            if tracked.is_script and same != (other.user, other.group, other.timing):
                message = (
                    f"the same script has another user, group or timing at {format_path(earlier)}"
                )
                yield Finding(place, message)


def _flap_delay_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    """Yield a flap delay that is too long: a peer may take over before it ends."""
    count = instance.down_timer_adverts
    longest = (count - 1) * instance.advert_interval
    if instance.flap_delay > longest:
        expected = (
            f"at most {count - 1} advertisement intervals, {longest:g}s, because a peer takes over"
            f" after {count}"
        )
        yield Finding(path, wrong(f"{instance.flap_delay:g}s", expected))


def _carrier_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    """Yield keys about the carrier of the instance's own interface that contradict each other."""
    if instance.ignore_carrier:
        if instance.transport == "udp":
            message = "an instance over UDP does not watch the carrier; leave this out"
            yield Finding((*path, "ignore_carrier"), message)
        for place, tracked in instance.tracked:
            if tracked.interface == instance.interface and not tracked.weight:
                message = "contradicts ignore_carrier (add a weight, or remove one of them)"
                yield Finding((*path, *place, "interface"), message)
    if instance.works_without_carrier and "flap_delay" in instance.model_fields_set:
        message = f"the loss of carrier on {instance.interface} is no fault here; leave this out"
        yield Finding((*path, "flap_delay"), message)


def _group_findings(
    path: Path, group: SyncGroupSection, instances: Mapping[str, VrrpSection]
) -> Iterator[Finding]:
    if len(group.instances) < 2:
        message = f"wrong number (got {len(group.instances)}, expected 2 or more instances)"
        yield Finding(path, message)
    members = [(place, instances.get(name)) for place, name in enumerate(group.instances)]
    objects: dict[TrackedKey, TrackSection] = {}
    for place, member in members:
        if member is None:
            expected = "the name of a VRRP instance"
            yield Finding((*path, place), wrong(quote(group.instances[place]), expected))
            continue
        yield from _member_findings((*path, place), member, members[0][1])
        for _, key, tracked in _objects((), member):
            first = objects.setdefault(key, tracked)
            if (first.weight, first.weight_when) != (tracked.weight, tracked.weight_when):
                message = (
                    f"the members of a group must track {key} with the same weight and weight_when"
                )
                yield Finding((*path, place), message)


def _member_findings(
    path: Path, member: VrrpSection, first: VrrpSection | None
) -> Iterator[Finding]:
    """Yield keys that differ between members.

    Members with different rules would decide differently, and the group would move back and forth.
    """
    for key in _COMMON_KEYS_OF_MEMBERS:
        if first is not None and getattr(member, key) != getattr(first, key):
            message = (
                f"{member.name} needs the same {key} as {first.name}, because the members of a"
                " group move together"
            )
            yield Finding(path, message)
