"""Finds what is wrong with this host's kernel: modules, capabilities, parameters. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from hadirector.dataplane.ipvs.codec.failures import ENGINE_PREFIX, NO_IPVS, missing_module
from hadirector.doctor.diagnosis.facts import CONNTRACK_COUNT, CONNTRACK_MAX, Facts, Path
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.host.sysctl import reverse_path, rules
from hadirector.host.sysctl.rules import Sysctl, dotted_name
from hadirector.model.configuration import Configuration

CONNTRACK_WARNING = 0.8
CONNTRACK_ERROR = 0.98
"""Beyond this, new connections are about to be dropped, or are."""

_BREAKING = rules.STAY_ON | {"net/ipv4/vs/conntrack"}
"""Without these nat or fullnat carries nothing at all."""


def kernel_findings(
    configuration: Configuration, facts: Facts, place: Callable[[Path], str]
) -> Iterator[Finding]:
    """Judge what the preflight, the sysctls and the connection tracking say."""
    for refusal in facts.refusals:
        yield _refused(refusal, configuration, place)
    yield from _sysctls(configuration, facts)
    yield from _conntrack(facts.sysctls)


def _refused(refusal: str, configuration: Configuration, place: Callable[[Path], str]) -> Finding:
    where, what, remedy = "", refusal, "see above; without it `hadirector run` does not start"
    named = [each.place for each in configuration.needed_interfaces]
    named += [each.place for each in configuration.needed_scripts]
    for each in named:
        if refusal.startswith(f"{each}: "):
            where, what = each, refusal.removeprefix(f"{each}: ")
            remedy = "mend what is named here, or name another one"
    for index, server in enumerate(configuration.virtual_servers):
        engine = f"{ENGINE_PREFIX}{server.service.engine}"
        for module, key in ((server.service.scheduler, "scheduler"), (engine, "persistence")):
            if refusal == missing_module(module):
                where = place(("virtual_servers", index, key))
                remedy = f"`modprobe ip_vs_{module}`, a kernel that has it, or another {key}"
    if refusal == NO_IPVS:
        remedy = "a kernel with CONFIG_IP_VS; inside a container the module is loaded outside"
    return Finding(severity=Severity.ERROR, place=where, what=what, remedy=remedy)


def _sysctls(configuration: Configuration, facts: Facts) -> Iterator[Finding]:
    wanted = rules.wanted_sysctls(configuration, facts.interfaces)
    to_set = rules.changes(configuration, wanted, facts.sysctls)
    for each in wanted:
        found = facts.sysctls.get(each.name)
        # Without IPVS its parameters are not there either.
        if found != each.value and not (found is None and facts.refusals):
            yield _unset(each, found, is_set_by_us=each in to_set)
    for warning in reverse_path.strict(configuration, facts.sysctls, wanted):
        yield Finding(
            severity=Severity.WARNING, what=warning, remedy="2, or 0, on the interface and on all"
        )


def _unset(sysctl: Sysctl, found: str | None, *, is_set_by_us: bool) -> Finding:
    name = dotted_name(sysctl.name)
    what = f"{name} is {found or 'not there'}, expected {sysctl.value} ({sysctl.reason})"
    if is_set_by_us:
        remedy = "nothing: `hadirector run` sets it"
        return Finding(severity=Severity.NOTE, what=what, remedy=remedy)
    remedy = f"`sysctl -w {name}={sysctl.value}`, or let hadirector set it (the key sysctls)"
    if found is None:
        remedy = "load the module that has it (ip_vs, nf_conntrack); this kernel may be without"
    severity = Severity.ERROR if sysctl.name in _BREAKING else Severity.WARNING
    return Finding(severity=severity, what=what, remedy=remedy)


def _conntrack(values: Mapping[str, str | None]) -> Iterator[Finding]:
    count, limit = _number(values.get(CONNTRACK_COUNT)), _number(values.get(CONNTRACK_MAX))
    if not limit or count < CONNTRACK_WARNING * limit:
        return
    full = count >= CONNTRACK_ERROR * limit
    yield Finding(
        severity=Severity.ERROR if full else Severity.WARNING,
        what=f"the connection tracking table is {'full' if full else 'nearly full'}: {count} of"
        f" {limit}; then packets of new connections are dropped",
        remedy=f"raise {dotted_name(CONNTRACK_MAX)}, or exempt traffic that needs no tracking"
        " (notrack)",
    )


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0
