"""Checks, applies and undoes settings on this host."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, ip_interface
from pathlib import Path
from typing import Final

from pyroute2 import IPRoute, NetlinkError

from hadirector.realserver.plan import ArpRule, Device, LocalAddress, Setting, Sysctl
from hadirector.runtime.commands import CommandError, run_command

_SYSCTLS = Path("/proc/sys")
_COMMAND_SECONDS_MAX = 30.0
ARPTABLES: Final = ("arptables", "arptables-legacy")
"""The usual one may need nftables in the kernel. The other one needs the module arptable_filter."""
ARPTABLES_REMEDY: Final = (
    "Install it (Debian and Ubuntu: the package arptables; RHEL: iptables-nft, or arptables-legacy"
    " from EPEL), or use --method loopback"
)
_IFF_UP = 1  # include/uapi/linux/if.h


class HostError(Exception):
    """This host refused a setting. The message has the setting and the reason."""


class Host:
    """The network namespace of this host. Every method raises HostError."""

    def __init__(self) -> None:
        self._netlink = IPRoute()

    def close(self) -> None:
        """Close the netlink socket."""
        self._netlink.close()

    def own_address(self, interface: str) -> IPv4Address | None:
        """Return the first IPv4 address of the interface whose subnet has other hosts, if any."""
        for message in self._netlink.get_addr(family=socket.AF_INET, index=self._index(interface)):
            if message["prefixlen"] < 32:
                return IPv4Address(message.get("IFA_LOCAL"))
        return None

    def holds(self, setting: Setting) -> bool:
        """Return whether this host has the setting already."""
        match setting:
            case Sysctl():
                return self.value(setting) in (setting.value, *setting.also_suitable)
            case Device():
                return self._is_up(setting.name)
            case LocalAddress():
                return self._has(setting)
            case ArpRule():
                return bool(_programs_with(setting))

    def value(self, sysctl: Sysctl) -> str:
        """Return the value of the parameter."""
        try:
            return (_SYSCTLS / sysctl.name).read_text().strip()
        except OSError as error:
            raise HostError(f"{sysctl.name}: {error.strerror}") from error

    def apply(self, setting: Setting) -> None:
        """Apply the setting."""
        match setting:
            case Sysctl():
                _write(setting.name, setting.value)
            case Device():
                self._bring_up(setting)
            case LocalAddress():
                self._change("add", setting)
            case ArpRule():
                _add_rule(setting)

    def undo(self, setting: Setting, before: str | None) -> None:
        """Undo the setting; ``before`` is the former value of a sysctl."""
        match setting:
            case Sysctl():
                if before is not None and self.value(setting) == setting.value:
                    _write(setting.name, before)
            case Device():
                pass
            case LocalAddress():
                if self._has(setting):
                    self._change("delete", setting)
            case ArpRule():
                for program in _programs_with(setting):
                    _command(program, "-D", setting.chain, *setting.arguments)

    def _index(self, name: str) -> int:
        found = self._netlink.link_lookup(ifname=name)
        if not found:
            raise HostError(f"interface {name} does not exist")
        return int(found[0])

    def _is_up(self, name: str) -> bool:
        return any(
            message["flags"] & _IFF_UP
            for index in self._netlink.link_lookup(ifname=name)
            for message in self._netlink.get_links(index)
        )

    def _bring_up(self, device: Device) -> None:
        if not self._netlink.link_lookup(ifname=device.name):
            _command("modprobe", device.module)
        try:
            self._netlink.link("set", index=self._index(device.name), state="up")
        except NetlinkError as error:
            raise HostError(f"{device}: {error}") from error

    def _has(self, local: LocalAddress) -> bool:
        wanted = ip_interface(local.address)
        found = self._netlink.link_lookup(ifname=local.device)
        return any(
            ip_interface(f"{message.get('IFA_ADDRESS')}/{message['prefixlen']}") == wanted
            for index in found
            for message in self._netlink.get_addr(index=index)
        )

    def _change(self, operation: str, local: LocalAddress) -> None:
        address = ip_interface(local.address)
        try:
            self._netlink.addr(
                operation,
                index=self._index(local.device),
                address=str(address.ip),
                prefixlen=address.network.prefixlen,
            )
        except NetlinkError as error:
            if error.code != errno.EEXIST:
                raise HostError(f"{local}: {error}") from error


def _write(name: str, value: str) -> None:
    try:
        (_SYSCTLS / name).write_text(value)
    except OSError as error:
        raise HostError(f"{name} = {value}: {error.strerror}") from error


def _programs_with(rule: ArpRule) -> list[str]:
    """Return the programs that list a rule. Both versions reorder the options of a rule."""
    return [program for program, rules in _lists(rule.chain) if _contains(rules, rule)]


def _contains(rules: str, rule: ArpRule) -> bool:
    return any(set(rule.arguments) <= set(line.split()) for line in rules.splitlines())


def _lists(chain: str) -> list[tuple[str, str]]:
    """Return the rules of a chain, by program. Raises HostError if no program works."""
    found, reasons = [], []
    for program in ARPTABLES:
        try:
            found.append((program, _command(program, "-n", "-L", chain)))
        except HostError as error:
            reasons.append(str(error))
    if not found:
        raise _no_arptables(reasons)
    return found


def _add_rule(rule: ArpRule) -> None:
    """Add a rule with the first program that the kernel supports.

    Without nftables in the kernel, the usual arptables lists no rules and cannot add any.
    """
    reasons = []
    for program in ARPTABLES:
        try:
            _command(program, "-A", rule.chain, *rule.arguments)
        except HostError as error:
            reasons.append(str(error))
        else:
            return
    raise _no_arptables(reasons)


def _no_arptables(reasons: Sequence[str]) -> HostError:
    return HostError(f"no arptables works here: {'; '.join(reasons)}. {ARPTABLES_REMEDY}")


def _command(*command: str) -> str:
    try:
        return run_command(command, _COMMAND_SECONDS_MAX)
    except CommandError as error:
        raise HostError(str(error)) from error
