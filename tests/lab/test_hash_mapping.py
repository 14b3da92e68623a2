"""Two directors with the same configuration send each client to the same real server.

The tests send datagrams from many ports and read from the kernel which destination each one got.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from pyroute2 import netns

from hadirector.dataplane.dataplane import read_table
from hadirector.dataplane.ipvs.dataplane import IpvsDataplane
from hadirector.dataplane.reconcile import diff
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    SchedulerFlag,
    Service,
    ServiceEntry,
    ServiceKey,
    Table,
)

pytestmark = [pytest.mark.ipvs, pytest.mark.timeout(180)]

VIRTUAL_ADDRESS = "192.0.2.1"
MH = ServiceKey(Protocol.UDP, VIRTUAL_ADDRESS, 53)
SH = ServiceKey(Protocol.UDP, VIRTUAL_ADDRESS, 54)
SERVERS = [f"198.51.100.{number}" for number in range(1, 21)]
FAILING, MISSED = SERVERS[2], SERVERS[6]
CLIENT_PORTS = range(20000, 20300)

Owners = Mapping[tuple[int, int], str]
"""The real server by the port of the client and of the service."""


def command(*arguments: str, text: str = "") -> None:
    """Run a command in this namespace."""
    subprocess.run(arguments, input=text, text=True, check=True)


@contextlib.asynccontextmanager
async def director(number: int) -> AsyncIterator[IpvsDataplane]:
    """Enter a new namespace, in which packets to the real servers are dropped."""
    name = f"hash-{os.getpid()}-{number}"
    netns.create(name)
    netns.pushns(name)
    dataplane = IpvsDataplane()
    try:
        lines = (
            f"link set lo up\naddress add {VIRTUAL_ADDRESS}/32 dev lo\n"
            "link add d0 type dummy\naddress add 198.51.100.254/24 dev d0\nlink set d0 up\n"
        )
        command("ip", "-batch", "-", text=lines)
        await dataplane.start()
        yield dataplane
    finally:
        await dataplane.close()
        netns.popns()
        netns.remove(name)


def table(servers: list[str], failing: tuple[str, ...] = ()) -> Table:
    """Return the wanted table: both schedulers with the same pool, in canonical order."""
    made = {}
    for key, scheduler in ((MH, "mh"), (SH, "sh")):
        keys = [DestinationKey(each, key.port) for each in sorted(servers)]
        made[key] = ServiceEntry(
            Service(scheduler, frozenset(SchedulerFlag)),
            {
                each: Destination(int(each.address not in failing), ForwardingMethod.DR)
                for each in keys
            },
            dict.fromkeys(keys, 1),
        )
    return made


async def reconcile(dataplane: IpvsDataplane, wanted: Table) -> None:
    """Run one pass of the reconciler; a second pass finds nothing to do."""
    assert await dataplane.apply(diff(await read_table(dataplane), wanted, wanted.keys())) == []
    assert diff(await read_table(dataplane), wanted, wanted.keys()) == []


def mapping() -> Owners:
    """Send a datagram from every client to every service; return where the kernel sent each."""
    for port in CLIENT_PORTS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind((VIRTUAL_ADDRESS, port))
            for key in (MH, SH):
                client.sendto(b"?", (VIRTUAL_ADDRESS, key.port))
    lines = Path("/proc/net/ip_vs_conn").read_text().splitlines()[1:]
    found = {
        (int(columns[2], 16), int(columns[4], 16)): str(ipaddress.ip_address(int(columns[5], 16)))
        for columns in map(str.split, lines)
    }
    assert len(found) == len(CLIENT_PORTS) * 2
    return found


def differing(one: Owners, other: Owners, service: ServiceKey) -> int:
    """Return the number of clients of a service that another director sends elsewhere."""
    return sum(one[each] != other[each] for each in one if each[1] == service.port)


async def test_the_mapping_does_not_depend_on_earlier_changes() -> None:
    """One director starts while a server fails, the other one has run for a while.

    Without canonical order their mappings differ.
    """
    async with director(1) as fresh:
        await reconcile(fresh, table(SERVERS, (FAILING,)))
        expected = mapping()
    assert FAILING not in expected.values()

    async with director(2) as experienced:
        # An operator filled the table in another order, before the first server was configured.
        backwards = [
            f"-A -u {VIRTUAL_ADDRESS}:{key.port} -s {name} -b {name}-fallback,{name}-port\n"
            + "".join(
                f"-a -u {VIRTUAL_ADDRESS}:{key.port} -r {server}:{key.port} -g -w 1\n"
                for server in reversed(SERVERS[1:])
            )
            for key, name in ((MH, "mh"), (SH, "sh"))
        ]
        command("ipvsadm", "-R", text="".join(backwards))
        await reconcile(experienced, table(SERVERS[1:]))
        await reconcile(experienced, table(SERVERS[1:], (MISSED,)))
        await reconcile(experienced, table(SERVERS))
        for key in (MH, SH):
            taken = ("-r", f"{MISSED}:{key.port}")
            command("ipvsadm", "-d", "-u", f"{VIRTUAL_ADDRESS}:{key.port}", *taken)
        await reconcile(experienced, table(SERVERS))
        await reconcile(experienced, table(SERVERS, (FAILING,)))
        assert mapping() == expected

    async with director(3) as naive:
        operations = diff({}, table(SERVERS, (FAILING,)), ())
        services, destinations = operations[::21], [*operations[1:21], *operations[22:]]
        assert await naive.apply([*services, *reversed(destinations)]) == []
        others = mapping()
    assert differing(others, expected, MH) > 0
    assert differing(others, expected, SH) > len(CLIENT_PORTS) / 2


async def test_a_failing_server_moves_its_own_clients_only() -> None:
    """Weight 0 and the fallback flag move them; later the server gets the same clients again."""
    async with director(4) as dataplane:
        await reconcile(dataplane, table(SERVERS))
        before = mapping()
    async with director(5) as dataplane:
        await reconcile(dataplane, table(SERVERS))
        await reconcile(dataplane, table(SERVERS, (FAILING,)))
        meanwhile = mapping()
    moved = {each for each in before if before[each] != meanwhile[each]}
    assert moved == {each for each in before if before[each] == FAILING}
    async with director(6) as dataplane:
        for failing in ((), (FAILING,), ()):
            await reconcile(dataplane, table(SERVERS, failing))
        assert mapping() == before
