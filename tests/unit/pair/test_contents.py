"""The parts of the state that a director sends: hashes that the directors compare, and its size."""

from msgspec.structs import replace

from checks.definition.result import Verdict
from hadirector.events.history import HistoryEntry, Kind
from hadirector.health.target import TargetState
from hadirector.model.configuration import RealServer
from hadirector.model.ipvs import Destination, DestinationKey, ForwardingMethod, ServiceEntry
from hadirector.pair.contents import failover_states, fit, instance_state, virtual_server_state
from hadirector.pair.state import (
    STATE_BYTES_MAX,
    ConfigurationHashes,
    FailoverState,
    InstanceState,
    PairState,
    SenderState,
    VirtualServerState,
    encode,
)
from tests.builders import a_check, a_virtual_server, an_instance
from vrrp.model.report import InstanceStatus, SenderCounts, State

ONE, TWO = DestinationKey("10.0.0.1", 80), DestinationKey("10.0.0.2", 80)
SERVER = a_virtual_server(RealServer(key=ONE, check=a_check(ONE)), RealServer(key=TWO), name="web")
[FIRST, _] = SERVER.real_servers


def entry(**weights: int) -> ServiceEntry:
    keys = {"one": ONE, "two": TWO}
    return ServiceEntry(
        SERVER.service,
        {keys[name]: Destination(weight, ForwardingMethod.NAT) for name, weight in weights.items()},
    )


def state_of(verdict: Verdict, *entries: ServiceEntry | None) -> VirtualServerState:
    assert FIRST.check is not None
    return virtual_server_state(
        SERVER, {FIRST.check.identity: TargetState(verdict)}, entries, entries
    )


def test_a_virtual_server_is_counted_and_hashed() -> None:
    """A real server without a check passes."""
    good = state_of(Verdict.PASSING, entry(one=1, two=1))
    assert (good.name, good.passing, good.total) == ("web", 2, 2)
    assert good.wanted == good.actual
    bad = state_of(Verdict.FAILING, entry(one=1, two=1))
    assert (bad.passing, bad.total) == (1, 2)
    assert bad.verdicts != good.verdicts
    assert bad.wanted == good.wanted


def test_the_order_of_real_servers_makes_no_difference_and_a_weight_does() -> None:
    good = state_of(Verdict.PASSING, entry(one=1, two=2))
    assert state_of(Verdict.PASSING, entry(two=2, one=1)) == good
    assert state_of(Verdict.PASSING, entry(one=2, two=1)).wanted != good.wanted
    assert state_of(Verdict.PASSING, entry(one=1)).wanted != good.wanted
    assert state_of(Verdict.PASSING, None).wanted != state_of(Verdict.PASSING, entry()).wanted


def test_an_instance_has_its_packets_by_sender() -> None:
    status = InstanceStatus(
        instance="web",
        state=State.ACTIVE,
        priority=150,
        virtual_router_id=51,
        interface="eth0",
        virtual_addresses=("10.99.0.100/24",),
        handing_over=False,
        yielding=False,
        active_router=None,
        active_down_interval=3.6,
        counters={"advertisements_sent": 412},
        own_address="10.99.0.1",
        senders=(SenderCounts("10.99.0.2", 3, 1.5, {"checksum": 2}),),
        counted_seconds=500.0,
        state_age=12.0,
        sent_at=99.5,
    )
    assert instance_state(status, an_instance(), 1500, 100.0) == InstanceState(
        name="web",
        vrid=51,
        interface="eth0",
        family=4,
        state=State.ACTIVE,
        since_seconds=12.0,
        priority=150,
        mtu=1500,
        address="10.99.0.1",
        sent=412,
        senders=(SenderState("10.99.0.2", 3, 1.5, {"checksum": 2}),),
        counted_for=500.0,
        counted_ago=0.5,
    )


def test_the_last_five_failovers_are_told() -> None:
    fields = {"instance": "web", "previous": "BACKUP", "state": "ACTIVE", "reason": "r"}
    entries = [
        HistoryEntry(number, float(number), Kind.FAILOVER, "vrrp_state_changed", {**fields})
        for number in range(7)
    ]
    other = HistoryEntry(7, 7.0, Kind.PAUSE, "pause_ended", {})
    found = failover_states([*entries, other])
    assert [each.at for each in found] == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert found[0] == FailoverState(2.0, "web", "BACKUP", "ACTIVE", "r")


def test_a_state_that_is_too_large_leaves_virtual_servers_out_and_counts_them() -> None:
    long = tuple(VirtualServerState(f"{number:064}", 99, 99) for number in range(4000))
    found = fit(PairState(virtual_servers=long))
    assert len(encode(found)) <= STATE_BYTES_MAX
    assert len(found.virtual_servers) == 1000
    assert found.left_out == 3000
    small = PairState(virtual_servers=long[:10])
    assert fit(small) == small


def test_virtual_servers_fill_the_state() -> None:
    """Each of these has 346 bytes with its comma."""
    word = "0" * 64
    servers = (VirtualServerState(word, 99, 99, word, word, word),) * 1000
    found = fit(PairState(virtual_servers=servers))
    assert (len(found.virtual_servers), found.left_out) == (732, 268)


def with_senders(*senders: SenderState) -> PairState:
    """Return a state of 150 instances that have these senders each, and one virtual server."""
    instances = tuple(
        InstanceState(f"{number:064}", 51, "eth0", 4, senders=senders) for number in range(150)
    )
    return PairState(instances=instances, virtual_servers=(VirtualServerState("web", 2, 3),))


def test_packets_of_other_hosts_do_not_make_a_state_too_large() -> None:
    """Drops are left out first, and then the senders without an accepted advertisement."""
    reasons = {f"reason_{number:02}": 1 for number in range(9)}
    peer = SenderState("192.0.2.2", 3, 1.5, reasons)
    forged = SenderState("192.0.2.66", 0, None, reasons)
    without = SenderState("192.0.2.2", 3, 1.5)
    found = fit(with_senders(peer, *[forged] * 8))
    assert len(encode(found)) <= 262_144
    assert found.instances[0].senders == (without, *[SenderState("192.0.2.66")] * 8)
    assert [each.name for each in found.virtual_servers] == ["web"]
    found = fit(with_senders(peer, *[forged] * 31))
    assert len(encode(found)) <= 262_144
    assert found.instances[0].senders == (without,)
    found = fit(replace(with_senders(*[peer] * 32), announced=("vip",)))
    assert len(encode(found)) <= 262_144
    assert (found.instances[0].senders, found.announced) == ((), ())
    assert [each.name for each in found.virtual_servers] == ["web"]


def test_hashes_of_too_many_sections_are_left_out_and_the_hash_of_the_whole_stays() -> None:
    sections = {f"virtual_server/{number:040}": "0" * 12 for number in range(3001)}
    state = PairState(configuration=ConfigurationHashes("ab", sections))
    assert fit(state) == replace(state, configuration=ConfigurationHashes("ab", {}))
