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
"""The timeout of a probe that should time out, in seconds."""

LONG = 5.0
"""The timeout of a probe that should not time out, even on a busy machine, in seconds."""


def time_for(reason: Reason) -> float:
    """Return the timeout of a probe with this expected reason."""
    return SHORT if reason is Reason.TIMEOUT else LONG


async def ask(
    port: int,
    options: Probe,
    address: str = "127.0.0.1",
    route: Route = ANY_ROUTE,
    *,
    timeout: float = LONG,  # noqa: ASYNC109 - the timeout of the probe
) -> Result:
    """Probe once, as the checker does: by the engine if possible, or else in a task."""
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
    """Probe once in a task, as composite probes and ``hadirector probe`` do."""
    return await run(CheckDefinition(identity="t", address="127.0.0.1", port=port, probe=options))


async def by_engine(definition: CheckDefinition, converse: Converse) -> Result:
    """Probe once by the engine."""
    ended: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    with closing(Engine(lambda _, result: ended.set_result(result))) as engine:
        engine.start(definition, converse)
        engine.flush()
        return await ended
