"""One probe of a small server on loopback."""

import asyncio
from contextlib import closing

from checks.definition.check import CheckDefinition, Route, Timing
from checks.definition.options import Probe
from checks.definition.result import Reason, Result
from checks.io.engine import Engine
from checks.io.operations import Converse
from checks.probes.registry import find_conversation, run

ANY_ROUTE = Route()

SHORT = 0.3
"""Seconds for a probe that is to meet its deadline."""

LONG = 5.0
"""Seconds for one that is to end before, on a machine however busy."""


def time_for(reason: Reason) -> float:
    """How long a probe that is to end for this reason has."""
    return SHORT if reason is Reason.TIMEOUT else LONG


async def ask(
    port: int,
    options: Probe,
    address: str = "127.0.0.1",
    route: Route = ANY_ROUTE,
    *,
    timeout: float = LONG,  # noqa: ASYNC109 - it is the probe's own
) -> Result:
    """Probe once, as the checker would: by the engine, or else in a task."""
    definition = CheckDefinition(
        identity="t",
        address=address,
        port=port,
        probe=options,
        timing=Timing(timeout=timeout),
        route=route,
    )
    converse = find_conversation(type(options))
    return await (run(definition) if converse is None else by_engine(definition, converse))


async def ask_in_task(port: int, options: Probe) -> Result:
    """Probe once, as a check of several does, and ``hadirector probe``."""
    return await run(CheckDefinition(identity="t", address="127.0.0.1", port=port, probe=options))


async def by_engine(definition: CheckDefinition, converse: Converse) -> Result:
    """Have an engine probe once."""
    ended: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    with closing(Engine(lambda _, result: ended.set_result(result))) as engine:
        engine.start(definition, converse)
        engine.flush()
        return await ended
