"""Which services and destinations are wanted, from verdicts and configuration."""

from __future__ import annotations

from checks.definition import CheckDefinition
from checks.options import TcpProbe
from checks.result import Verdict
from hadirector.model import (
    Configuration,
    Destination,
    DestinationKey,
    ForwardingMethod,
    OnFailure,
    Protocol,
    RealServer,
    Scheduler,
    SchedulerFlag,
    Service,
    ServiceEntry,
    ServiceKey,
    VirtualServer,
)
from hadirector.pool import (
    adopted_verdicts,
    checks_by_identity,
    services_by_check,
    tracked_pools,
    wanted_entry,
    wanted_table,
    withheld_addresses,
)
from vrrp.configuration import InstanceConfiguration, TrackedObject
from vrrp.report import State

WEB = ServiceKey(Protocol.TCP, "192.0.2.10", 80)
ONE = DestinationKey("192.0.2.45", 80)
TWO = DestinationKey("192.0.2.46", 80)
NAT = ForwardingMethod.NAT


def check(key: DestinationKey) -> CheckDefinition:
    return CheckDefinition(
        identity=f"tcp {key}", address=key.address, port=key.port, probe=TcpProbe()
    )


def web(on_failure: OnFailure = OnFailure.REMOVE, weight: int = 2) -> VirtualServer:
    return VirtualServer(
        name="web",
        key=WEB,
        scheduler=Scheduler.WRR,
        forwarding=NAT,
        on_failure=on_failure,
        real_servers=(
            RealServer(key=TWO, weight=1, check=check(TWO)),
            RealServer(key=ONE, weight=weight, check=check(ONE)),
        ),
    )


ONE_PASSES = {"tcp 192.0.2.45:80": Verdict.PASSING}
BOTH_PASS = {**ONE_PASSES, "tcp 192.0.2.46:80": Verdict.PASSING}
TWO_FAILS = {**ONE_PASSES, "tcp 192.0.2.46:80": Verdict.FAILING}


def test_nothing_is_in_the_pool_before_its_first_pass() -> None:
    assert wanted_entry(web(), {}).destinations == {}


def test_the_service_itself_stands_from_the_start() -> None:
    entry = wanted_table(Configuration(name="lb1", virtual_servers=(web(),)), {})[WEB]
    assert entry.service == Service("wrr")


def test_a_passing_server_has_its_weight() -> None:
    assert wanted_entry(web(), BOTH_PASS).destinations == {
        ONE: Destination(2, NAT),
        TWO: Destination(1, NAT),
    }


def test_destinations_come_in_the_order_of_their_keys_whatever_the_file_says() -> None:
    assert list(wanted_entry(web(), BOTH_PASS).destinations) == [ONE, TWO]


def test_a_failing_server_is_removed() -> None:
    assert wanted_entry(web(), TWO_FAILS).destinations == {ONE: Destination(2, NAT)}


def test_a_failing_server_keeps_its_place_at_weight_0_under_zero_weight() -> None:
    assert wanted_entry(web(OnFailure.ZERO_WEIGHT), TWO_FAILS).destinations == {
        ONE: Destination(2, NAT),
        TWO: Destination(0, NAT),
    }


def test_an_unknown_server_stands_at_weight_0_under_zero_weight() -> None:
    assert wanted_entry(web(OnFailure.ZERO_WEIGHT), {}).destinations == {
        ONE: Destination(0, NAT),
        TWO: Destination(0, NAT),
    }


def test_an_unchecked_server_is_always_in() -> None:
    server = VirtualServer(
        name="dns",
        key=WEB,
        scheduler=Scheduler.RR,
        forwarding=NAT,
        real_servers=(RealServer(key=ONE, weight=3),),
    )
    assert wanted_entry(server, {}).destinations == {ONE: Destination(3, NAT)}


def test_flags_and_persistence_reach_the_service() -> None:
    flags = frozenset({SchedulerFlag.FALLBACK})
    server = VirtualServer(
        name="web", key=WEB, scheduler=Scheduler.MH, flags=flags, forwarding=NAT, persistence=300
    )
    assert wanted_entry(server, {}).service == Service("mh", flags, 300)


def adopt(held: dict[DestinationKey, int], weight: int = 2) -> dict[str, Verdict]:
    destinations = {key: Destination(weight, NAT) for key, weight in held.items()}
    table = {WEB: ServiceEntry(Service("wrr"), destinations)}
    return adopted_verdicts(Configuration(name="lb1", virtual_servers=(web(weight=weight),)), table)


def test_a_server_already_in_the_table_is_adopted_as_passing() -> None:
    assert adopt({ONE: 2}) == {"tcp 192.0.2.45:80": Verdict.PASSING}


def test_a_server_at_weight_0_is_adopted_as_failing() -> None:
    assert adopt({ONE: 0}) == {"tcp 192.0.2.45:80": Verdict.FAILING}


def test_a_server_configured_at_weight_0_is_adopted_as_passing() -> None:
    assert adopt({ONE: 0}, weight=0) == {"tcp 192.0.2.45:80": Verdict.PASSING}


def test_nothing_is_adopted_from_an_empty_table() -> None:
    configuration = Configuration(name="lb1", virtual_servers=(web(),))
    assert adopted_verdicts(configuration, {}) == {}


def test_one_check_serves_every_service_that_needs_it() -> None:
    other = ServiceKey(Protocol.TCP, "192.0.2.10", 8080)
    again = VirtualServer(
        name="again",
        key=other,
        scheduler=Scheduler.RR,
        forwarding=NAT,
        real_servers=(RealServer(key=ONE, check=check(ONE)),),
    )
    configuration = Configuration(name="lb1", virtual_servers=(web(), again))
    assert set(checks_by_identity(configuration)) == {"tcp 192.0.2.45:80", "tcp 192.0.2.46:80"}
    assert services_by_check(configuration)["tcp 192.0.2.45:80"] == {WEB, other}


def test_addresses_of_instances_that_are_not_active_are_withheld() -> None:
    instances = tuple(
        InstanceConfiguration(
            name=name, interface="eth0", virtual_router_id=vrid, virtual_addresses=(address,)
        )
        for name, vrid, address in (("a", 1, "192.0.2.10/32"), ("b", 2, "192.0.2.11/24"))
    )
    states = {"a": State.ACTIVE, "b": State.BACKUP}
    assert withheld_addresses(instances, states) == {"192.0.2.11"}
    assert withheld_addresses(instances, {}) == {"192.0.2.10", "192.0.2.11"}


def tracking(*names: str) -> Configuration:
    """The pool web, and an instance that tracks the pools of these names."""
    instance = InstanceConfiguration(
        name="a",
        interface="eth0",
        virtual_router_id=51,
        virtual_addresses=("192.0.2.10/32",),
        track=tuple(TrackedObject(kind="pool", name=name) for name in names),
    )
    return Configuration(name="lb1", vrrp=(instance,), virtual_servers=(web(weight=0),))


def test_a_tracked_pool_is_well_while_a_server_takes_connections() -> None:
    """One of weight 0 takes none; what nobody tracks is not told."""
    assert tracked_pools(tracking("web"), BOTH_PASS) == {"pool web": 1}
    assert tracked_pools(tracking("web"), TWO_FAILS) == {"pool web": 0}
    assert tracked_pools(tracking(), BOTH_PASS) == {}


def test_a_tracked_pool_is_not_lost_before_every_server_has_been_tried() -> None:
    assert tracked_pools(tracking("web"), {}) == {}
    assert tracked_pools(tracking("web"), ONE_PASSES) == {}
