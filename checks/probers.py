"""What performs each type of probe: the table, and the way to run one."""

from __future__ import annotations

from checks import dns, http, ping, smtp, tcp, udp
from checks.attempt import Prober, Progress, attempt
from checks.definition import CheckDefinition
from checks.options import (
    DnsProbe,
    HttpProbe,
    HttpsProbe,
    PingProbe,
    Probe,
    SmtpProbe,
    TcpProbe,
    TlsProbe,
    UdpProbe,
)
from checks.result import Result

PROBERS: dict[type[Probe], Prober] = {
    TcpProbe: tcp.probe,
    TlsProbe: tcp.probe,
    HttpProbe: http.probe,
    HttpsProbe: http.probe,
    UdpProbe: udp.probe,
    DnsProbe: dns.probe,
    SmtpProbe: smtp.probe,
    PingProbe: ping.probe,
}


async def run(definition: CheckDefinition, progress: Progress | None = None) -> Result:
    """Probe a check's target once. Never raises for what the target does."""
    return await attempt(definition, PROBERS[type(definition.probe)], progress or Progress())
