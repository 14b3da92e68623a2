"""Converts the live state of IPVS: its table, connection timeouts and sync threads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hadirector.config.keepalived.ipvsadm.table import (
    CheckType,
    PlacedDestination,
    PlacedService,
    translate_table,
)
from hadirector.config.keepalived.node import Node, mapping, scalar, sequence
from hadirector.config.keepalived.report import Report
from hadirector.config.keepalived.syntax.statement import Place
from hadirector.config.keepalived.translate.values import duration
from hadirector.model.ipvs import ConnectionTimeouts, SyncRole, SyncSettings, Table

PLACE: Final = Place("kernel", 1, 1)
"""The place of all values. Values of the kernel have no lines."""

_TIMEOUTS: Final = ConnectionTimeouts(tcp=900, tcp_fin=120, udp=300)
"""The timeouts of a kernel in which nobody set them (ip_vs_proto_tcp.c, ip_vs_proto_udp.c)."""
_GROUP: Final = "224.0.0.81"
_PORT: Final = 8848


def translate_kernel(
    table: Table,
    timeouts: ConnectionTimeouts,
    threads: Mapping[SyncRole, SyncSettings],
    report: Report,
    check: CheckType,
) -> Node:
    """Convert the live state to a configuration in the native form."""
    services = [
        PlacedService(
            PLACE,
            key,
            entry.service,
            [PlacedDestination(PLACE, *item) for item in entry.destinations.items()],
        )
        for key, entry in table.items()
    ]
    return mapping(
        PLACE,
        {
            "connection_timeouts": _timeouts(timeouts),
            "sync_daemon": _sync_daemon(threads, report) if threads else None,
            "virtual_servers": sequence(PLACE, translate_table(services, report, check)),
        },
    )


def _timeouts(timeouts: ConnectionTimeouts) -> Node | None:
    changed: dict[str, Node | None] = {
        name: scalar(duration(getattr(timeouts, name)), PLACE)
        for name in ("tcp", "tcp_fin", "udp")
        if getattr(timeouts, name) != getattr(_TIMEOUTS, name)
    }
    return mapping(PLACE, changed) if changed else None


def _sync_daemon(threads: Mapping[SyncRole, SyncSettings], report: Report) -> Node:
    settings = threads.get(SyncRole.MASTER) or threads[SyncRole.BACKUP]
    if len(threads) == 1:
        message = (
            f"only the sync thread {next(iter(threads))} runs: with role both, hadirector runs the"
            " other one too; with a vrrp instance, role: follow runs one of them"
        )
        report.note("sync daemon", PLACE, message)
    elif threads[SyncRole.BACKUP] != settings:
        message = (
            "the two sync threads have different settings: both get the settings of the master"
            " thread"
        )
        report.note("sync daemon", PLACE, message)
    return mapping(
        PLACE,
        {
            "interface": scalar(settings.interface, PLACE),
            "role": scalar("both", PLACE),
            "id": scalar(settings.id, PLACE) if settings.id else None,
            "maximum_length": scalar(settings.maximum_length, PLACE)
            if settings.maximum_length
            else None,
            "group": scalar(settings.group, PLACE) if settings.group != _GROUP else None,
            "port": scalar(settings.port, PLACE) if settings.port != _PORT else None,
            "ttl": scalar(settings.ttl, PLACE) if settings.ttl != 1 else None,
        },
    )
