"""Gathers the facts: the one place where the doctor looks at the host and asks around."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace
from pyroute2 import IPRoute, NetlinkError

from hadirector.dataplane.dataplane import DataplaneError
from hadirector.doctor import echo
from hadirector.doctor.diagnosis.facts import (
    CONNTRACK_COUNT,
    CONNTRACK_MAX,
    Facts,
    Subject,
    virtual_addresses,
)
from hadirector.doctor.diagnosis.virtual import (
    by_its_own_address,
    hindrance,
    is_asked,
    knocked_from,
    looked_at_by_hindrance,
)
from hadirector.doctor.diagnosis.way_back import echoes
from hadirector.doctor.host import Host
from hadirector.doctor.probing import ask, ask_through_ipvs
from hadirector.host import preflight
from hadirector.host.sysctl import files, reverse_path, rules
from hadirector.host.sysctl.reconciler import interfaces_towards_servers
from hadirector.model.configuration import Configuration

SUBJECTS_MAX = 1000
"""Asking for a route takes the kernel and us half a millisecond, and a probe its timeout."""


async def examine(
    configuration: Configuration, subjects: Sequence[Subject], clients: tuple[str, ...]
) -> Facts:
    """Look and ask; the host is as before at the end. Raises OSError where it may not even look."""
    looked_at = subjects[:SUBJECTS_MAX]
    facts = await asyncio.to_thread(_look, looked_at, clients)  # pyroute2 has its own loop
    interfaces = await interfaces_towards_servers(configuration, files.read_routes())
    wanted = rules.wanted_sysctls(configuration, interfaces)
    facts = replace(
        facts,
        interfaces=interfaces,
        sysctls=files.read(
            [
                *(each.name for each in wanted),
                *reverse_path.filters(configuration, wanted),
                *looked_at_by_hindrance(facts.mtus),
                *(CONNTRACK_COUNT, CONNTRACK_MAX),
            ]
        ),
        refusals=tuple(await preflight.faults(configuration)),
        left_out=len(subjects) - len(looked_at),
    )
    facts = await _listen(configuration, looked_at, facts)
    return await _ask(configuration, looked_at, facts)


def _look(subjects: Sequence[Subject], clients: tuple[str, ...]) -> Facts:
    virtual = (each for subject in subjects for each in virtual_addresses(subject.server))
    wanted = dict.fromkeys([*(each.address for each in subjects), *virtual, *clients])
    try:
        with IPRoute() as netlink:
            host = Host(netlink)
            return Facts(
                ways=host.ways(wanted), addresses=host.addresses(), mtus=host.mtus, clients=clients
            )
    except NetlinkError as error:
        raise OSError(error.code, str(error)) from error


async def _listen(configuration: Configuration, subjects: Sequence[Subject], facts: Facts) -> Facts:
    asked = echoes(configuration, facts, subjects)[: echo.ECHOES_MAX]
    try:
        heard = await echo.listen_for(asked)
    except PermissionError:
        return facts  # the preflight has said what is missing
    return replace(facts, asked=frozenset(asked), heard=heard)


async def _ask(configuration: Configuration, subjects: Sequence[Subject], facts: Facts) -> Facts:
    checks = {
        each.name: by_its_own_address(each.real_server.check)
        for each in subjects
        if each.real_server.check is not None
    }
    answers = await ask(checks)
    facts = replace(facts, answers=answers)
    if configuration.dataplane != "ipvs" or facts.refusals:
        return facts
    wanted = [each for each in subjects if is_asked(each, facts)]
    hindered = {each.name: why for each in wanted if (why := hindrance(each, facts)) is not None}
    sources = {
        each.name: source
        for each in wanted
        if each.name in hindered and (source := knocked_from(each, facts)) is not None
    }
    unasked = {name: why for name, why in hindered.items() if name not in sources}
    asked = {each.name for each in wanted} - unasked.keys()
    try:
        virtual_answers = await ask_through_ipvs(configuration, asked, sources) if asked else {}
    except DataplaneError as error:
        return replace(facts, unasked=unasked | dict.fromkeys(asked, str(error)))
    return replace(facts, unasked=unasked, virtual_answers=virtual_answers)
