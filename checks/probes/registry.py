"""The function that performs each type of probe, and the function that runs any probe."""

from __future__ import annotations

from checks.definition.check import CheckDefinition
from checks.definition.options import (
    AgentProbe,
    AllProbe,
    AnyProbe,
    DnsProbe,
    FileProbe,
    GrpcProbe,
    HttpProbe,
    HttpsProbe,
    MysqlProbe,
    PingProbe,
    PostgresProbe,
    Probe,
    RedisProbe,
    ScriptProbe,
    SmtpProbe,
    TcpProbe,
    TlsProbe,
    UdpProbe,
)
from checks.definition.result import Result
from checks.io.attempt import Prober, Progress, run_prober
from checks.io.operations import Converse
from checks.io.task_runner import run_in_task
from checks.probes import (
    agent,
    composite,
    dns,
    file,
    grpc,
    http,
    mysql,
    ping,
    postgres,
    redis,
    script,
    smtp,
    tcp,
    udp,
)

CONVERSATIONS: dict[type[Probe], Converse] = {
    TcpProbe: tcp.converse,
    HttpProbe: http.converse,
}
"""The types that `checks.io.engine` can perform, thousands of times per second."""

PROBERS: dict[type[Probe], Prober] = {
    **{options: run_in_task(converse) for options, converse in CONVERSATIONS.items()},
    TlsProbe: tcp.probe_tls,
    HttpsProbe: http.probe_https,
    GrpcProbe: grpc.probe,
    UdpProbe: udp.probe,
    DnsProbe: dns.probe,
    SmtpProbe: smtp.probe,
    PingProbe: ping.probe,
    ScriptProbe: script.probe,
    FileProbe: file.probe,
    AgentProbe: agent.probe,
    RedisProbe: redis.probe,
    PostgresProbe: postgres.probe,
    MysqlProbe: mysql.probe,
}


async def run(definition: CheckDefinition, progress: Progress | None = None) -> Result:
    """Probe the target of a check once. A target cannot cause an exception."""
    probe = definition.probe
    match probe:
        case AllProbe():
            return await composite.run_all(definition, probe.checks, run)
        case AnyProbe():
            return await composite.run_any(definition, probe.checks, run)
        case _:
            return await run_prober(definition, PROBERS[type(probe)], progress or Progress())
