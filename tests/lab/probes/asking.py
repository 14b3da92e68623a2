"""One probe of a small server on loopback."""

from checks.definition import CheckDefinition, Route, Timing
from checks.options import Probe
from checks.probers import run
from checks.result import Reason, Result

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
    """Probe once, as the checker would."""
    timing = Timing(timeout=timeout)
    return await run(
        CheckDefinition(
            identity="t", address=address, port=port, probe=options, timing=timing, route=route
        )
    )
