"""Judges what VRRP instances depend on, and which of them move together."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.document.errors import shown
from hadirector.config.document.finding import Claim, Finding, Path, duplicates, written, wrong
from hadirector.config.keys.section import valid_items
from hadirector.config.schema import Root, VrrpSection
from hadirector.config.tracking.schema import SyncGroupSection, TrackSection
from vrrp.model.configuration import TrackedKey, TrackedKind

KINDS = ("interface", "pool", "script", "file", "process")
_USEFUL: dict[TrackedKind, set[str]] = {
    "interface": {"flap_delay"},
    "script": {"arguments", "user", "interval", "timeout", "rise", "fall"},
}
_ALWAYS_USEFUL = {*KINDS, "weight"}
_COMMON_KEYS = ("priority", "preempt", "blind_priority_weight")


def track_findings(root: Root) -> Iterator[Finding]:
    """Find what cannot be tracked, or not in this way."""
    pools = {server.title for _, server in valid_items(root.virtual_servers)}
    for index, instance in valid_items(root.vrrp):
        path: Path = ("vrrp", index)
        yield from _flap_findings(path, instance)
        objects = (Claim(where, key, str(key)) for where, key, _ in _objects(path, instance))
        yield from duplicates(objects)
        for place, tracked in valid_items(instance.track):
            yield from _object_findings((*path, "track", place), tracked, pools)
    yield from _different_scripts(root)


def sync_group_findings(root: Root) -> Iterator[Finding]:
    """Find groups that cannot move together."""
    instances = {instance.name: instance for _, instance in valid_items(root.vrrp)}
    groups = [(("sync_groups", index), each) for index, each in valid_items(root.sync_groups)]
    yield from duplicates(
        Claim((*path, "name"), group.name, f"name {shown(group.name)}") for path, group in groups
    )
    yield from duplicates(
        Claim((*path, "instances", place), name, f"instance {name}")
        for path, group in groups
        for place, name in enumerate(group.instances)
    )
    for path, group in groups:
        yield from _group_findings((*path, "instances"), group, instances)


def _objects(path: Path, instance: VrrpSection) -> Iterator[tuple[Path, TrackedKey, TrackSection]]:
    """Go through what an instance tracks: where it is named, as what, and the whole section."""
    for place, tracked in valid_items(instance.track):
        for key in tracked.objects[:1]:
            yield (*path, "track", place, key.kind), key, tracked


def _object_findings(path: Path, tracked: TrackSection, pools: set[str]) -> Iterator[Finding]:
    kinds = [key.kind for key in tracked.objects]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none of them"
        yield Finding(path, wrong(found, f"one of {', '.join(KINDS)}"))
        return
    useful = _USEFUL.get(kinds[0], set()) | _ALWAYS_USEFUL
    for key in sorted(tracked.model_fields_set - useful):
        yield Finding((*path, key), f"a tracked {kinds[0]} has no {key}")
    if tracked.timing.timeout > tracked.timing.interval:
        expected = f"at most the interval, {tracked.interval:g}s"
        yield Finding((*path, "timeout"), wrong(f"{tracked.timing.timeout:g}s", expected))
    if tracked.pool is not None and tracked.pool not in pools:
        expected = "the name of a virtual server"
        yield Finding((*path, "pool"), wrong(shown(tracked.pool), expected))


def _different_scripts(root: Root) -> Iterator[Finding]:
    """A script that several instances track runs once, so they must mean the same."""
    first: dict[TrackedKey, tuple[Path, TrackSection]] = {}
    for index, instance in valid_items(root.vrrp):
        for path, key, tracked in _objects(("vrrp", index), instance):
            where, other = first.setdefault(key, (path, tracked))
            if tracked.script and (tracked.user, tracked.timing) != (other.user, other.timing):
                yield Finding(path, f"the same script runs otherwise at {written(where)}")


def _flap_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    """A peer takes over after three intervals of silence at the earliest."""
    longest = 2 * instance.advert_interval
    if instance.flap_delay > longest:
        expected = f"at most two advertisement intervals, {longest:g}s: then a peer takes over"
        yield Finding((*path, "flap_delay"), wrong(f"{instance.flap_delay:g}s", expected))


def _group_findings(
    path: Path, group: SyncGroupSection, instances: dict[str, VrrpSection]
) -> Iterator[Finding]:
    if len(group.instances) < 2:
        message = f"wrong number (got {len(group.instances)}, expected 2 or more instances)"
        yield Finding(path, message)
    members = [(place, instances.get(name)) for place, name in enumerate(group.instances)]
    objects: dict[TrackedKey, TrackSection] = {}
    for place, member in members:
        if member is None:
            expected = "the name of a VRRP instance"
            yield Finding((*path, place), wrong(shown(group.instances[place]), expected))
            continue
        yield from _member_findings((*path, place), member, members[0][1])
        for _, key, tracked in _objects((), member):
            if objects.setdefault(key, tracked).weight != tracked.weight:
                message = f"members of a group track together: different weights of {key}"
                yield Finding((*path, place), message)


def _member_findings(
    path: Path, member: VrrpSection, first: VrrpSection | None
) -> Iterator[Finding]:
    """With different rules each would go its own way, and the group to and fro."""
    for key in _COMMON_KEYS:
        if first is not None and getattr(member, key) != getattr(first, key):
            message = f"{member.name} needs the same {key} as {first.name} to move with it"
            yield Finding(path, message)
