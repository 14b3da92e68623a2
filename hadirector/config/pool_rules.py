"""Judges what a virtual server says of its pool: quorum, sorry server."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.check_rules import check_findings
from hadirector.config.finding import Finding, Path, wrong
from hadirector.config.schema import VirtualServerSection
from hadirector.config.section import whole_ones


def pool_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """Find what can never come true, or contradicts itself."""
    yield from _quorum_findings(path, server)
    yield from _minimum_findings(path, server)
    if server.sorry_server is not None:
        key = server.sorry_server.key(server)
        if any(each.key(server) == key for _, each in whole_ones(server.real_servers)):
            message = f"the sorry server cannot be one of the real servers ({key})"
            yield Finding((*path, "sorry_server", "address"), message)
        if server.sorry_server.check is not None:
            yield from check_findings((*path, "sorry_server", "check"), server.sorry_server.check)


def _minimum_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """A number of servers that can never be reached would hold every failing one for ever."""
    count, there = server.min_healthy.count, len(server.real_servers)
    if count > there:
        expected = f"at most the number of real servers, {there}"
        yield Finding((*path, "min_healthy"), wrong(str(count), expected))


def _quorum_findings(path: Path, server: VirtualServerSection) -> Iterator[Finding]:
    """A quorum can be lost and reached again; one nobody wrote down is 1 of whatever there is."""
    if server.hysteresis >= server.quorum:
        expected = f"less than the quorum, {server.quorum}: nothing passing is never enough"
        yield Finding((*path, "hysteresis"), wrong(str(server.hysteresis), expected))
        return
    total = sum(each.weight for _, each in whole_ones(server.real_servers))
    needed = server.quorum + server.hysteresis
    if "quorum" in server.model_fields_set and needed > total and None not in server.real_servers:
        expected = f"with the hysteresis at most {total}, the weight of all real servers together"
        yield Finding((*path, "quorum"), wrong(str(needed), expected))
