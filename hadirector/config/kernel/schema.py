"""The keys that say what is set in the kernel besides the IPVS table."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import PlainValidator

from hadirector.config.keys.section import InterfaceName, Name, Port, Section
from hadirector.config.keys.values import boolean, choice, expected, whole, whole_seconds
from hadirector.model.policy import SYSCTL_NAMES

SysctlWord = Annotated[str, PlainValidator(choice(SYSCTL_NAMES))]


class SysctlsSection(Section):
    """What to do about the sysctls that the configuration implies."""

    apply: Annotated[bool, PlainValidator(boolean)] = True
    leave: list[SysctlWord] = []


Seconds = Annotated[int, PlainValidator(whole_seconds("1s", "744h"))]


class ConnectionTimeoutsSection(Section):
    """How long IPVS keeps idle connections."""

    tcp: Seconds | None = None
    tcp_fin: Seconds | None = None
    udp: Seconds | None = None


def _group(value: object) -> str:
    try:
        found = ipaddress.ip_address(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or not found.is_multicast or "%" in str(found):
        raise expected("a multicast address, such as 224.0.0.81 or ff02::81")
    return str(found)


class SyncDaemonSection(Section):
    """Which director is told of the connections here, and how."""

    interface: InterfaceName
    role: Annotated[Literal["follow", "both"], PlainValidator(choice(("follow", "both")))] = (
        "follow"
    )
    instance: Name | None = None
    id: Annotated[int, PlainValidator(whole(0, 255))] | None = None
    # A backup takes messages of 1024 bytes at least (ip_vs_sync.c, start_sync_thread); 65535 are an
    # IPv6 packet with its headers.
    maximum_length: Annotated[int, PlainValidator(whole(1024, 65487))] | None = None
    group: Annotated[str, PlainValidator(_group)] = "224.0.0.81"
    port: Port = 8848
    ttl: Annotated[int, PlainValidator(whole(1, 255))] = 1
