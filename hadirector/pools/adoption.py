"""Reads off the table of a previous run what its pools were. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from checks.definition.result import Verdict
from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import (
    DestinationKey,
    Table,
)
from hadirector.model.queries import _checked
from hadirector.overrides.model import RealServerName
from hadirector.pools.slow_start import LONG_AGO


def adopted_quorums(configuration: Configuration, table: Table) -> dict[str, bool]:
    """Read off the table that a previous run left behind which pools had lost their quorum.

    Of those without a sorry server it does not say.
    """
    return {
        server.name: False
        for server in configuration.virtual_servers
        if server.sorry_server is not None
        and any(
            server.sorry_server.destination_key(key) in entry.destinations
            for key in server.keys
            if (entry := table.get(key)) is not None
        )
    }


def adopted_admissions(
    configuration: Configuration, table: Table, serving_since: Mapping[str, float]
) -> dict[str, dict[DestinationKey, float]]:
    """Take what serves in the table of a previous run for ``serving_since`` then, or long ago."""
    return {
        server.name: {
            each.key: serving_since.get(str(RealServerName(server.name, each.name)), LONG_AGO)
            for each in server.real_servers
            for key in server.keys
            if (entry := table.get(key)) is not None
            and (held := entry.destinations.get(each.destination_key(key))) is not None
            and held.weight
        }
        for server in configuration.virtual_servers
    }


def adopted_verdicts(configuration: Configuration, table: Table) -> dict[str, Verdict]:
    """Read verdicts off the table that a previous run left behind.

    A destination with a weight was passing; one at weight 0 that is configured with more was
    failing. What is not in the table is not known. A target that is in use anywhere counts as
    passing everywhere.
    """
    verdicts: dict[str, Verdict] = {}
    for server, real_server, check in _checked(configuration):
        weights = [
            entry.destinations[key].weight
            for service in server.keys
            if (entry := table.get(service)) is not None
            and (key := real_server.destination_key(service)) in entry.destinations
        ]
        if not weights:
            continue
        passing = any(weights) or real_server.weight == 0
        if passing or check.identity not in verdicts:
            verdicts[check.identity] = Verdict.PASSING if passing else Verdict.FAILING
    return verdicts


def changed_checks(
    old: Configuration, new: Configuration, held: Mapping[str, Collection[DestinationKey]]
) -> dict[str, str]:
    """Name the new checks of the servers that are ``held`` in their pools, with the old ones."""
    before = {
        (server.name, each.key): each.check.identity
        for server in old.virtual_servers
        for each in server.real_servers
        if each.check is not None and each.key in held.get(server.name, ())
    }
    return {
        each.check.identity: before[server.name, each.key]
        for server in new.virtual_servers
        for each in (server.real_servers if server.name in held else ())
        if each.check is not None and (server.name, each.key) in before
    }
