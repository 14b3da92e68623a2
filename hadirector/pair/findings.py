"""Finds the faults between the directors of a pair, for ``hadirector doctor --pair``. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Final

from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.pair.comparison import DifferenceKind
from hadirector.pair.problems import MEANINGS
from hadirector.pair.readiness import MEANINGS as FACTS
from hadirector.pair.report import PairDirector, PairReport
from hadirector.status.verdict import Level

LOST_MIN: Final = 3
"""Advertisements that must be lost in a row. One or two can be lost without a fault."""


def find_pair_findings(report: PairReport) -> Iterator[Finding]:
    """Yield the findings about a pair."""
    for found in report.split_brains:
        names = " and ".join(found.directors)
        yield Finding(
            severity=Severity.ERROR,
            code="split_brain",
            what=f"{found.instance}: {names} are both ACTIVE: {found.cause}",
            remedy=found.remedy,
        )
    yield from _flow_findings(report)
    yield from _strangers(report)
    for director in report.directors:
        yield from _director_findings(director)
    yield from _mtu_findings(report)
    yield from _difference_findings(report)


def _flow_findings(report: PairReport) -> Iterator[Finding]:
    """Yield the instances whose advertisements do not arrive, or are dropped."""
    split = {each.instance for each in report.split_brains}
    for flow in report.flows:
        if not flow.advertises or flow.instance in split:
            continue
        if flow.refused:
            yield Finding(
                severity=Severity.ERROR,
                code="advertisements_dropped",
                what=f"{flow.instance}: {flow.description}",
                remedy="give both directors the same settings for the named reason",
            )
        elif flow.lost and (flow.sent or 0) >= LOST_MIN:
            yield Finding(
                severity=Severity.ERROR,
                code="advertisements_one_way",
                what=f"{flow.instance}: {flow.description}",
                remedy="look at the filters of both hosts and at the switches between them",
            )


def _strangers(report: PairReport) -> Iterator[Finding]:
    for each in report.strangers:
        yield Finding(
            severity=Severity.ERROR,
            code="vrid_clash",
            what=f"{each.instance}: the router {each.address} advertises the VRID"
            f" {each.virtual_router_id} too, and is no director of this pair (received by"
            f" {each.director})",
            remedy="give one of the two virtual routers another virtual_router_id",
        )


def _director_findings(director: PairDirector) -> Iterator[Finding]:
    if not director.current:
        yield Finding(
            severity=Severity.ERROR,
            code=f"pair_peer_{director.reach}",
            what=f"{director.name} does not answer over the pair link: {director.reason}",
            remedy="make sure that the director runs, that its certificate is the configured one,"
            " and that no packet filter blocks the link",
        )
        return
    for fact in director.facts.unready if director.facts else ():
        yield Finding(
            severity=Severity.WARNING,
            code="not_ready",
            what=f"{director.name} could not take over: {FACTS.get(fact.code, fact.code)}",
            remedy=f"`hadirector why readiness` on {director.name} shows the details",
        )


def _mtu_findings(report: PairReport) -> Iterator[Finding]:
    """Yield the instances whose interfaces have other MTUs. Large packets would get lost."""
    for first, second in combinations([each for each in report.directors if each.current], 2):
        theirs = {each.name: each for each in second.facts.instances} if second.facts else {}
        for ours in first.facts.instances if first.facts else ():
            other = theirs.get(ours.name)
            if other is not None and ours.mtu and other.mtu and ours.mtu != other.mtu:
                yield Finding(
                    severity=Severity.WARNING,
                    code="mtu_differs",
                    what=f"{ours.name}: the MTU of {ours.interface} on {first.name} is {ours.mtu},"
                    f" and the MTU of {other.interface} on {second.name} is {other.mtu}",
                    remedy="give both interfaces the same MTU",
                )


def _difference_findings(report: PairReport) -> Iterator[Finding]:
    for each in report.differences:
        meaning = MEANINGS[each.kind]
        if not each.fault:
            continue
        severity = Severity.NOTE if meaning.level is Level.OK else Severity.WARNING
        about = f" of {each.object}" if each.object else ""
        sides = f"{each.here or 'this clock'} here, {each.there} on {each.peer}"
        yield Finding(
            severity=Severity.ERROR if each.kind is DifferenceKind.INSTANCE else severity,
            code=meaning.code,
            what=f"{meaning.noun}{about} differs: {sides}",
            remedy=meaning.remedy,
        )
