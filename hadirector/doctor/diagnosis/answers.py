"""Finds what is wrong with real servers by how they answer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from checks.definition.result import Reason, Result
from hadirector.doctor.diagnosis.facts import Facts, Path, Subject, virtual_addresses
from hadirector.doctor.diagnosis.finding import Finding, Severity
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ForwardingMethod

_OURS = frozenset({Reason.NO_ROUTE, Reason.LOCAL_ERROR})
"""What says something of this host, and nothing of the real server."""


def answer_findings(
    configuration: Configuration,
    facts: Facts,
    subjects: Iterable[Subject],
    place: Callable[[Path], str],
) -> Iterator[Finding]:
    """Judge the answers to probes: none at all, or only on the real server's own address."""
    for each in subjects:
        answer = facts.answers.get(each.name)
        # That there is no route is said already.
        if answer is None or (each.address in facts.ways and facts.ways[each.address] is None):
            continue
        if not answer.passed:
            yield _failing(each, answer)
        else:
            yield from _virtual(each, facts)
    for index, server in enumerate(configuration.virtual_servers):
        known = [facts.answers.get(f"{server.name}/{each.name}") for each in server.real_servers]
        if known and all(each is not None and not each.passed for each in known):
            yield Finding(
                severity=Severity.ERROR,
                place=place(("virtual_servers", index)),
                what=f"{server.name}: none of its real servers passes its check",
                remedy="see each of them; then the check itself (`hadirector probe`)",
            )


def _failing(subject: Subject, answer: Result) -> Finding:
    remedy = "is the service running, does it listen there, does a firewall let this host in?"
    if answer.reason is Reason.UNREACHABLE:
        remedy = "is the real server on, does it have that address, is it on this segment?"
    return Finding(
        severity=Severity.WARNING,
        place=subject.place,
        what=f"{subject.name}: its check fails: {answer.detail}",
        remedy=remedy,
    )


def _virtual(subject: Subject, facts: Facts) -> Iterator[Finding]:
    [virtual, *_] = virtual_addresses(subject.server) or ("",)
    answer = facts.virtual_answers.get(subject.name)
    why = facts.unasked.get(subject.name, "")
    if answer is not None and answer.reason in _OURS:
        why = answer.detail
    if why:
        yield Finding(
            severity=Severity.NOTE,
            place=subject.place,
            what=f"{subject.name}: not asked by the virtual address {virtual}: {why}",
            remedy="ask on the director that does not hold it, or `via: vip` in the check",
        )
    elif answer is not None and not answer.passed:
        yield _silent(subject, virtual, answer)


def _silent(subject: Subject, virtual: str, answer: Result) -> Finding:
    setup = f"`hadirector realserver setup {virtual}"
    if subject.server.forwarding is ForwardingMethod.TUN:
        setup += " --method tunnel"
    return Finding(
        severity=Severity.ERROR,
        place=subject.place,
        what=f"{subject.name}: it answers on its own address, but not on the virtual one,"
        f" {virtual}: {answer.detail}",
        remedy=f"on the real server {setup}`, and the service on that address too; `via: vip` in"
        " the check finds it from then on",
    )
