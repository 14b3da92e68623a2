"""Builds tracked objects, scripts and processes, and sync groups."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from hadirector.config.keys.build import build_struct
from hadirector.config.keys.section import Placed
from hadirector.config.scripts.build import script
from hadirector.config.tracking.schema import SyncGroupSection
from hadirector.config.vrrp.schema import VrrpSection
from hadirector.model.configuration import TrackedScript
from hadirector.model.policy import (
    FITNESS,
    READINESS,
    UNFIT_PRIORITY_WEIGHT,
    VISIBILITY_OF_BACKENDS,
)
from vrrp.model.configuration import InstanceConfiguration, TrackedKey, TrackedObject
from vrrp.model.tracked_process import ProcessPattern, TrackedProcess


def tracked_objects(
    section: VrrpSection, *, has_backends: bool, unready_weight: int
) -> tuple[TrackedObject, ...]:
    """Return the objects that an instance tracks.

    If the director has virtual servers, every instance also tracks the visibility of the
    backends and the fitness of the director. In a pair it tracks the readiness of the director,
    unless ``unready_weight`` is 0.
    """
    objects = [
        build_struct(TrackedObject, tracked, key=key)
        for _, tracked in section.tracked
        for key in tracked.objects
    ]
    if has_backends:
        objects.append(TrackedObject(key=FITNESS, weight=UNFIT_PRIORITY_WEIGHT))
    if has_backends and section.blind_priority_weight:
        objects.append(
            TrackedObject(key=VISIBILITY_OF_BACKENDS, weight=section.blind_priority_weight)
        )
    if unready_weight:
        objects.append(TrackedObject(key=READINESS, weight=unready_weight))
    return tuple(objects)


def assign_groups(
    groups: Sequence[Placed[SyncGroupSection]], instances: Sequence[InstanceConfiguration]
) -> tuple[InstanceConfiguration, ...]:
    """Return the instances with their sync groups.

    Each member tracks the objects of all members.
    """
    by_name = {instance.name: instance for instance in instances}
    for _, group in groups:
        members = [by_name[name] for name in group.instances]
        objects = {tracked.key: tracked for member in members for tracked in member.track}
        for member in members:
            by_name[member.name] = replace(
                member, sync_group=group.name, track=tuple(objects.values())
            )
    return tuple(by_name.values())


def tracked_scripts(instances: Sequence[Placed[VrrpSection]]) -> tuple[TrackedScript, ...]:
    """Return the tracked scripts of all instances, each script once."""
    scripts: dict[TrackedKey, TrackedScript] = {}
    for _, instance in instances:
        for _, tracked in instance.tracked:
            if tracked.is_script:
                (key,) = tracked.objects
                timing = tracked.timing
                scripts[key] = TrackedScript(
                    key=key, script=script(tracked, timing.timeout), timing=timing
                )
    return tuple(scripts.values())


def tracked_processes(instances: Sequence[Placed[VrrpSection]]) -> tuple[TrackedProcess, ...]:
    """Return the tracked processes of all instances, each once."""
    processes: dict[TrackedKey, TrackedProcess] = {}
    for _, instance in instances:
        for _, tracked in instance.tracked:
            if tracked.process is not None:
                (key,) = tracked.objects
                pattern = build_struct(ProcessPattern, tracked.process)
                processes[key] = build_struct(
                    TrackedProcess, tracked.process, key=key, pattern=pattern
                )
    return tuple(processes.values())
