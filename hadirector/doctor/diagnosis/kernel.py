"""Decides findings about the kernel of this host: modules, capabilities, parameters. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from hadirector.dataplane.ipvs.codec.failures import ENGINE_PREFIX, NO_IPVS, missing_module
from hadirector.doctor.diagnosis import container
from hadirector.doctor.diagnosis.facts import CONNTRACK_COUNT, CONNTRACK_MAX, ConfigPath, Facts
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.host.sysctl import reverse_path, rules
from hadirector.host.sysctl.rules import Sysctl, dotted_name
from hadirector.model.configuration import Configuration

CONNTRACK_WARNING = 0.8
CONNTRACK_ERROR = 0.98
"""Fill level at which the kernel drops new connections, or is about to."""

_ESSENTIAL = rules.STAY_ON | {"net/ipv4/vs/conntrack"}
"""Parameters without which nat or fullnat forwards no packet."""


def kernel_findings(
    configuration: Configuration, facts: Facts, place: Callable[[ConfigPath], str]
) -> Iterator[Finding]:
    """Report preflight faults, wrong sysctls, a full connection tracking table, and polling."""
    for fault in facts.preflight_faults:
        yield _preflight_finding(fault, configuration, place, in_container=facts.in_container)
    yield from _sysctl_findings(configuration, facts)
    yield from _conntrack_findings(facts.sysctls)
    if facts.process_polling is not None:
        yield Finding(
            code="process_polling",
            severity=Severity.NOTE,
            what=f"{facts.process_polling}: the director notices the start of a tracked process"
            " up to 1 s late",
            remedy="run the director with CAP_NET_ADMIN in the initial network and PID namespaces,"
            " or accept the delay",
        )


def _preflight_finding(
    fault: str,
    configuration: Configuration,
    place: Callable[[ConfigPath], str],
    *,
    in_container: bool,
) -> Finding:
    where, what, missing_modules = "", fault, fault == NO_IPVS
    remedy = "correct this first: `hadirector run` does not start otherwise"
    places = [interface.place for interface in configuration.needed_interfaces]
    places += [script.place for script in configuration.needed_scripts]
    for candidate in places:
        if fault.startswith(f"{candidate}: "):
            where, what = candidate, fault.removeprefix(f"{candidate}: ")
            remedy = "correct the interface or script on this host, or its name in the file"
    for index, server in enumerate(configuration.virtual_servers):
        engine = f"{ENGINE_PREFIX}{server.service.engine}"
        for module, key in ((server.service.scheduler, "scheduler"), (engine, "persistence")):
            if fault == missing_module(module):
                missing_modules = True
                where = place(("virtual_servers", index, key))
                remedy = (
                    f"`modprobe ip_vs_{module}`; if there is no such module, use another kernel or"
                    f" another {key}"
                )
    if fault == NO_IPVS:
        remedy = "use a kernel with CONFIG_IP_VS; for a container, load ip_vs on its host"
    lines: tuple[str, ...] = ()
    if missing_modules and in_container:
        lines = container.needed_modules(configuration)
        remedy = (
            f"on the host of the container, run `modprobe -a {' '.join(lines)}`; so that the host"
            f" loads them at each boot, write these lines to {container.MODULES_FILE}"
        )
    return Finding(
        code="host_requirement_missing",
        severity=Severity.ERROR,
        place=where,
        what=what,
        remedy=remedy,
        lines=lines,
    )


def _sysctl_findings(configuration: Configuration, facts: Facts) -> Iterator[Finding]:
    wanted = rules.wanted_sysctls(configuration, facts.interfaces)
    changes = rules.changes(configuration, wanted, facts.sysctls)
    if facts.sysctls_read_only:
        unset = tuple(changes)
        essential = any(sysctl.name in _ESSENTIAL for sysctl in unset)
        severity = Severity.ERROR if essential else Severity.WARNING
        yield from container.read_only_findings(configuration, facts, unset, severity)
        wanted = tuple(sysctl for sysctl in wanted if sysctl not in changes)
    for sysctl in wanted:
        actual = facts.sysctls.get(sysctl.name)
        # Without IPVS, its parameters are missing too, and the preflight fault explains that.
        if actual != sysctl.value and not (actual is None and facts.preflight_faults):
            yield _wrong_sysctl(sysctl, actual, set_by_run=sysctl in changes)
    for warning in reverse_path.strict(configuration, facts.sysctls, wanted):
        yield Finding(
            code="reverse_path_strict",
            severity=Severity.WARNING,
            what=warning,
            remedy="set it to 2, or set it to 0 on this interface and on all",
        )


def _wrong_sysctl(sysctl: Sysctl, actual: str | None, *, set_by_run: bool) -> Finding:
    name = dotted_name(sysctl.name)
    what = rules.describe_difference(sysctl, actual)
    if set_by_run:
        remedy = "no action is needed: `hadirector run` sets this value"
        return Finding(code="sysctl_set_by_run", severity=Severity.NOTE, what=what, remedy=remedy)
    remedy = f"`sysctl -w {name}={sysctl.value}`, or let hadirector set it (the key sysctls)"
    if actual is None:
        remedy = (
            "load the kernel module of this parameter (ip_vs, nf_conntrack); some kernels do"
            " not have it"
        )
    severity = Severity.ERROR if sysctl.name in _ESSENTIAL else Severity.WARNING
    return Finding(code="sysctl_wrong", severity=severity, what=what, remedy=remedy)


def _conntrack_findings(values: Mapping[str, str | None]) -> Iterator[Finding]:
    count, limit = _number(values.get(CONNTRACK_COUNT)), _number(values.get(CONNTRACK_MAX))
    if not limit or count < CONNTRACK_WARNING * limit:
        return
    full = count >= CONNTRACK_ERROR * limit
    yield Finding(
        code="conntrack_full",
        severity=Severity.ERROR if full else Severity.WARNING,
        what=f"the connection tracking table is {'full' if full else 'nearly full'}: {count} of"
        f" {limit} entries; a full table drops packets of new connections",
        remedy=f"raise {dotted_name(CONNTRACK_MAX)}, or exempt traffic that needs no tracking"
        " (notrack)",
    )


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0
