"""A probe of each type that uses a connection: python -m ... ADDRESS PORT runs all of them."""

import asyncio
import json
import sys
from collections.abc import Iterable

from checks.definition.options import (
    AgentProbe,
    DnsProbe,
    GrpcProbe,
    HttpProbe,
    HttpsProbe,
    MysqlProbe,
    PostgresProbe,
    Probe,
    RedisProbe,
    SmtpProbe,
    TcpProbe,
    TlsProbe,
)
from checks.definition.result import Result
from tests.lab.probes.asking import LONG, ask

EVERY_PROBE: dict[str, Probe] = {
    "tcp": TcpProbe(expect="^ready"),
    "tls": TlsProbe(tls_verify=False),
    "http": HttpProbe(),
    "https": HttpsProbe(tls_verify=False),
    "http/2": HttpProbe(http_version=2),
    "https by http/2": HttpsProbe(tls_verify=False, http_version=2),
    "grpc": GrpcProbe(),
    "grpc over tls": GrpcProbe(tls=True, tls_verify=False),
    "dns": DnsProbe(name="web.example", protocol="tcp"),
    "smtp": SmtpProbe(),
    "agent": AgentProbe(),
    "redis": RedisProbe(),
    "postgres": PostgresProbe(),
    "mysql": MysqlProbe(),
}
OVER_TLS = ("tls", "https", "https by http/2", "grpc over tls")


async def ask_each(
    port: int,
    names: Iterable[str],
    timeout: float,  # noqa: ASYNC109 - the timeout of the probes
    address: str = "127.0.0.1",
) -> dict[str, Result]:
    """Run these probes at the same time."""
    probes = {name: ask(port, EVERY_PROBE[name], address, timeout=timeout) for name in names}
    return dict(zip(probes, await asyncio.gather(*probes.values()), strict=True))


def main(address: str, port: str) -> None:
    """Print the reason and detail of each result as JSON."""
    results = asyncio.run(ask_each(int(port), EVERY_PROBE, LONG, address))
    outcomes = {name: [result.reason, result.detail] for name, result in results.items()}
    sys.stdout.write(json.dumps(outcomes))


if __name__ == "__main__":
    main(*sys.argv[1:])
