"""Finds web servers that accept TCP connections but answer HTTP requests with an error.

A plain TCP check passes while a web server answers 503. A director that observes another program
therefore sends an HTTP request to the usual ports of web servers, and warns if the answer is an
error of the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from checks.definition.check import CheckDefinition
from checks.definition.options import HttpProbe, HttpsProbe, TcpProbe
from checks.definition.result import Reason, Result
from hadirector.model.configuration import Configuration

LOOK_SECONDS: Final = 10.0
TARGETS_MAX: Final = 256
"""Real servers that are looked at. The status of further real servers has no warning."""
CONCURRENT_MAX: Final = 16

_HTTP_PORTS: Final = frozenset({80, 3000, 5000, 8000, 8008, 8080, 8081, 8888})
_HTTPS_PORTS: Final = frozenset({443, 8443})
# A request for "/" without a host name proves little, so only errors of the server count.
_NO_SERVER_ERROR: Final = ((100, 499),)


class CloserLook:
    """Sends HTTP probes every 10 s. ``warnings`` name the real servers that answer an error."""

    def __init__(self, configuration: Configuration) -> None:
        self.warnings: tuple[str, ...] = ()
        self._checks = closer_checks(configuration)

    def configure(self, configuration: Configuration) -> None:
        """Replace the configuration, whose real servers are probed."""
        self._checks = closer_checks(configuration)

    async def run(self) -> None:
        """Probe until cancelled."""
        # Only a director that observes probes in its own process.
        from checks.probes.registry import run

        while True:
            checks = self._checks
            slots = asyncio.Semaphore(CONCURRENT_MAX)

            async def probe(check: CheckDefinition, slots: asyncio.Semaphore = slots) -> Result:
                async with slots:
                    return await run(check)

            results = await asyncio.gather(*map(probe, checks.values()))
            self.warnings = describe(dict(zip(checks, results, strict=True)))
            await asyncio.sleep(LOOK_SECONDS)


def closer_checks(configuration: Configuration) -> dict[str, CheckDefinition]:
    """Return an HTTP check for each real server with a plain TCP check on a usual HTTP port."""
    found: dict[str, CheckDefinition] = {}
    for server in configuration.virtual_servers:
        for real_server in server.real_servers:
            check = real_server.check
            probe = None if check is None else _closer_probe(check)
            if check is not None and probe is not None and len(found) < TARGETS_MAX:
                name = f"{server.name}/{real_server.name}"
                found[name] = replace(check, probe=probe, idle_connection=False)
    return found


def describe(results: Mapping[str, Result]) -> tuple[str, ...]:
    """Return a warning for each real server that accepts connections and answers an error."""
    return tuple(
        f"{name} accepts connections, but a request for / fails: {result.summary};"
        " its check only connects"
        for name, result in results.items()
        if result.reason is Reason.STATUS
    )


def _closer_probe(check: CheckDefinition) -> HttpProbe | None:
    if type(check.probe) is not TcpProbe or check.probe.send or check.probe.expect:
        return None
    if check.port in _HTTP_PORTS:
        return HttpProbe(expect_status=_NO_SERVER_ERROR)
    if check.port in _HTTPS_PORTS:
        return HttpsProbe(expect_status=_NO_SERVER_ERROR, tls_verify=False)
    return None
