"""One probe of each type that asks over a connection: python -m ... ADDRESS PORT runs them all."""

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
    timeout: float,  # noqa: ASYNC109 - it is the probes' own
    address: str = "127.0.0.1",
) -> dict[str, Result]:
    """Probe in these ways at the same time."""
    ways = {name: ask(port, EVERY_PROBE[name], address, timeout=timeout) for name in names}
    return dict(zip(ways, await asyncio.gather(*ways.values()), strict=True))


def main(address: str, port: str) -> None:
    """Print what each said, as JSON."""
    results = asyncio.run(ask_each(int(port), EVERY_PROBE, LONG, address))
    said = {name: [each.reason, each.detail] for name, each in results.items()}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
