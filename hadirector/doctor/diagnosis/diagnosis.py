"""Decides everything that is to be said of a host, the worst first. Pure."""

from __future__ import annotations

from collections.abc import Callable

from hadirector.doctor.diagnosis.answers import answer_findings
from hadirector.doctor.diagnosis.facts import Facts, Path, Subject
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.doctor.diagnosis.kernel import kernel_findings
from hadirector.doctor.diagnosis.routing import route_findings
from hadirector.doctor.diagnosis.way_back import way_back_findings
from hadirector.model.configuration import Configuration

_ORDER = list(Severity)


def diagnose(
    configuration: Configuration,
    facts: Facts,
    subjects: tuple[Subject, ...],
    place: Callable[[Path], str],
) -> tuple[Finding, ...]:
    """List the findings, those of one severity in the order of the file, the host's own first."""
    found = [
        *kernel_findings(configuration, facts, place),
        *route_findings(configuration, facts, subjects),
        *way_back_findings(configuration, facts, subjects),
        *answer_findings(configuration, facts, subjects, place),
    ]
    if facts.left_out:
        found.append(
            Finding(
                severity=Severity.NOTE,
                what=f"{facts.left_out} real servers were left out: so many are looked at, and no"
                " more",
                remedy="a file with only those of interest",
            )
        )
    return tuple(sorted(dict.fromkeys(found), key=lambda each: _ORDER.index(each.severity)))
