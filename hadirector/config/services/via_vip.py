"""Rules for checks with ``via: vip``, and for the virtual servers that forward their probes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from hadirector.config.checks.schema import CheckSection
from hadirector.config.director.schema import DirectorSection
from hadirector.config.document.finding import Finding, Path, wrong
from hadirector.config.keys.section import Placed
from hadirector.config.services.check_uses import DIRECTOR_CHECK, Use, check_uses
from hadirector.config.services.schema import VirtualServerSection
from hadirector.model.ipvs import ForwardingMethod


def via_findings(
    servers: Sequence[Placed[VirtualServerSection]],
    director: DirectorSection,
    held_addresses: Collection[str],
) -> Iterator[Finding]:
    """Yield checks whose probes cannot go through IPVS, and marks that are already in use.

    ``held_addresses`` are the addresses of the VRRP instances.
    """
    served = {key.address for _, server in servers for key in server.keys}
    virtual = frozenset({*held_addresses, *served})
    count = 0
    for path, server in servers:
        uses = [use for use in check_uses(path, server, director) if use.section.via is not None]
        count += len(uses)
        if uses and server.keys:
            reason = _unsuitable(server, director)
            yield from dict.fromkeys(_use_findings(path, server, uses, reason, virtual))
    if count:
        yield from _mark_findings(servers, director, count)


def _use_findings(
    path: Path,
    server: VirtualServerSection,
    uses: list[Use],
    unsuitable: str | None,
    virtual: frozenset[str],
) -> Iterator[Finding]:
    """Yield the reasons why the packets of a probe would not reach the real server through IPVS."""
    for use in uses:
        reason = unsuitable or _unsuitable_method(use)
        faults = {"via": reason} if reason is not None else _faults(use, server, virtual)
        for key, message in faults.items():
            # The check of the director may be right for other virtual servers, so the finding is
            # at the virtual server.
            inherited = use.path == DIRECTOR_CHECK
            place = (*path, server.place_key) if inherited else (*use.path, key)
            yield Finding(place, f"via: vip: {message}")


def _unsuitable(server: VirtualServerSection, director: DirectorSection) -> str | None:
    """Return why no check can go through a virtual server; None if checks can."""
    if director.dataplane != "ipvs":
        return f"probes cannot go through the {director.dataplane} dataplane (expected ipvs)"
    if server.fwmark is not None:
        return "a virtual server with a firewall mark has no address to probe"
    if len({key.address for key in server.keys}) > 1:
        return "the virtual server has more than one address to probe"
    return None


def _unsuitable_method(use: Use) -> str | None:
    if use.forwarding in (ForwardingMethod.DR, ForwardingMethod.TUN):
        return None
    return (
        "a real server has the virtual address only with forwarding dr or tun (got"
        f" {use.forwarding})"
    )


def _faults(use: Use, server: VirtualServerSection, virtual: frozenset[str]) -> dict[str, str]:
    """Return the faults of one check, by the key that is at fault."""
    faults = {}
    port, source, destination = use.section.port, use.section.source, server.keys[0].address
    if port is not None and server.port not in (0, port):
        faults["port"] = wrong(str(port), f"the port of the virtual server, {server.port}")
    if (":" in (source or use.address)) != (":" in destination):
        faults["via" if source is None else "source"] = (
            f"{source or use.address} and {destination} have different address families"
            f" (expected a source of the family of {destination})"
        )
    elif source in virtual:
        faults["source"] = (
            f"{source} is a virtual address, and the answers go to the director that holds it"
            " (expected an address that only this host has)"
        )
    return faults


def _mark_findings(
    servers: Sequence[Placed[VirtualServerSection]], director: DirectorSection, count: int
) -> Iterator[Finding]:
    marks = director.probe_marks
    if count > marks.size:
        message = wrong(str(marks), f"at least {count} marks, one for each check with via: vip")
        yield Finding(("director", "probe_marks"), message)
    for path, mark in _other_marks(servers, director):
        if mark in marks:
            message = (
                f"{mark} is in the range of the marks of probes, {marks} (the key probe_marks of"
                " director sets another range)"
            )
            yield Finding(path, message)


def _other_marks(
    servers: Sequence[Placed[VirtualServerSection]], director: DirectorSection
) -> Iterator[tuple[Path, int]]:
    """Yield the marks in the file with their paths."""
    checks: list[tuple[Path, CheckSection | None]] = [(DIRECTOR_CHECK, director.check)]
    for path, server in servers:
        yield (*path, "fwmark"), server.fwmark or 0
        checks.append(((*path, "check"), server.check))
        if server.sorry_server is not None:
            checks.append(((*path, "sorry_server", "check"), server.sorry_server.check))
        for step, real_server in server.members:
            checks.append(((*path, *step, "check"), real_server.check))
    yield from (((*path, "mark"), check.mark) for path, check in checks if check is not None)
