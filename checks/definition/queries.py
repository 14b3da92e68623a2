"""Derives facts about a probe, such as its cost, from its traits, options and member probes."""

from __future__ import annotations

from checks.definition.options import (
    AgentProbe,
    AllProbe,
    AnyProbe,
    DnsProbe,
    FileProbe,
    Probe,
    ScriptProbe,
)
from checks.definition.traits import NO_PORT, TLS_COST, PathEvidence, Transport


def leaf_types(probe: Probe) -> frozenset[type[Probe]]:
    """Return the types of the members, or the type of the probe if it is not composite."""
    match probe:
        case AllProbe() | AnyProbe():
            return frozenset().union(*(leaf_types(member.probe) for member in probe.checks))
        case _:
            return frozenset({type(probe)})


def path_evidence(probe: Probe) -> frozenset[PathEvidence]:
    """Return whether results of the probe and its members are evidence about the network path."""
    return frozenset(leaf_type.traits.path_evidence for leaf_type in leaf_types(probe))


def cost(probe: Probe) -> int:
    """Return the processor time of one probe, as a multiple of the time of a TCP probe."""
    match probe:
        case AllProbe() | AnyProbe():
            return sum(cost(member.probe) for member in probe.checks)
        case _:
            return TLS_COST if uses_tls(probe) else probe.traits.cost


def uses_tls(probe: Probe) -> bool:
    """Return whether the probe itself uses TLS."""
    tls = probe.traits.tls
    return bool(getattr(probe, tls)) if isinstance(tls, str) else tls


def requests_exit_weight(probe: Probe) -> bool:
    """Return whether the check sets the weight itself (``exit_weight``) instead of a percentage."""
    match probe:
        case AllProbe() | AnyProbe():
            return any(requests_exit_weight(member.probe) for member in probe.checks)
        case ScriptProbe():
            return probe.exit_weight
        case _:
            return False


def requests_percentage(probe: Probe) -> bool:
    """Return whether the target may request a percentage of its configured weight."""
    match probe:
        case AllProbe() | AnyProbe():
            return any(requests_percentage(member.probe) for member in probe.checks)
        case ScriptProbe():
            return probe.statement
        case FileProbe():
            return probe.expect is None
        case _:
            return isinstance(probe, AgentProbe)


def transports(probe: Probe) -> frozenset[Transport]:
    """Return the protocols that reach the port of the target; empty if nothing is sent there."""
    match probe:
        case DnsProbe():
            return frozenset({probe.protocol})
        case AllProbe() | AnyProbe():
            members = (member for member in probe.checks if member.port is None)
            return frozenset().union(*(transports(member.probe) for member in members))
        case _:
            transport = probe.traits.transport
            return frozenset() if transport is None else frozenset({transport})


def is_host_probe(probe: Probe) -> bool:
    """Return whether the probe tests a host, for example by ping. Its target then has no port."""
    match probe:
        case AllProbe() | AnyProbe():
            return all(
                member.port is not None or is_host_probe(member.probe) for member in probe.checks
            )
        case _:
            return probe.traits.default_port == NO_PORT
