"""Judges what spans several keys: duplicates, and values that cannot go together.

The rules see sections that are valid by themselves; none of them looks at the host.
"""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.checks.rules import check_findings, source_findings
from hadirector.config.document.finding import Finding, Path
from hadirector.config.kernel.rules import sync_daemon_findings
from hadirector.config.keys.section import valid_items
from hadirector.config.schema import Root
from hadirector.config.services.check_uses import uses_of
from hadirector.config.services.rules import virtual_server_findings
from hadirector.config.services.via_vip import via_findings
from hadirector.config.tracking.rules import sync_group_findings, track_findings
from hadirector.config.vrrp.rules import vrrp_findings


def findings(root: Root) -> Iterator[Finding]:
    """Find everything that is wrong with the combination of values in a file."""
    if not root.model_fields_set & {"vrrp", "virtual_servers"}:
        yield Finding((), "nothing to do (expected vrrp, virtual_servers or both)")
    if root.director is not None and root.director.check is not None:
        yield from check_findings(("director", "check"), root.director.check)
    yield from vrrp_findings(root)
    yield from track_findings(root)
    yield from sync_group_findings(root)
    yield from sync_daemon_findings(root)
    yield from virtual_server_findings(root)
    yield from _source_findings(root)
    yield from via_findings(root)


def _source_findings(root: Root) -> Iterator[Finding]:
    """Find a fault of each source once, however many real servers it does not fit."""
    if root.director is None:
        return
    found: dict[Path, Finding] = {}
    for index, server in valid_items(root.virtual_servers):
        for use in uses_of(("virtual_servers", index), server, root.director):
            for finding in source_findings(*use):
                found.setdefault(finding.path, finding)
    yield from found.values()
