"""What performs each type of probe: the table, and the way to run one."""

from __future__ import annotations

from checks import http, tcp
from checks.attempt import Prober, Progress, attempt
from checks.definition import CheckDefinition
from checks.options import HttpProbe, HttpsProbe, Probe, TcpProbe, TlsProbe
from checks.result import Result

PROBERS: dict[type[Probe], Prober] = {
    TcpProbe: tcp.probe,
    TlsProbe: tcp.probe,
    HttpProbe: http.probe,
    HttpsProbe: http.probe,
}


async def run(definition: CheckDefinition, progress: Progress | None = None) -> Result:
    """Probe a check's target once. Never raises for what the target does."""
    return await attempt(definition, PROBERS[type(definition.probe)], progress or Progress())
