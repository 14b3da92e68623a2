"""Judges what VRRP instances depend on."""

from __future__ import annotations

from collections.abc import Iterator

from hadirector.config.errors import shown
from hadirector.config.finding import Claim, Finding, Path, duplicates, wrong
from hadirector.config.schema import Root, TrackSection, VrrpSection, whole_ones

KINDS = ("interface", "pool")
_ONLY_FOR = {"flap_delay": "interface"}


def track_findings(root: Root) -> Iterator[Finding]:
    """Find what cannot be tracked, or not in this way."""
    pools = {server.title for _, server in whole_ones(root.virtual_servers)}
    for index, instance in whole_ones(root.vrrp):
        path: Path = ("vrrp", index)
        yield from _flap_findings(path, instance)
        yield from duplicates(_objects(path, instance))
        for place, tracked in whole_ones(instance.track):
            yield from _object_findings((*path, "track", place), tracked, pools)


def _objects(path: Path, instance: VrrpSection) -> Iterator[Claim]:
    for place, tracked in whole_ones(instance.track):
        for kind, name in tracked.objects[:1]:
            words = f"{kind} {name}"
            yield Claim((*path, "track", place, kind), words, words)


def _object_findings(path: Path, tracked: TrackSection, pools: set[str]) -> Iterator[Finding]:
    kinds = [kind for kind, _ in tracked.objects]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none of them"
        yield Finding(path, wrong(found, f"one of {', '.join(KINDS)}"))
        return
    for key in sorted(tracked.model_fields_set & _ONLY_FOR.keys()):
        if kinds[0] != _ONLY_FOR[key]:
            yield Finding((*path, key), f"a tracked {kinds[0]} has no {key}")
    if tracked.pool is not None and tracked.pool not in pools:
        expected = "the name of a virtual server"
        yield Finding((*path, "pool"), wrong(shown(tracked.pool), expected))


def _flap_findings(path: Path, instance: VrrpSection) -> Iterator[Finding]:
    """A peer takes over after three intervals of silence at the earliest."""
    longest = 2 * instance.advert_interval
    if instance.flap_delay > longest:
        expected = f"at most two advertisement intervals, {longest:g}s: then a peer takes over"
        yield Finding((*path, "flap_delay"), wrong(f"{instance.flap_delay:g}s", expected))
