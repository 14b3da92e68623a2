"""The keys of kernel settings outside the IPVS table."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from hadirector.config.keys.addresses import Port
from hadirector.config.keys.key import Key
from hadirector.config.keys.names import InterfaceName, Name
from hadirector.config.keys.readers import (
    BOOLEAN,
    Reader,
    choice,
    expectation_error,
    integer,
    whole_seconds,
)
from hadirector.config.keys.section import Section
from hadirector.model.ipvs import ConnectionTimeouts
from hadirector.model.policy import SYSCTL_NAMES

SysctlName = Annotated[str, choice(SYSCTL_NAMES)]
Seconds = Annotated[int, whole_seconds("1s", "744h")]


class SysctlsSection(Section):
    """The policy about the sysctls that the configuration needs."""

    apply: Annotated[
        bool, BOOLEAN, Key("Whether to set the parameters. `false` only warns of differences.")
    ] = True
    leave: Annotated[list[SysctlName], Key("Parameters that are never set.", default="none")] = []


class ConnectionTimeoutsSection(Section):
    """The times for which IPVS keeps idle connections."""

    model = ConnectionTimeouts

    tcp: Annotated[
        Seconds | None, Key("For an established TCP connection.", default="unchanged")
    ] = None
    tcp_fin: Annotated[
        Seconds | None, Key("For a TCP connection after a FIN.", default="unchanged")
    ] = None
    udp: Annotated[Seconds | None, Key("Between two UDP packets.", default="unchanged")] = None


def _read_group(value: object) -> str:
    try:
        found = ipaddress.ip_address(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or not found.is_multicast or "%" in str(found):
        raise expectation_error("a multicast address, such as 224.0.0.81 or ff02::81")
    return str(found)


class SyncDaemonSection(Section):
    """The sync daemon of IPVS, which copies connections to other directors."""

    interface: Annotated[InterfaceName, Key("The interface that sends and receives the messages.")]
    role: Annotated[
        Literal["follow", "both"],
        choice(("follow", "both")),
        Key(
            "`follow`: send (master) while the instance is ACTIVE, and receive (backup) otherwise."
            " `both`: always send and receive."
        ),
    ] = "follow"
    instance: Annotated[
        Name | None,
        Key(
            "The instance whose state decides the role.",
            type="the name of a VRRP instance",
            default="the only instance, or any instance if all are in one sync group",
        ),
    ] = None
    id: Annotated[
        Annotated[int, integer(0, 255)] | None,
        Key(
            "The sync id. It is the same on all directors of a group. Messages with another id are"
            " ignored, except by a thread with id 0.",
            default="the `virtual_router_id` of the instance; 0 with `role: both`",
        ),
    ] = None
    # A backup needs messages of at least 1024 bytes (ip_vs_sync.c, start_sync_thread). 65487 bytes
    # fill an IPv6 packet together with its headers.
    maximum_length: Annotated[
        Annotated[int, integer(1024, 65487)] | None,
        Key(
            "The length of a message in bytes, without headers.",
            default="what fits into the MTU of `interface`",
        ),
    ] = None
    group: Annotated[
        str,
        Reader(_read_group, "multicast address"),
        Key("The destination of the messages.", default="`224.0.0.81`"),
    ] = "224.0.0.81"
    port: Annotated[Port, Key("The UDP port of the messages, the same on all directors.")] = 8848
    ttl: Annotated[
        int, integer(1, 255), Key("The number of networks that a message may cross.")
    ] = 1
