"""Decides what the host of a container has to do, because the container cannot do it. Pure.

A container runtime mounts /proc/sys read-only. A process in a container cannot load a module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hadirector.dataplane.ipvs.codec.failures import ENGINE_PREFIX
from hadirector.doctor.diagnosis.facts import Facts
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.host.sysctl.rules import Sysctl, dotted_name
from hadirector.model.configuration import Configuration

MODULES_FILE: Final = "/etc/modules-load.d/hadirector.conf"
SYSCTLS_FILE: Final = "/etc/sysctl.d/90-hadirector.conf"
_SECONDARIES: Final = "promote_secondaries"


def needed_modules(configuration: Configuration) -> tuple[str, ...]:
    """Return the kernel modules of IPVS that the configuration needs (modules-load.d(5))."""
    names = {"ip_vs"}
    for server in configuration.virtual_servers:
        names.add(f"ip_vs_{server.service.scheduler}")
        if server.service.engine:
            names.add(f"ip_vs_{ENGINE_PREFIX}{server.service.engine}")
    return tuple(sorted(names))


def secondaries_sysctls(configuration: Configuration) -> tuple[str, ...]:
    """Return the sysctls that VRRP sets on the interfaces of the instances (ip-sysctl.rst)."""
    interfaces = {instance.interface for instance in configuration.vrrp}
    return tuple(f"net/ipv4/conf/{each}/{_SECONDARIES}" for each in sorted(interfaces))


def read_only_findings(
    configuration: Configuration, facts: Facts, unset: tuple[Sysctl, ...], severity: Severity
) -> Iterator[Finding]:
    """Report the sysctls that the director would set if /proc/sys were not read-only.

    ``unset`` are the sysctls of the configuration with another value.
    """
    values = {sysctl.name: sysctl.value for sysctl in unset}
    values |= {
        name: "1" for name in secondaries_sysctls(configuration) if facts.sysctls.get(name) == "0"
    }
    if not facts.sysctls_read_only or not values:
        return
    yield Finding(
        code="sysctls_read_only",
        severity=severity,
        what="/proc/sys is read-only, so the director cannot set the sysctls that it needs",
        remedy=f"on the host, write these lines to {SYSCTLS_FILE} and run `sysctl --system`; for"
        " a container with a network of its own, give them to its runtime (--sysctl)",
        lines=tuple(f"{dotted_name(name)} = {value}" for name, value in values.items()),
    )
