"""One probe of a small server on loopback, limited to 0.3 s."""

from checks.definition import CheckDefinition, Route, Timing
from checks.options import Probe
from checks.probers import run
from checks.result import Result

ANY_ROUTE = Route()


async def ask(
    port: int, options: Probe, address: str = "127.0.0.1", route: Route = ANY_ROUTE
) -> Result:
    """Probe once, as the checker would."""
    timing = Timing(timeout=0.3)
    return await run(
        CheckDefinition(
            identity="t", address=address, port=port, probe=options, timing=timing, route=route
        )
    )
