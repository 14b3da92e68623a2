"""The top-level keys of a configuration file.

The keys of each section are in the ``schema`` module of its topic: one class for each section, and
one field for each key, with its type, its default and its text in docs/configuration.md. The rules
check the keys that depend on each other. None replaces a faulty section or list element, so that
the rules can check the rest.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any

from hadirector.config.alerts.schema import AlertSection
from hadirector.config.announce.schema import AnnounceSection
from hadirector.config.api.schema import ApiSection
from hadirector.config.director.schema import DirectorSection
from hadirector.config.fleet.schema import FleetSection
from hadirector.config.kernel.schema import (
    ConnectionTimeoutsSection,
    SyncDaemonSection,
    SysctlsSection,
)
from hadirector.config.keys.readers import text
from hadirector.config.keys.section import Placed, Section, place_items
from hadirector.config.pair.schema import PairSection
from hadirector.config.services.schema import VirtualServerSection
from hadirector.config.sources.schema import SourceSection
from hadirector.config.static.schema import StaticSection
from hadirector.config.tracking.schema import SyncGroupSection
from hadirector.config.vrrp.schema import VrrpSection

DIRECTORY = text(r"[^\x00]{1,1023}", "the path of a directory", "path of a directory")


class Root(Section):
    """A whole file."""

    # The files of the directory are read before the file is checked (`included_directory`).
    include_dir: Annotated[str | None, DIRECTORY] = None
    # The sections of the hosts are merged into the file before it is read (`hosts.merge`).
    hosts: dict[str, Any] | None = None
    director: DirectorSection | None = DirectorSection()
    api: ApiSection | None = ApiSection()
    pair: PairSection | None = None
    alerts: list[AlertSection | None] | None = []
    sysctls: SysctlsSection | None = SysctlsSection()
    connection_timeouts: ConnectionTimeoutsSection | None = ConnectionTimeoutsSection()
    vrrp: list[VrrpSection | None] | None = []
    static: StaticSection | None = None
    sync_groups: list[SyncGroupSection | None] | None = []
    sync_daemon: SyncDaemonSection | None = None
    announce: AnnounceSection | None = None
    sources: list[SourceSection | None] | None = []
    fleet: FleetSection | None = None
    virtual_servers: list[VirtualServerSection | None] | None = []

    @cached_property
    def receivers(self) -> tuple[Placed[AlertSection], ...]:
        """The receivers of alerts with their paths."""
        return place_items(("alerts",), self.alerts)

    @cached_property
    def instances(self) -> tuple[Placed[VrrpSection], ...]:
        """The VRRP instances with their paths."""
        return place_items(("vrrp",), self.vrrp)

    @cached_property
    def groups(self) -> tuple[Placed[SyncGroupSection], ...]:
        """The sync groups with their paths."""
        return place_items(("sync_groups",), self.sync_groups)

    @cached_property
    def discovery(self) -> tuple[Placed[SourceSection], ...]:
        """The discovery sources with their paths."""
        return place_items(("sources",), self.sources)

    @cached_property
    def servers(self) -> tuple[Placed[VirtualServerSection], ...]:
        """The virtual servers with their paths."""
        return place_items(("virtual_servers",), self.virtual_servers)
