"""A director takes its pools from real servers of etcd, DNS and HTTP, and from stubs of others."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from hadirector.sources.etcd_client import EtcdClient
from hadirector.sources.status import SourceStatus
from tests.lab.discovery_servers import NameServer, running_name_server, running_nginx
from tests.lab.etcd_server import EtcdServer
from tests.lab.loopback import RunningDirector
from tests.lab.registry_stub import Registry, running_registry
from tests.waiting import eventually

NAMES = ("file", "etcd", "held", "kubernetes", "consul", "dns", "nginx")
CONFIGURATION = """\
director: {{name: lb1, dataplane: userspace, runtime_directory: {directory}/run,
  state_directory: {directory}/state}}
api: {{unix: {directory}/run/api.sock}}
sources:
  - {{name: file, type: file, path: {directory}/members.json}}
  - {{name: etcd, type: etcd, url: "{etcd}", prefix: /pools/web/}}
  - {{name: held, type: http, url: "{registry}/document", wait: 30s, poll: 1s}}
  - {{name: kubernetes, type: kubernetes, url: "{registry}", namespace: web, service: web,
     port_name: http}}
  - {{name: consul, type: consul, url: "{registry}", service: web}}
  - {{name: dns, type: dns, domain: _http._tcp.lab.example, records: srv, family: ipv4,
     nameserver: "127.0.0.1:{dns}"}}
  - {{name: nginx, type: http, url: "{nginx}/members.json", poll: 1s}}
virtual_servers:
{pools}
"""
POOL = """\
  - {{name: {name}, address: "127.0.41.100:{port}", scheduler: rr, forwarding: nat, check: none,
     real_servers: [{{from: {name}}}], admission: {{pace: 100%}}}}
