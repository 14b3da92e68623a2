"""Judges checks that go by way of the virtual address, together with their virtual server."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.checks.schema import CheckSection
from hadirector.config.document.finding import Finding, Path, wrong
from hadirector.config.keys.section import valid_items
from hadirector.config.schema import DirectorSection, Root, VirtualServerSection
from hadirector.config.services.check_uses import OF_DIRECTOR, Use, uses_of
from hadirector.model.ipvs import ForwardingMethod


def via_findings(root: Root) -> Iterator[Finding]:
    """Find virtual servers that cannot be asked this way, and marks that others use."""
    if root.director is None:
        return
    used, virtual = 0, _virtual_addresses(root)
    for index, server in valid_items(root.virtual_servers):
        path = ("virtual_servers", index)
        uses = [
            each for each in uses_of(path, server, root.director) if each.section.via is not None
        ]
        used += len(uses)
        if uses and server.keys:
            unfit = _unfit(server, root.director)
            yield from dict.fromkeys(_use_findings(path, server, uses, unfit, virtual))
    if used:
        yield from _mark_findings(root, root.director, used)


def _use_findings(
    path: Path,
    server: VirtualServerSection,
    uses: list[Use],
    unfit: str | None,
    virtual: frozenset[str],
) -> Iterator[Finding]:
    """Find why the packets of a probe would not reach the real server by way of IPVS."""
    for use in uses:
        faults = {"via": unfit} if unfit is not None else _use_faults(use, server, virtual)
        for key, message in faults.items():
            # What the director's own check does not fit is this virtual server: it is said there.
            inherited = use.path == OF_DIRECTOR
            place = (*path, server.place_key) if inherited else (*use.path, key)
            yield Finding(place, f"via: vip: {message}")


def _unfit(server: VirtualServerSection, director: DirectorSection) -> str | None:
    """Say why no real server of a virtual server can be asked by its address."""
    if director.dataplane != "ipvs":
        return f"the {director.dataplane} dataplane takes no probe through IPVS"
    if server.forwarding not in (ForwardingMethod.DR, ForwardingMethod.TUN):
        return f"only with dr and tun a real server has that address (got {server.forwarding})"
    if server.fwmark is not None:
        return "a firewall mark has no address to ask"
    if len({key.address for key in server.keys}) > 1:
        return "there is more than one address to ask"
    return None


def _use_faults(use: Use, server: VirtualServerSection, virtual: frozenset[str]) -> dict[str, str]:
    """Say what is wrong with one check, by the key to blame."""
    faults = {}
    port, source, destination = use.section.port, use.section.source, server.keys[0].address
    if port is not None and server.port not in (0, port):
        faults["port"] = wrong(str(port), f"the port that is served, {server.port}")
    if (":" in (source or use.address)) != (":" in destination):
        faults["via" if source is None else "source"] = (
            f"{source or use.address} and {destination} are not of one address family"
            f" (expected a source of that of {destination})"
        )
    elif source in virtual:
        faults["source"] = f"answers to {source} go to whoever holds it (expected no virtual one)"
    return faults


def _virtual_addresses(root: Root) -> frozenset[str]:
    held = {
        each.address.partition("/")[0]
        for _, instance in valid_items(root.vrrp)
        for each in (*instance.virtual_addresses, *instance.unadvertised_addresses)
    }
    served = {key.address for _, each in valid_items(root.virtual_servers) for key in each.keys}
    return frozenset(held | served)


def _mark_findings(root: Root, director: DirectorSection, used: int) -> Iterator[Finding]:
    marks = director.probe_marks
    if used > marks.size:
        message = wrong(str(marks), f"at least {used} marks, one for each real server asked so")
        yield Finding(("director", "probe_marks"), message)
    for path, mark in _other_marks(root):
        if mark in marks:
            message = (
                f"{mark} is one of the marks of our own probes, {marks}"
                " (the key probe_marks of director chooses others)"
            )
            yield Finding(path, message)


def _other_marks(root: Root) -> Iterator[tuple[Path, int]]:
    """Go through the marks that are written in the file."""
    if root.director is not None and root.director.check is not None:
        yield (*OF_DIRECTOR, "mark"), root.director.check.mark
    for index, server in valid_items(root.virtual_servers):
        path = ("virtual_servers", index)
        yield (*path, "fwmark"), server.fwmark or 0
        checks: list[tuple[Path, CheckSection | None]] = [((*path, "check"), server.check)]
        if server.sorry_server is not None:
            checks.append(((*path, "sorry_server", "check"), server.sorry_server.check))
        for at, each in valid_items(server.real_servers):
            checks.append(((*path, "real_servers", at, "check"), each.check))
        yield from (((*place, "mark"), check.mark) for place, check in checks if check is not None)
