"""Decides findings about addresses of virtual servers that this host cannot have. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.doctor.diagnosis.facts import Facts
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.model.configuration import Configuration


def unheld_findings(configuration: Configuration, facts: Facts) -> Iterator[Finding]:
    """Report addresses that neither a VRRP instance nor an interface of this host has."""
    for unheld in configuration.unheld_addresses:
        if unheld.address not in facts.routes:
            continue  # not examined
        route = facts.routes[unheld.address]
        if route is None or not route.local:
            yield Finding(
                code="address_unheld",
                severity=Severity.WARNING,
                place=unheld.place,
                what=unheld.description,
                remedy="correct the address, or add it to the virtual_addresses of an instance;"
                " otherwise no packet of a client reaches the virtual server",
            )
