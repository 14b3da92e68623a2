"""The keys of tracked objects and sync groups."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from checks.definition.check import Timing
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import (
    Count,
    FilePath,
    InterfaceName,
    Name,
    ProbeDuration,
)
from hadirector.config.keys.readers import choice, duration, integer
from hadirector.config.keys.section import Placed, Section, place_items
from hadirector.config.scripts.schema import NotifySection, ScriptSection
from hadirector.config.tracking.process_schema import Process
from vrrp.model.configuration import TrackedKey, TrackedKind


class TrackSection(ScriptSection):
    """A tracked object of an instance: an interface, a pool, a script, a file or a process."""

    interface: Annotated[
        InterfaceName | None,
        Key("The object is up while the interface is up and has carrier.", default=""),
    ] = None
    pool: Annotated[
        Name | None,
        Key(
            "The object is up while the pool has its [quorum](#pool-policies).",
            type="the name of a virtual server",
            default="",
        ),
    ] = None
    file: Annotated[
        FilePath | None,
        Key(
            "The file holds a whole number and is read once a second. With a weight, the number"
            " multiplies the weight. Without a weight, any number but 0 is a fault. A missing file"
            " counts as 0. A text that is not a number is logged, and the previous number stays.",
            default="",
        ),
    ] = None
    process: Annotated[
        Process | None,
        Key(
            "The object is up while a process has this name in `/proc/PID/comm`; or a section with"
            " more conditions.",
            type="name, at most 15 characters, or [process](#process)",
            default="",
        ),
    ] = None
    weight: Annotated[
        int,
        integer(-253, 253),
        Key("The number that the object adds to the priority.", default="0: no weight"),
    ] = 0
    weight_when: Annotated[
        Annotated[Literal["up", "down"], choice(("up", "down"))] | None,
        Key(
            "Not for files: the state of the object in which the weight counts. `weight: 50,"
            " weight_when: down` is `weight -50 reverse` of keepalived, and `weight: -50,"
            " weight_when: up` is `weight 50 reverse`.",
            default="`up` for a positive weight, `down` for a negative weight",
        ),
    ] = None
    flap_delay: Annotated[
        float,
        duration("10ms", "1h"),
        Key("Interfaces only: how long a change must last before it counts.", default="none"),
    ] = 0.0
    interval: Annotated[
        ProbeDuration,
        Key("Scripts only: the time from the start of one run to the start of the next."),
    ] = 2.0
    timeout: Annotated[
        ProbeDuration | None,
        Key(
            "Scripts only: a run that takes longer is killed and counts as a failure.",
            type="duration, `10ms` to `1h`, at most `interval`",
            default="`1s`, or `interval` if that is shorter",
        ),
    ] = None
    rise: Annotated[
        Count,
        Key(
            "Scripts only: successive successes that bring the object up again. The first run"
            " decides at once."
        ),
    ] = 2
    fall: Annotated[
        Count, Key("Scripts only: successive failures that make the object a fault.")
    ] = 2

    @property
    def is_script(self) -> bool:
        """Whether the object is a script, by ``script`` or ``shell``."""
        return self.script is not None or self.shell is not None

    @property
    def objects(self) -> list[TrackedKey]:
        """The objects that the section names: one object in a valid section."""
        command = " ".join((self.program, *self.program_arguments)) if self.is_script else None
        named: dict[TrackedKind, str | None] = {
            "interface": self.interface,
            "pool": self.pool,
            "script": command,
            "file": self.file,
            "process": None if self.process is None else self.process.title,
        }
        return [TrackedKey(kind, name) for kind, name in named.items() if name is not None]

    @property
    def timing(self) -> Timing:
        """The timing of a script, as for a check."""
        timeout = min(1.0, self.interval) if self.timeout is None else self.timeout
        return Timing(interval=self.interval, timeout=timeout, rise=self.rise, fall=self.fall)


class SyncGroupSection(Section):
    """VRRP instances that change their state together."""

    name: Annotated[Name, Key("The name of the group. The notify script gets it as an argument.")]
    instances: Annotated[
        list[Name],
        Key(
            "The members. They have the same `priority` and `preempt`. An instance belongs to at"
            " most one group.",
            type="list of two or more names of instances",
        ),
    ]
    notify: Annotated[
        list[NotifySection | None],
        Key(
            "The scripts that run for new states of the group. The group is active when all"
            " instances are ACTIVE, and has a fault when one of them takes no part.",
            type="list of [notify](#notify)",
            default="none",
        ),
    ] = []

    @cached_property
    def notify_scripts(self) -> tuple[Placed[NotifySection], ...]:
        """The notify scripts, with their paths below the group."""
        return place_items(("notify",), self.notify)