"""


class Servers(NamedTuple):
    """The servers of all sources."""

    directory: Path
    etcd: EtcdServer
    registry: Registry
    dns: NameServer
    nginx: str


class Pools(RunningDirector):
    """A director with one pool for each source."""

    def members(self, name: str) -> list[str]:
        [server] = [each for each in self.status().virtual_servers if each.name == name]
        return [each.address for each in server.real_servers if each.actual_weight]

    def source(self, name: str) -> SourceStatus:
        return next(each for each in self.status().sources if each.name == name)

    def seconds_until(self, name: str, change: Callable[[], object], *expected: str) -> float:
        """Return the time from a change to the weights in the table."""
        began = time.monotonic()
        change()
        return eventually(lambda: self.members(name), 20.0, name, expected=[*expected]) - began


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    directory = tmp_path_factory.mktemp("servers")
    with (
        EtcdServer(directory) as etcd,
        running_registry() as registry,
        running_name_server(directory / "named") as dns,
        running_nginx(directory / "nginx") as nginx,
    ):
        yield Servers(directory, etcd, registry, dns, nginx)


@pytest.fixture(scope="module")
def director(servers: Servers) -> Iterator[Pools]:
    directory = servers.directory / "lb1"
    text = CONFIGURATION.format(
        directory=directory,
        etcd=servers.etcd.url,
        registry=servers.registry.url,
        dns=servers.dns.port,
        nginx=servers.nginx,
        pools="".join(POOL.format(name=name, port=8000 + n) for n, name in enumerate(NAMES)),
    )
    for change in CHANGES.values():
        change(servers, 1, 2)
    running = Pools(directory, text)
    write_file(servers, 1, 2)
    eventually(running.answers, 20.0, "the director")
    yield running
    running.end()


def document(*members: int) -> bytes:
    return json.dumps(
        {"members": [{"address": f"127.0.41.{number}", "port": 8080} for number in members]}
    ).encode()


def replace_file(path: Path, *members: int) -> None:
    unfinished = path.with_suffix(".new")
    unfinished.write_bytes(document(*members))
    unfinished.rename(path)


def write_file(servers: Servers, *members: int) -> None:
    directory = servers.directory / "lb1"
    if directory.exists():
        replace_file(directory / "members.json", *members)


def write_keys(servers: Servers, *members: int) -> None:
    async def write() -> None:
        client = EtcdClient([servers.etcd.url])
        found = await client.range("/pools/web/", prefix=True)
        wanted = {
            f"/pools/web/{number}": json.dumps(
                {"address": f"127.0.41.{number}", "port": 8080}
            ).encode()
            for number in members
        }
        known = {each.key.decode() for each in found.values}
        for key in wanted.keys() - known:
            await client.write(key, wanted[key])
        for key in known - wanted.keys():
            await client.delete(key)

    asyncio.run(write())


def set_registry(servers: Servers, *members: int) -> None:
    servers.registry.set(**{f"a{number}": "in" for number in members})


def write_records(servers: Servers, *members: int) -> None:
    servers.dns.update("delete _http._tcp.lab.example SRV")
    servers.dns.update(
        *(f"delete web{number}.lab.example A" for number in members),
        *(f"add web{number}.lab.example 1 A 127.0.41.{number}" for number in members),
        *(
            f"add _http._tcp.lab.example 1 SRV 10 5 8080 web{number}.lab.example."
            for number in members
        ),
    )


def write_page(servers: Servers, *members: int) -> None:
    replace_file(servers.directory / "nginx" / "members.json", *members)


CHANGES: dict[str, Callable[..., None]] = {
    "file": write_file,
    "etcd": write_keys,
    "held": set_registry,
    "kubernetes": set_registry,
    "consul": set_registry,
    "dns": write_records,
    "nginx": write_page,
}
BARS = {
    "file": 0.1,
    "etcd": 0.3,
    "held": 0.3,
    "kubernetes": 0.3,
    "consul": 1.3,  # at most one request in a second
    "dns": 2.0,  # the TTL and 1 s
    "nginx": 1.5,  # poll, and a half second
}
ATTEMPTS = 6
ONE, TWO, THREE = (f"127.0.41.{number}:8080" for number in (1, 2, 3))


@pytest.mark.parametrize("name", NAMES)
def test_a_change_reaches_the_table(director: Pools, servers: Servers, name: str) -> None:
    """The best of some changes counts, because the other tests use the processor too."""
    change = CHANGES[name]
    eventually(lambda: director.members(name), 20.0, name, expected=[ONE, TWO])
    measured = []
    for _ in range(ATTEMPTS):
        added = director.seconds_until(name, lambda: change(servers, 1, 2, 3), ONE, TWO, THREE)
        time.sleep(1.1)  # a server that holds requests is not asked at once again
        removed = director.seconds_until(name, lambda: change(servers, 1, 2), ONE, TWO)
        measured += [added, removed]
        if min(measured) <= BARS[name]:
            break
    print(name, *(f"{seconds:.3f} s" for seconds in measured))
    assert min(measured) <= BARS[name]


def test_sources_that_are_down_change_nothing_over_a_restart(
    director: Pools, servers: Servers
) -> None:
    servers.etcd.signal(signal.SIGSTOP)
    try:
        (servers.directory / "nginx" / "members.json").write_bytes(b'{"members": [')
        eventually(lambda: director.source("nginx").failure, 20.0, "the failure")
        director.kill_itself()
        director.start_again()
        eventually(director.answers, 20.0, "the director")
        eventually(lambda: director.source("etcd").failure, 20.0, "the failure of etcd")
        found = director.source("etcd")
        assert found.failure == "no answer within 3 s"
        assert found.location == f"{servers.etcd.url} /pools/web/"
        assert found.failing_for is not None
        assert {name: director.members(name) for name in NAMES} == {
            name: [ONE, TWO] for name in NAMES
        }
    finally:
        servers.etcd.signal(signal.SIGCONT)
    write_keys(servers, 1, 2, 3)
    eventually(lambda: director.members("etcd"), 30.0, "etcd", expected=[ONE, TWO, THREE])
    assert director.source("etcd").failure == ""
