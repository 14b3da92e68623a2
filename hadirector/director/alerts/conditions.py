"""Finds the conditions that last at present, in memory: no request to the kernel is needed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from checks.definition.result import Verdict
from hadirector.dataplane.slices import Slices
from hadirector.events.alerts.alert import Key
from hadirector.health.target import UNKNOWN_TARGET, Targets, TargetState
from hadirector.model.alerts import Condition
from hadirector.model.configuration import Configuration, VirtualServer
from hadirector.overrides.model import RealServerName
from hadirector.pools.decision import Judgement
from hadirector.status.instance_problems import instance_problems
from hadirector.status.verdict import Problem
from vrrp.model.report import InstanceStatus

_PROBLEMS: Final[dict[str, Condition]] = {
    "two_active_routers": "split_brain",
    "instance_fault": "instance_fault",
    "virtual_address_unheld": "address_unheld",
    "learned_interval_too_long": "peer_differs",
    "clock_skew": "peer_differs",
}
_PAIR_PROBLEMS: Final[dict[str, Condition]] = {
    "split_brain": "split_brain",
    "pair_peer_lost": "pair_unready",
    "pair_peer_refused": "pair_unready",
    "pair_peer_unready": "pair_unready",
}
"""The conditions of the problems of a pair, by their codes."""
"""The conditions of the problems of an instance, by their codes."""


class Situation(NamedTuple):
    """The states from which the conditions follow. ``known`` are the open alerts.

    ``unfit`` are the reasons for which the director is not fit to serve, and ``unready`` those for
    which it is not ready in its pair. ``pair_problems`` are problems of the pair.
    """

    configuration: Configuration
    targets: Targets
    judgements: Mapping[str, Judgement]
    instances: Collection[InstanceStatus]
    blind: bool
    unfit: Collection[str]
    unready: Collection[str]
    pair_problems: Collection[Problem]
    known: Collection[Key]


async def find_conditions(situation: Situation) -> dict[Key, str]:
    """Return the conditions with their reasons, with pauses: 10,000 real servers take some ms.

    A real server whose verdict is not known, or that is unseen, keeps its state.
    """
    found = dict(_director_conditions(situation))
    for instance in situation.instances:
        for problem in instance_problems(instance):
            if condition := _PROBLEMS.get(problem.code):
                found[Key(condition, instance.instance)] = problem.reason
    slices = Slices()
    for server in situation.configuration.virtual_servers:
        judgement = situation.judgements.get(server.name)
        if judgement is not None and judgement.quorum is False:
            reason = f"quorum lost: {judgement.passing} passing, {server.quorum} needed"
            found[Key("pool_down", server.name)] = reason
        found.update(_failed_real_servers(situation, server))
        await slices.pause()
    return found


def _director_conditions(situation: Situation) -> Iterator[tuple[Key, str]]:
    if situation.blind:
        yield Key("blind", "director"), "the director receives no answer from any target"
    if situation.unfit:
        yield Key("director_unfit", "director"), "; ".join(situation.unfit)
    if situation.unready:
        yield Key("pair_unready", "director"), "; ".join(situation.unready)
    for problem in situation.pair_problems:
        if condition := _PAIR_PROBLEMS.get(problem.code):
            # The objects are "instance NAME" and "director NAME".
            yield Key(condition, problem.object.partition(" ")[2]), problem.reason


def _failed_real_servers(situation: Situation, server: VirtualServer) -> Iterator[tuple[Key, str]]:
    for member in server.real_servers:
        if member.check is None or member.absent:
            continue
        state = situation.targets.get(member.check.identity, UNKNOWN_TARGET)
        if state.verdict is not Verdict.PASSING:
            key = Key("real_server_failed", str(RealServerName(server.name, member.name)))
            if key in situation.known or (state.verdict is Verdict.FAILING and not state.unseen):
                yield key, _reason(state)


def _reason(state: TargetState) -> str:
    return state.result.summary if state.result is not None else "its check fails"
