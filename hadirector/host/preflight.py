"""Finds what this host lacks for a configuration, before anything is changed."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from checks.script_runner.runner import refusal
from hadirector.model.configuration import Configuration
from hadirector.model.queries import checks_by_identity
from hadirector.model.vip_probes import probe_services
from vrrp.addresses.addresses import virtual_addresses
from vrrp.addresses.routes import items
from vrrp.model.configuration import UdpUnicast

# include/uapi/linux/capability.h
CAP_KILL = 5
CAP_SETGID = 6
CAP_SETUID = 7
CAP_NET_ADMIN = 12
CAP_NET_RAW = 13
CAP_IPC_LOCK = 14
CAP_SYS_NICE = 23


async def faults(configuration: Configuration) -> list[str]:
    """List every fault as a sentence for the operator; empty when the host is fit."""
    found = _missing_interfaces(configuration) + _missing_capabilities(configuration)
    found += refused_scripts(configuration) + _unwritable_directories(configuration)
    if configuration.dataplane == "ipvs" and not found:
        from hadirector.dataplane.ipvs import preflight
        from hadirector.host.masquerade import reconciler

        services = {each.service for each in configuration.virtual_servers}
        services |= {each.service for each in probe_services(configuration).values()}
        found += await preflight.faults(services)
        found += await reconciler.faults(configuration)
    return found


def refused_scripts(configuration: Configuration) -> list[str]:
    """List the scripts that must not be run: each by its place in the file, and why."""
    refused = ((each.place, refusal(each.script)) for each in configuration.needed_scripts)
    return [f"{place}: {why}" for place, why in refused if why is not None]


def _unwritable_directories(configuration: Configuration) -> list[str]:
    """Look at the state directory, or where it would be made; the other one is made at once."""
    wanted = Path(configuration.state_directory)
    if wanted == Path(configuration.runtime_directory):
        return []
    there = next(each for each in (wanted, *wanted.parents) if each.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return []
    return [f"state_directory: {wanted}: {there} is no directory that can be written to"]


def _missing_interfaces(configuration: Configuration) -> list[str]:
    present = {name for _, name in socket.if_nameindex()}
    return [
        f"{each.place}: {each.needed_by}: interface {each.name} does not exist"
        f" (there are: {', '.join(sorted(present))})"
        for each in configuration.needed_interfaces
        if each.name not in present
    ]


def _missing_capabilities(configuration: Configuration) -> list[str]:
    raw = any(not isinstance(each.transport, UdpUnicast) for each in configuration.vrrp)
    needs: dict[int, tuple[str, list[str]]] = {
        CAP_NET_ADMIN: ("CAP_NET_ADMIN", []),
        CAP_NET_RAW: ("CAP_NET_RAW", []),
        CAP_KILL: ("CAP_KILL", []),
        CAP_SETGID: ("CAP_SETGID", []),
        CAP_SETUID: ("CAP_SETUID", []),
        CAP_IPC_LOCK: ("CAP_IPC_LOCK", []),
        CAP_SYS_NICE: ("CAP_SYS_NICE", []),
    }
    if configuration.realtime and configuration.vrrp:
        needs[CAP_IPC_LOCK][1].append("lock the vrrp process in memory (realtime: true)")
        needs[CAP_SYS_NICE][1].append("schedule the vrrp process in real time (realtime: true)")
    if os.geteuid() == 0 and any(
        each.script.user != "root" for each in configuration.needed_scripts
    ):
        needs[CAP_SETUID][1].append("run scripts as their users")
        needs[CAP_SETGID][1].append("run scripts as their users")
        needs[CAP_KILL][1].append("end scripts that run too long")
    if any(check.route.mark for check in checks_by_identity(configuration).values()):
        needs[CAP_NET_ADMIN][1].append("mark the packets of probes")
    if configuration.dataplane == "ipvs":
        needs[CAP_NET_ADMIN][1].append("program IPVS")
    if raw:
        needs[CAP_NET_RAW][1].append("send and receive IP protocol 112")
    if any(virtual_addresses(each) or items(each) for each in configuration.vrrp):
        needs[CAP_NET_ADMIN][1].append("add virtual addresses")
        needs[CAP_NET_RAW][1].append("announce virtual addresses")
    held = _effective_capabilities()
    return [
        f"{name} is missing: it is needed to {' and to '.join(purposes)}"
        " (run as root, or give the service this capability)"
        for bit, (name, purposes) in needs.items()
        if purposes and not held >> bit & 1
    ]


def _effective_capabilities() -> int:
    """Read our own capability set (proc(5), CapEff)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0
