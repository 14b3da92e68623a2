"""The keys that say what VRRP instances depend on, who moves together, and who is told."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainValidator

from checks.definition.check import Timing
from hadirector.config.keys.section import (
    Count,
    FilePath,
    InterfaceName,
    Name,
    ProbeDuration,
    Section,
)
from hadirector.config.keys.values import duration, text, whole
from vrrp.model.configuration import TrackedKey, TrackedKind

Argument = Annotated[
    str, PlainValidator(text(r"[^\x00-\x1f\x7f]{0,1023}", "an argument without control characters"))
]
# As in /proc/PID/comm: TASK_COMM_LEN is 16 with the final zero.
ProcessName = Annotated[
    str, PlainValidator(text(r"[^\x00-\x1f\x7f/]{1,15}", "a process name of 1 to 15 characters"))
]
UserName = Annotated[
    str, PlainValidator(text(r"[a-z_][a-z0-9_-]{0,31}", "the name of a user of this host"))
]


class TrackSection(Section):
    """Something an instance depends on: one of the first keys names it."""

    interface: InterfaceName | None = None
    pool: Name | None = None
    script: FilePath | None = None
    file: FilePath | None = None
    process: ProcessName | None = None
    weight: Annotated[int, PlainValidator(whole(-253, 253))] = 0
    flap_delay: Annotated[float, PlainValidator(duration("10ms", "1h"))] = 0.0
    arguments: list[Argument] = []
    user: UserName = "nobody"
    interval: ProbeDuration = 2.0
    timeout: ProbeDuration | None = None
    rise: Count = 2
    fall: Count = 2

    @property
    def objects(self) -> list[TrackedKey]:
        """What is named here: in a good section one kind, with its name."""
        command = None if self.script is None else " ".join((self.script, *self.arguments))
        named: dict[TrackedKind, str | None] = {
            "interface": self.interface,
            "pool": self.pool,
            "script": command,
            "file": self.file,
            "process": self.process,
        }
        return [TrackedKey(kind, name) for kind, name in named.items() if name is not None]

    @property
    def timing(self) -> Timing:
        """When to run a script; as in a check."""
        timeout = min(1.0, self.interval) if self.timeout is None else self.timeout
        return Timing(interval=self.interval, timeout=timeout, rise=self.rise, fall=self.fall)


class NotifySection(Section):
    """Who is told of every new state."""

    script: FilePath
    arguments: list[Argument] = []
    user: UserName = "nobody"
    timeout: Annotated[float, PlainValidator(duration("10ms", "1h"))] = 30.0


class SyncGroupSection(Section):
    """Instances that move together."""

    name: Name
    instances: list[Name]
    notify: NotifySection | None = None
