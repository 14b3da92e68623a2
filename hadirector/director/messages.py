"""The messages of the director's loop. One queue carries all of them, as values."""

from __future__ import annotations

import msgspec

from hadirector.dataplane.condition import TableCondition
from hadirector.director.pools import PoolsDue
from hadirector.election.election import ResumeOverdue
from hadirector.election.tracking import TrackedChanged
from hadirector.model.configuration import Configuration
from hadirector.overrides.pause_store import PauseChanged
from hadirector.overrides.store import OverridesChanged
from hadirector.processes.messages import CheckStatistics, TargetSuspected, VerdictChanged
from hadirector.processes.supervisor import ChildDied, ChildStarted
from hadirector.sources.discovery import MembersChanged
from hadirector.sources.messages import OverridesRead, SourceFailed, SourceRead, SummaryWritten
from vrrp.model.report import InstanceStatus, Notice, Transition


class ConfigurationRead(msgspec.Struct, frozen=True):
    """Message: a new configuration was read and can replace the current one."""

    configuration: Configuration


class FirstVerdictsOverdue(msgspec.Struct, frozen=True):
    """Message: some targets still have no verdict, and elections no longer wait for them."""


Message = (
    ChildStarted
    | ChildDied
    | VerdictChanged
    | CheckStatistics
    | TargetSuspected
    | Transition
    | InstanceStatus
    | Notice
    | ResumeOverdue
    | TrackedChanged
    | OverridesChanged
    | PauseChanged
    | PoolsDue
    | TableCondition
    | ConfigurationRead
    | FirstVerdictsOverdue
    | SourceRead
    | OverridesRead
    | SummaryWritten
    | SourceFailed
    | MembersChanged
)
