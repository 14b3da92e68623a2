"""Builds the configuration from validated sections."""

from __future__ import annotations

import re

from checks.definition.check import Limits
from hadirector.config.alerts.build import alert_receiver
from hadirector.config.announce.build import announcement
from hadirector.config.api.build import api_roles, web_settings
from hadirector.config.checks.build import DEFAULT_CHECK
from hadirector.config.kernel.build import sync_daemon, sysctl_policy
from hadirector.config.keys.build import build_struct
from hadirector.config.pair.build import pair_link
from hadirector.config.schema import Root
from hadirector.config.scripts.build import notifications
from hadirector.config.services.build import virtual_server
from hadirector.config.sources.build import source
from hadirector.config.static.build import static_items
from hadirector.config.tracking.build import assign_groups, tracked_processes, tracked_scripts
from hadirector.config.vrrp.build import instance_configuration
from hadirector.model.configuration import Configuration
from hadirector.model.fleet import SummaryStore
from hadirector.model.vip_probes import assign_marks
from vrrp.model.configuration import InstanceConfiguration


def build(root: Root, host_name: str, section: str | None = None) -> Configuration:
    """Return the configuration.

    ``section`` is the name of the host's section of the file, and so of the director.
    ``host_name`` is the name of a director without a section and without a configured name.
    """
    director, api, sysctls = root.director, root.api, root.sysctls
    assert director is not None
    assert api is not None
    assert sysctls is not None
    check = director.check or DEFAULT_CHECK
    name = section or director.name or host_name
    servers = [virtual_server(server, check) for _, server in root.servers]
    return build_struct(
        Configuration,
        director,
        name=name,
        limits=Limits(director.probes_per_second, director.target_probes_per_second),
        state_directory=director.state_directory or _state_directory(director.runtime_directory),
        api_unix=api.unix or f"{director.runtime_directory}/api.sock",
        api_roles=api_roles(api),
        web=web_settings(api),
        pair=None if root.pair is None else pair_link(root.pair, name),
        alerts=tuple(alert_receiver(receiver) for _, receiver in root.receivers),
        sysctls=sysctl_policy(sysctls),
        sync_daemon=root.sync_daemon and sync_daemon(root.sync_daemon, root.instances),
        connection_timeouts=root.connection_timeouts,
        announce=announcement(root.announce, root.servers),
        vrrp=_instances(root),
        static=static_items(root.static),
        tracked_scripts=tracked_scripts(root.instances),
        tracked_processes=tracked_processes(root.instances),
        notifications=notifications(root),
        sources=tuple(source(each) for _, each in root.discovery),
        fleet=None if root.fleet is None else build_struct(SummaryStore, root.fleet),
        virtual_servers=assign_marks(servers, director.probe_marks),
    )


def _state_directory(runtime_directory: str) -> str:
    """Return a directory that survives a reboot. Each boot empties /run."""
    return re.sub(r"\A(?:/var)?/run/", "/var/lib/", runtime_directory)


def _instances(root: Root) -> tuple[InstanceConfiguration, ...]:
    assert root.director is not None
    has_backends = bool(root.virtual_servers)
    unready_weight = 0 if root.pair is None else root.pair.unready_priority_weight
    instances = [
        instance_configuration(
            instance, root.director, has_backends=has_backends, unready_weight=unready_weight
        )
        for _, instance in root.instances
    ]
    return assign_groups(root.groups, instances)
