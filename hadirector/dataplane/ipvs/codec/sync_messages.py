"""Encodes and decodes the messages about the IPVS sync daemon. It uses no socket.

The kernel handles them in ip_vs_genl_fill_daemon and ip_vs_genl_new_daemon (ip_vs_ctl.c). The port
is in the byte order of this machine, unlike the ports of services.
"""

from __future__ import annotations

from enum import IntEnum
from ipaddress import ip_address

from hadirector.dataplane.ipvs.codec.attributes import (
    attribute,
    attributes,
    read_number,
    read_text,
    text,
    uint16,
    uint32,
)
from hadirector.dataplane.ipvs.codec.frames import Request
from hadirector.model.ipvs import StartThread, StopThread, SyncRole, SyncSettings


class Command(IntEnum):
    """IPVS_CMD_*_DAEMON."""

    NEW = 9
    DELETE = 10
    GET = 11


class DaemonAttribute(IntEnum):
    """IPVS_DAEMON_ATTR_*."""

    STATE = 1
    INTERFACE = 2
    SYNC_ID = 3
    MAXIMUM_LENGTH = 4
    GROUP = 5
    GROUP_6 = 6
    PORT = 7
    TTL = 8


_DAEMON = 3
"""IPVS_CMD_ATTR_DAEMON."""

_STATES = {SyncRole.MASTER: 1, SyncRole.BACKUP: 2}
"""IP_VS_STATE_*."""
_ROLES = {number: role for role, number in _STATES.items()}


def list_threads() -> Request:
    """Return the request that lists the running threads."""
    return Request(Command.GET)


def request(operation: StartThread | StopThread) -> Request:
    """Encode an operation."""
    state = uint32(DaemonAttribute.STATE, _STATES[operation.role])
    if isinstance(operation, StopThread):
        return Request(Command.DELETE, attribute(_DAEMON, state))
    content = state + _settings(operation.settings)
    return Request(Command.NEW, attribute(_DAEMON, content))


def read_thread(answer: bytes) -> tuple[SyncRole, SyncSettings]:
    """Decode a running thread."""
    found = attributes(attributes(answer)[_DAEMON])
    group = found.get(DaemonAttribute.GROUP) or found[DaemonAttribute.GROUP_6]
    settings = SyncSettings(
        interface=read_text(found[DaemonAttribute.INTERFACE]),
        id=read_number(found[DaemonAttribute.SYNC_ID]),
        maximum_length=read_number(found[DaemonAttribute.MAXIMUM_LENGTH]),
        group=str(ip_address(group)),
        port=read_number(found[DaemonAttribute.PORT]),
        ttl=read_number(found[DaemonAttribute.TTL]),
    )
    return _ROLES[read_number(found[DaemonAttribute.STATE])], settings


def _settings(settings: SyncSettings) -> bytes:
    group = DaemonAttribute.GROUP_6 if ":" in settings.group else DaemonAttribute.GROUP
    length = settings.maximum_length
    return (
        text(DaemonAttribute.INTERFACE, settings.interface)
        + uint32(DaemonAttribute.SYNC_ID, settings.id)
        + (b"" if length is None else uint16(DaemonAttribute.MAXIMUM_LENGTH, length))
        + attribute(group, ip_address(settings.group).packed)
        + uint16(DaemonAttribute.PORT, settings.port)
        + attribute(DaemonAttribute.TTL, bytes([settings.ttl]))
    )
