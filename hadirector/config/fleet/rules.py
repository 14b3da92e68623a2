"""Rules for the store of summaries."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.document.finding import Finding, wrong
from hadirector.config.fleet.schema import FleetSection


def fleet_findings(section: FleetSection) -> Iterator[Finding]:
    """Yield the faults of the store."""
    if section.lifetime < 2 * section.interval:
        least = f"at least twice the interval, {2 * section.interval:g} s"
        yield Finding(("fleet", "lifetime"), wrong(f"{section.lifetime:g} s", least))
    if section.type == "http" and "prefix" in section.model_fields_set:
        message = "a store of the type http has no prefix; leave this out"
        yield Finding(("fleet", "prefix"), message)
