"""The kernel's own IPVS table, as ipvsadm shows it independently."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import AsyncIterator

import pytest

from hadirector.dataplane.dataplane import DataplaneError, read_table
from hadirector.dataplane.ipvs import netlink
from hadirector.dataplane.ipvs.dataplane import IpvsDataplane
from hadirector.dataplane.reconcile import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Operation,
    diff,
)
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
    Tunnel,
    TunnelChecksum,
    TunnelType,
)

pytestmark = [pytest.mark.ipvs, pytest.mark.usefixtures("own_namespace")]

NAT, DR, TUN = ForwardingMethod.NAT, ForwardingMethod.DR, ForwardingMethod.TUN
FALLBACK, PORT = SchedulerFlag.FALLBACK, SchedulerFlag.PORT
WEB = ServiceKey(Protocol.TCP, "192.0.2.1", 80)
DNS = ServiceKey(Protocol.UDP, "2001:db8::53", 53)
A = DestinationKey("198.51.100.1", 80)
B = DestinationKey("198.51.100.2", 80)
C = DestinationKey("198.51.100.3", 80)


@pytest.fixture
async def dataplane() -> AsyncIterator[IpvsDataplane]:
    made = IpvsDataplane()
    await made.start()
    yield made
    await made.close()


def command(*arguments: str) -> list[str]:
    """Run a command; return the lines that it prints, in single spaces."""
    ended = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, text=True)
    return [" ".join(line.split()) for line in ended.stdout.splitlines()]


def ipvsadm(*arguments: str) -> None:
    """Change the table as an operator does."""
    command("ipvsadm", *arguments)


def witnessed() -> list[str]:
    """Return the table as ipvsadm saves it."""
    return command("ipvsadm", "-Sn")


def thresholds() -> list[str]:
    """Return address, both thresholds, active and inactive connections of destinations."""
    lines = command("ipvsadm", "-Ln", "--thresholds")
    return [line.removeprefix("-> ") for line in lines if line.startswith("-> 1")]


async def reconcile(dataplane: IpvsDataplane, wanted: Table) -> None:
    """Run one pass of the reconciler; ``wanted`` has all services that are ours."""
    operations = diff(await read_table(dataplane), wanted, wanted.keys())
    assert await dataplane.apply(operations) == []
    assert diff(await read_table(dataplane), wanted, wanted.keys()) == []


def web(scheduler: str, **destinations: int) -> Table:
    """Return the service WEB with NAT destinations by weight: ``web("wrr", a=1)``."""
    names = {"a": A, "b": B, "c": C}
    pool = {names[name]: Destination(weight, NAT) for name, weight in destinations.items()}
    return {WEB: ServiceEntry(Service(scheduler), pool)}


async def test_every_protocol_family_and_forwarding_method_is_added(
    dataplane: IpvsDataplane,
) -> None:
    pool_4 = {A: Destination(2, NAT), B: Destination(0, DR)}
    pool_6 = {
        DestinationKey("2001:db8::1", 53): Destination(1, DR),
        DestinationKey("2001:db8::2", 5353): Destination(65535, NAT),
    }
    keys_4 = [ServiceKey(protocol, "192.0.2.1", 80) for protocol in Protocol]
    keys_6 = [ServiceKey(protocol, "2001:db8::53", 53) for protocol in Protocol]
    wanted = {key: ServiceEntry(Service("wrr"), pool_4) for key in keys_4}
    wanted |= {key: ServiceEntry(Service("wlc"), pool_6) for key in keys_6}
    await reconcile(dataplane, wanted)
    assert sorted(witnessed()) == [
        "-A --sctp-service 192.0.2.1:80 -s wrr",
        "-A --sctp-service [2001:db8::53]:53 -s wlc",
        "-A -t 192.0.2.1:80 -s wrr",
        "-A -t [2001:db8::53]:53 -s wlc",
        "-A -u 192.0.2.1:80 -s wrr",
        "-A -u [2001:db8::53]:53 -s wlc",
        "-a --sctp-service 192.0.2.1:80 -r 198.51.100.1:80 -m -w 2",
        "-a --sctp-service 192.0.2.1:80 -r 198.51.100.2:80 -g -w 0",
        "-a --sctp-service [2001:db8::53]:53 -r [2001:db8::1]:53 -g -w 1",
        "-a --sctp-service [2001:db8::53]:53 -r [2001:db8::2]:5353 -m -w 65535",
        "-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 2",
        "-a -t 192.0.2.1:80 -r 198.51.100.2:80 -g -w 0",
        "-a -t [2001:db8::53]:53 -r [2001:db8::1]:53 -g -w 1",
        "-a -t [2001:db8::53]:53 -r [2001:db8::2]:5353 -m -w 65535",
        "-a -u 192.0.2.1:80 -r 198.51.100.1:80 -m -w 2",
        "-a -u 192.0.2.1:80 -r 198.51.100.2:80 -g -w 0",
        "-a -u [2001:db8::53]:53 -r [2001:db8::1]:53 -g -w 1",
        "-a -u [2001:db8::53]:53 -r [2001:db8::2]:5353 -m -w 65535",
    ]
    assert await read_table(dataplane) == wanted


async def test_every_scheduler_is_known_by_its_name(dataplane: IpvsDataplane) -> None:
    names = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh"]
    wanted = {
        ServiceKey(Protocol.TCP, "192.0.2.1", port): ServiceEntry(
            Service(name), {A: Destination(1, NAT)}
        )
        for port, name in enumerate(names, start=1)
    }
    await reconcile(dataplane, wanted)
    services = [line for line in witnessed() if line.startswith("-A")]
    assert sorted(services) == sorted(
        f"-A -t 192.0.2.1:{port} -s {name}" for port, name in enumerate(names, start=1)
    )


async def test_a_missing_scheduler_is_named_and_stops_no_other_operation(
    dataplane: IpvsDataplane,
) -> None:
    failures = await dataplane.apply(
        [
            AddService(DNS, Service("twos")),
            AddService(WEB, Service("rr")),
            AddDestination(WEB, A, Destination(1, NAT)),
            EditService(WEB, Service("twos")),
        ]
    )
    assert [each.error for each in failures] == [
        "cannot add service udp [2001:db8::53]:53 (twos): "
        "the kernel has no scheduler twos: its module ip_vs_twos is missing (ENOENT)",
        "cannot edit service tcp 192.0.2.1:80 (twos): "
        "the kernel has no scheduler twos: its module ip_vs_twos is missing (ENOENT)",
    ]
    assert witnessed() == [
        "-A -t 192.0.2.1:80 -s rr",
        "-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 1",
    ]


async def test_an_operation_that_the_kernel_refuses_is_explained(dataplane: IpvsDataplane) -> None:
    group = DestinationKey("224.0.0.18", 80)
    failures = await dataplane.apply(
        [
            EditService(WEB, Service("rr")),
            AddService(WEB, Service("rr")),
            AddDestination(WEB, group, Destination(1, NAT)),
            EditDestination(WEB, A, Destination(1, NAT)),
        ]
    )
    assert [each.error for each in failures] == [
        "cannot edit service tcp 192.0.2.1:80 (rr): the service does not exist (ESRCH)",
        "cannot add destination 224.0.0.18:80 to tcp 192.0.2.1:80 (nat, weight 1): "
        "the address is not a unicast address (EINVAL)",
        "cannot edit destination 198.51.100.1:80 of tcp 192.0.2.1:80 (nat, weight 1): "
        "the destination does not exist (ENOENT)",
    ]


@pytest.mark.parametrize(
    ("key", "service", "line"),
    [
        (WEB, Service("wrr", persistence=300), "-A -t 192.0.2.1:80 -s wrr -p 300"),
        (DNS, Service("wrr", persistence=60), "-A -u [2001:db8::53]:53 -s wrr -p 60"),
        (WEB, Service("sh", frozenset({FALLBACK})), "-A -t 192.0.2.1:80 -s sh -b sh-fallback"),
        (WEB, Service("sh", frozenset({PORT})), "-A -t 192.0.2.1:80 -s sh -b sh-port"),
        (
            DNS,
            Service("rr", frozenset(), 60, 64, "sip", one_packet=True),
            "-A -u [2001:db8::53]:53 -s rr -p 60 -M 64 --pe sip -o",
        ),
        (
            ServiceKey.for_mark(7, ipv6=True),
            Service("rr", persistence=60, prefix_length=48),
            "-A -f 7 -6 -s rr -p 60 -M 48",
        ),
        (
            WEB,
            Service("mh", frozenset({FALLBACK, PORT}), 5),
            "-A -t 192.0.2.1:80 -s mh -p 5 -b mh-fallback,mh-port",
        ),
    ],
)
async def test_an_edit_sets_and_removes_flags_and_persistence(
    dataplane: IpvsDataplane, key: ServiceKey, service: Service, line: str
) -> None:
    plain = {key: ServiceEntry(Service("rr"), {})}
    flagged = {key: ServiceEntry(service, {})}
    await reconcile(dataplane, plain)
    without = witnessed()
    await reconcile(dataplane, flagged)
    assert witnessed() == [line]
    assert await read_table(dataplane) == flagged
    await reconcile(dataplane, plain)
    assert witnessed() == without


async def test_an_edit_sets_and_removes_tunnels_and_thresholds(dataplane: IpvsDataplane) -> None:
    plain = web("wrr", a=1)
    gue = Tunnel(TunnelType.GUE, 6080, TunnelChecksum.FULL)
    limited = {WEB: ServiceEntry(Service("wrr"), {A: Destination(1, TUN, 20, 10, gue)})}
    await reconcile(dataplane, plain)
    before = witnessed()
    operations = diff(plain, limited, {WEB})
    assert [type(each) for each in operations] == [EditDestination]
    await reconcile(dataplane, limited)
    assert witnessed()[1] == (
        "-a -t 192.0.2.1:80 -r 198.51.100.1:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum"
    )
    assert thresholds() == ["198.51.100.1:80 20 10 0 0"]
    await reconcile(dataplane, plain)
    assert (witnessed(), thresholds()) == (before, ["198.51.100.1:80 0 0 0 0"])


async def test_a_pool_is_changed_and_removed(dataplane: IpvsDataplane) -> None:
    await reconcile(dataplane, web("wrr", a=1, b=2))
    await reconcile(dataplane, web("wlc", b=5, c=1))
    assert sorted(witnessed()) == [
        "-A -t 192.0.2.1:80 -s wlc",
        "-a -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 5",
        "-a -t 192.0.2.1:80 -r 198.51.100.3:80 -m -w 1",
    ]
    assert await dataplane.apply(diff(await read_table(dataplane), {}, {WEB})) == []
    assert witnessed() == []


async def test_a_foreign_service_is_seen_and_not_touched(dataplane: IpvsDataplane) -> None:
    ipvsadm("-A", "-t", "192.0.2.9:22", "-s", "lc", "-p", "77")
    ipvsadm("-a", "-t", "192.0.2.9:22", "-r", "198.51.100.9", "-i", "-w", "3")
    ipvsadm("-A", "-f", "7", "-s", "rr")
    ipvsadm("-A", "--sctp-service", "192.0.2.9:36412", "-s", "rr")
    foreign = witnessed()
    assert await read_table(dataplane) == {
        ServiceKey(Protocol.TCP, "192.0.2.9", 22): ServiceEntry(
            Service("lc", persistence=77),
            {DestinationKey("198.51.100.9", 22): Destination(3, TUN, tunnel=Tunnel())},
        ),
        ServiceKey.for_mark(7): ServiceEntry(Service("rr"), {}),
        ServiceKey(Protocol.SCTP, "192.0.2.9", 36412): ServiceEntry(Service("rr"), {}),
    }
    await reconcile(dataplane, web("wrr", a=1))
    assert set(foreign) < set(witnessed())
    assert await dataplane.apply(diff(await read_table(dataplane), {}, {WEB})) == []
    assert witnessed() == foreign


@pytest.mark.parametrize(
    "drift",
    [
        "-e -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 9",
        "-e -t 192.0.2.1:80 -r 198.51.100.1:80 -g -w 1",
        "-e -t 192.0.2.1:80 -r 198.51.100.1:80 -i -w 1",
        "-d -t 192.0.2.1:80 -r 198.51.100.1:80",
        "-a -t 192.0.2.1:80 -r 198.51.100.7:80 -g -w 1",
        "-E -t 192.0.2.1:80 -s lc",
        "-E -t 192.0.2.1:80 -s wrr -p 60",
        "-E -t 192.0.2.1:80 -s wrr -p 60 -M 255.255.255.0",
        "-D -t 192.0.2.1:80",
        "-C",
    ],
)
async def test_drift_is_repaired(dataplane: IpvsDataplane, drift: str) -> None:
    wanted = web("wrr", a=1, b=2)
    await reconcile(dataplane, wanted)
    before = witnessed()
    ipvsadm(*drift.split())
    await reconcile(dataplane, wanted)
    assert sorted(witnessed()) == sorted(before)


async def test_thresholds_that_an_operator_set_are_removed(dataplane: IpvsDataplane) -> None:
    await reconcile(dataplane, web("wrr", a=1))
    ipvsadm("-e", "-t", "192.0.2.1:80", "-r", "198.51.100.1:80", "-m", "-w", "1", "-x", "9")
    assert thresholds() == ["198.51.100.1:80 9 0 0 0"]
    await reconcile(dataplane, web("wrr", a=1))
    assert thresholds() == ["198.51.100.1:80 0 0 0 0"]


async def test_one_packet_scheduling_that_an_operator_set_is_removed(
    dataplane: IpvsDataplane,
) -> None:
    wanted = {DNS: ServiceEntry(Service("wrr"), {})}
    await reconcile(dataplane, wanted)
    ipvsadm("-E", "-u", "[2001:db8::53]:53", "-s", "wrr", "-o")
    assert witnessed() == ["-A -u [2001:db8::53]:53 -s wrr -o"]
    await reconcile(dataplane, wanted)
    assert witnessed() == ["-A -u [2001:db8::53]:53 -s wrr"]


async def test_an_entry_that_an_operator_has_just_added_or_deleted_is_no_failure(
    dataplane: IpvsDataplane,
) -> None:
    ipvsadm("-A", "-t", "192.0.2.1:80", "-s", "rr")
    ipvsadm("-a", "-t", "192.0.2.1:80", "-r", "198.51.100.1:80", "-g", "-w", "9")
    wanted = web("wrr", a=1, b=2)
    assert await dataplane.apply(diff({}, wanted, {WEB})) == []
    assert await read_table(dataplane) == wanted
    operations: list[Operation] = [
        DeleteDestination(WEB, C),
        DeleteService(DNS),
        DeleteDestination(DNS, C),
    ]
    assert await dataplane.apply(operations) == []


async def test_many_destinations_keep_the_order_in_which_they_were_added(
    dataplane: IpvsDataplane,
) -> None:
    pool = {
        DestinationKey(f"198.51.{number % 7}.{number}", 80): Destination(number, NAT)
        for number in range(1, 201)
    }
    wanted = {WEB: ServiceEntry(Service("wrr"), pool)}
    await reconcile(dataplane, wanted)
    assert list((await read_table(dataplane))[WEB].destinations) == list(pool)


async def test_a_read_of_named_services_returns_those_that_exist(
    dataplane: IpvsDataplane,
) -> None:
    ipvsadm("-A", "-u", "[2001:db8::53]:53", "-s", "rr")
    await reconcile(dataplane, web("wrr", a=1))
    assert await read_table(dataplane, [DNS]) == {DNS: ServiceEntry(Service("rr"), {})}
    assert await read_table(dataplane, [WEB, ServiceKey(Protocol.UDP, "192.0.2.1", 80)]) == (
        web("wrr", a=1)
    )
    assert await read_table(dataplane, []) == {}


async def test_edits_keep_a_connection_and_its_counters(dataplane: IpvsDataplane) -> None:
    command("ip", "address", "add", "192.0.2.1/32", "dev", "lo")
    with socket.create_server(("127.0.0.1", 8080)) as server:
        here = DestinationKey("127.0.0.1", 8080)
        pool = {here: Destination(1, NAT)}
        await reconcile(dataplane, {WEB: ServiceEntry(Service("rr"), pool)})
        with socket.create_connection(("192.0.2.1", 80), timeout=5) as client:
            accepted, _ = server.accept()
            with accepted:
                drained = {here: Destination(0, NAT)}
                await reconcile(dataplane, {WEB: ServiceEntry(Service("wrr"), drained)})
                client.sendall(b"still here")
                assert accepted.recv(100) == b"still here"
                counters = (await dataplane.read_counters(WEB))[here]
                assert (counters.weight, counters.active, counters.inactive) == (0, 1, 0)
                async with asyncio.timeout(10):  # the kernel updates them every 2 s
                    while not counters.total.bytes_in:
                        await asyncio.sleep(0.1)
                        counters = (await dataplane.read_counters(WEB))[here]
                assert counters.total.connections == 1


async def test_the_read_after_a_cancelled_read_is_right(dataplane: IpvsDataplane) -> None:
    await reconcile(dataplane, web("wrr", a=1, b=2))
    for steps in range(12):
        reading = asyncio.create_task(read_table(dataplane))
        for _ in range(steps):
            await asyncio.sleep(0)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        assert await read_table(dataplane) == web("wrr", a=1, b=2)


async def test_a_kernel_without_the_netlink_family_has_its_own_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(netlink, "FAMILY_NAME", "NOT-IPVS")
    with pytest.raises(DataplaneError, match="the kernel has no IPVS: load its module ip_vs"):
        await IpvsDataplane().start()
