"""The pools as they were last judged, and what has become of their weights lately."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from time import monotonic
from typing import Final, NamedTuple, Protocol

import msgspec
import structlog

from checks.definition.result import Result, Verdict
from hadirector.events.event_log import NAMED_MAX, WEIGHT_DECIDED
from hadirector.health.verdicts import Health
from hadirector.model.configuration import Configuration, VirtualServer
from hadirector.model.ipvs import DestinationKey, ServiceEntry, ServiceKey, Table
from hadirector.model.vip_probes import probe_services
from hadirector.overrides.model import Override, RealServerName
from hadirector.pools.adoption import (
    adopted_admissions,
    adopted_quorums,
    adopted_verdicts,
    changed_checks,
)
from hadirector.pools.candidate import Derivation
from hadirector.pools.decision import Judgement, judge
from hadirector.pools.entries import wanted_entries
from hadirector.pools.facts import Facts
from hadirector.pools.slow_start import LONG_AGO
from hadirector.status.report import said

REST_SECONDS: Final = 0.2
"""Pools that change by themselves are judged together this often at most."""


class PoolsDue(msgspec.Struct, frozen=True):
    """Time alone changes a weight: some pools are to be judged again."""


class Past(msgspec.Struct, frozen=True):
    """What the next run is to know of the pools.

    ``quorums`` says which had theirs, ``serving_since`` since when real servers serve that start
    slowly, by VS/RS, in monotonic seconds.
    """

    quorums: dict[str, bool] = {}
    serving_since: dict[str, float] = {}


class Assumed(NamedTuple):
    """What to take for granted of checks that another configuration brings, by identity.

    ``failing`` names for checks of servers that are kept in, though they fail, the check by which
    they do. It goes before ``verdicts``, by which whoever is in use passes.
    """

    verdicts: Mapping[str, Verdict]
    failing: Mapping[str, str] = {}


class Note(Protocol):
    """Keeps an event for people who ask."""

    def __call__(self, name: str, /, **fields: object) -> None:
        """Take its name and what belongs to it."""


class Pools:
    """Has every pool judged, remembers what the next judgement needs, and notes what is new."""

    def __init__(self, configuration: Configuration, note: Note) -> None:
        self.table: Table = {}
        self.judgements: dict[str, Judgement] = {}
        self.quorums: dict[str, bool] = {}
        self.serving_since: dict[str, Mapping[DestinationKey, float]] = {}
        self._configuration = configuration
        self._note = note
        self._log = structlog.get_logger()
        self._next_changes: dict[str, float] = {}
        self._judged = asyncio.Event()

    def adopt(self, table: Table, past: Past) -> None:
        """Go on from what a previous run left behind: its table, and what it knew."""
        names = {server.name for server in self._configuration.virtual_servers}
        known = {name: had for name, had in past.quorums.items() if name in names}
        self.quorums = {**adopted_quorums(self._configuration, table), **known}
        self.serving_since = dict(
            adopted_admissions(self._configuration, table, past.serving_since)
        )

    def past(self) -> Past:
        """Say what the next run is to know."""
        found: dict[str, float] = {}
        for server in self._configuration.virtual_servers:
            since = self.serving_since.get(server.name, {})
            for each in server.real_servers if since else ():
                if since.get(each.key, LONG_AGO) != LONG_AGO:
                    found[str(RealServerName(server.name, each.name))] = since[each.key]
        return Past(dict(self.quorums), found)

    async def run(self, tell: Callable[[PoolsDue], Awaitable[None]]) -> None:
        """Tell when pools are due to be judged though nothing has happened, until cancelled."""
        rested_at = 0.0
        while True:
            self._judged.clear()
            due = min(self._next_changes.values(), default=math.inf)
            delay = max(due, rested_at) - monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(delay if delay < math.inf else None):
                    await self._judged.wait()
                continue
            await tell(PoolsDue())
            rested_at = monotonic() + REST_SECONDS

    def due(self, now: float) -> frozenset[ServiceKey]:
        """Name the services of the pools whose weights change by now, by time alone."""
        due = {name for name, at in self._next_changes.items() if at <= now}
        return frozenset(
            key
            for server in self._configuration.virtual_servers
            if server.name in due
            for key in server.keys
        )

    def assumed(self, configuration: Configuration) -> Assumed:
        """Say what of this configuration's checks follows from the pools as they are."""
        held = {name: each.held for name, each in self.judgements.items() if each.held}
        return Assumed(
            adopted_verdicts(configuration, self.table),
            changed_checks(self._configuration, configuration, held),
        )

    def configure(self, configuration: Configuration) -> None:
        """Judge these pools from now on; what is remembered of those that stay, stays."""
        self._configuration = configuration
        names = {server.name for server in configuration.virtual_servers}
        self.quorums = {name: had for name, had in self.quorums.items() if name in names}
        self.serving_since = {
            name: each for name, each in self.serving_since.items() if name in names
        }
        self._next_changes = {n: at for n, at in self._next_changes.items() if n in names}
        self.judgements = {name: each for name, each in self.judgements.items() if name in names}

    def decide(
        self, changed: Collection[ServiceKey] | None, facts: Facts, results: Mapping[str, Result]
    ) -> None:
        """Judge the pools of the changed services, or all, and make the table that follows.

        ``results`` are what targets last answered, by the identity of their checks, for the record.
        """
        entries: dict[ServiceKey, ServiceEntry] = {}
        for server in self._configuration.virtual_servers:
            if changed is None or any(key in changed for key in server.keys):
                entries |= wanted_entries(server, self._judge(server, facts, results))
        # The services of probes come first: what these meet is to be the real server alone.
        kept = probe_services(self._configuration) if changed is None else self.table
        self.table = {**kept, **entries}
        self._judged.set()

    def _judge(
        self, server: VirtualServer, facts: Facts, results: Mapping[str, Result]
    ) -> Judgement:
        before = self.judgements.get(server.name)
        had_quorum = self.quorums.get(server.name)
        judgement = judge(server, facts, had_quorum, self.serving_since.get(server.name, {}))
        self.judgements[server.name] = judgement
        self.serving_since[server.name] = judgement.serving_since
        self._next_changes.pop(server.name, None)
        if judgement.next_change is not None:
            self._next_changes[server.name] = judgement.next_change
        if judgement.quorum is not None and judgement.quorum is not had_quorum:
            self.quorums[server.name] = judgement.quorum
            self._log.info(
                "quorum_reached" if judgement.quorum else "quorum_lost",
                virtual_server=server.name,
                passing=judgement.passing,
                quorum=server.quorum,
            )
        held = () if before is None else before.held
        if judgement.held != held:
            self._log.warning(
                "failing_servers_held" if judgement.held else "failing_servers_released",
                virtual_server=server.name,
                would_be_removed=[str(each) for each in judgement.held[:NAMED_MAX]],
                count=len(judgement.held),
                lost_from_sight=len(judgement.unseen),
            )
        flapped = {} if before is None else before.flapping
        for key in judgement.flapping.keys() - flapped.keys():
            self._log.warning("server_flapping", virtual_server=server.name, real_server=str(key))
        if before is not None:
            self._note_weights(server, before, judgement, results)
        return judgement

    def _note_weights(
        self,
        server: VirtualServer,
        before: Judgement,
        judgement: Judgement,
        results: Mapping[str, Result],
    ) -> None:
        """Note every weight that there is a new reason for."""
        for real_server in server.real_servers:
            steps = judgement.derivations[real_server.key]
            known = before.derivations.get(real_server.key)
            if steps == known or (known and _reasons(steps) == _reasons(known)):
                continue
            result = results.get(real_server.check.identity) if real_server.check else None
            because = "; ".join(step.words for step in steps)
            self._note(
                WEIGHT_DECIDED,
                virtual_server=server.name,
                real_server=real_server.name,
                weight=steps[-1].weight,
                because=f"{because} ({said(result)})" if result else because,
            )


def _reasons(steps: Derivation) -> list[object]:
    """What is new when it changes: a weight that grows for a reason that stays is not."""
    return [steps[0], *(step.words for step in steps)]


def gather_facts(health: Health, overrides: Mapping[RealServerName, Override]) -> Facts:
    """Return what weights are decided from at this moment."""
    return Facts(
        health.verdicts,
        health.failed_at,
        overrides,
        health.unseen,
        health.weights,
        monotonic(),
        health.failures,
    )
