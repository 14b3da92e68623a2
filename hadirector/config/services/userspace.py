"""Rules for virtual servers of the userspace dataplane (`hadirector.dataplane.userspace`)."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.document.finding import Finding, Path
from hadirector.config.services.schema import VirtualServerSection
from hadirector.model.ipvs import ForwardingMethod, Protocol, Scheduler

USERSPACE_SCHEDULERS = (Scheduler.RR, Scheduler.WRR, Scheduler.LC, Scheduler.WLC)
_SUBJECT = "the userspace dataplane"


def userspace_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Yield the keys that need IPVS."""
    if server.protocol is not Protocol.TCP:
        yield Finding((*path, "protocol"), f"{_SUBJECT} relays tcp only (got {server.protocol})")
    if server.fwmark is not None:
        yield Finding((*path, "fwmark"), f"{_SUBJECT} does not support firewall marks")
    for step, real_server in server.members:
        if real_server.upper_threshold is not None:
            place = (*path, *step, "upper_threshold")
            yield Finding(place, f"{_SUBJECT} does not support thresholds; leave this out")
    if server.scheduler not in USERSPACE_SCHEDULERS:
        names = ", ".join(USERSPACE_SCHEDULERS)
        message = f"{_SUBJECT} does not have {server.scheduler} (expected one of {names})"
        yield Finding((*path, "scheduler"), message)
    methods = ((member.forwarding, step) for step, member in server.all_members)
    for forwarding, step in ((server.forwarding, ()), *methods):
        if forwarding not in (None, ForwardingMethod.NAT):
            message = f"{_SUBJECT} relays connections, which is nat (got {forwarding})"
            yield Finding((*path, *step, "forwarding"), message)
    if server.persistence is not None:
        message = f"{_SUBJECT} does not support persistence; leave this out"
        yield Finding((*path, "persistence"), message)
