"""Collects all findings about a host and sorts them by severity. Pure."""

from __future__ import annotations

from collections.abc import Callable

from hadirector.doctor.diagnosis.announcement import announcement_findings
from hadirector.doctor.diagnosis.facts import EXAMINED_MAX, ConfigPath, ExaminedServer, Facts
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.doctor.diagnosis.kernel import kernel_findings
from hadirector.doctor.diagnosis.probe_results import probe_findings
from hadirector.doctor.diagnosis.return_path import return_path_findings
from hadirector.doctor.diagnosis.routing import route_findings
from hadirector.doctor.diagnosis.unheld import unheld_findings
from hadirector.model.configuration import Configuration

_ORDER = list(Severity)


def diagnose(
    configuration: Configuration,
    facts: Facts,
    servers: tuple[ExaminedServer, ...],
    place: Callable[[ConfigPath], str],
) -> tuple[Finding, ...]:
    """Return the findings, errors first. Within a severity, the findings about the host come first.

    The findings about real servers follow in the order of the file.
    """
    findings = [
        *kernel_findings(configuration, facts, place),
        *route_findings(configuration, facts, servers),
        *unheld_findings(configuration, facts),
        *announcement_findings(configuration, facts.announcement),
        *return_path_findings(configuration, facts, servers),
        *probe_findings(configuration, facts, servers, place),
    ]
    if facts.omitted:
        findings.append(
            Finding(
                code="real_servers_omitted",
                severity=Severity.NOTE,
                what=f"{facts.omitted} real servers were not examined: the limit is {EXAMINED_MAX}",
                remedy="run doctor with a file that has only the real servers of interest",
            )
        )
    if configuration.difference_count:
        findings.append(
            Finding(
                code="differences_noted",
                severity=Severity.NOTE,
                what=f"{configuration.difference_count} notes name differences in effect between"
                " keepalived and hadirector",
                remedy="run `hadirector check-config` and read its notes",
            )
        )
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda finding: _ORDER.index(finding.severity)))
