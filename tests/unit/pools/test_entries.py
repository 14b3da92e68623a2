"""Which services and destinations are wanted, and what is adopted from a table."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from checks.definition.options import ScriptProbe
from checks.definition.result import Verdict
from hadirector.election.withheld import withheld_addresses
from hadirector.model.configuration import (
    Configuration,
    DiscoveredServers,
    OnFailure,
    RealServer,
    VirtualServer,
)
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    Service,
    ServiceEntry,
    ServiceKey,
    Tunnel,
    TunnelType,
)
from hadirector.model.queries import checks_by_identity, services_by_check
from hadirector.pools import entries
from hadirector.pools.adoption import PoolsSnapshot, adopted_quorums, adopted_verdicts, assume
from hadirector.pools.decision import judge
from hadirector.pools.entries import tracked_pools
from tests.builders import a_check, a_configuration, a_virtual_server, an_instance
from tests.unit.pools.builders import facts
from vrrp.model.configuration import TrackedKey, TrackedObject
from vrrp.model.report import State

WEB = ServiceKey(Protocol.TCP, "192.0.2.10", 80)
ONE = DestinationKey("192.0.2.45", 80)
TWO = DestinationKey("192.0.2.46", 80)
NAT = ForwardingMethod.NAT


def web(on_failure: OnFailure = OnFailure.REMOVE, weight: int = 2) -> VirtualServer:
    return a_virtual_server(
        RealServer(key=TWO, weight=1, check=a_check(TWO)),
        RealServer(key=ONE, weight=weight, check=a_check(ONE)),
        on_failure=on_failure,
    )


def wanted_entries(
    server: VirtualServer, verdicts: Mapping[str, Verdict]
) -> dict[ServiceKey, ServiceEntry]:
    return entries.wanted_entries(server, judge(server, facts(verdicts), None))


def wanted_entry(server: VirtualServer, verdicts: Mapping[str, Verdict]) -> ServiceEntry:
    """The entry of the only service."""
    [entry] = wanted_entries(server, verdicts).values()
    return entry


ONE_PASSES = {"tcp 192.0.2.45:80": Verdict.PASSING}
BOTH_PASS = {**ONE_PASSES, "tcp 192.0.2.46:80": Verdict.PASSING}
TWO_FAILS = {**ONE_PASSES, "tcp 192.0.2.46:80": Verdict.FAILING}


def test_nothing_is_in_the_pool_before_its_first_pass() -> None:
    assert wanted_entry(web(), {}).destinations == {}


def test_the_service_is_there_from_the_start() -> None:
    assert wanted_entry(web(), {}).service == Service("wrr")


def test_a_passing_server_has_its_weight() -> None:
    assert wanted_entry(web(), BOTH_PASS).destinations == {
        ONE: Destination(2, NAT),
        TWO: Destination(1, NAT),
    }


def test_destinations_come_in_the_order_of_their_keys_whatever_the_file_says() -> None:
    assert list(wanted_entry(web(), BOTH_PASS).destinations) == [ONE, TWO]


def test_a_failing_server_is_removed() -> None:
    assert wanted_entry(web(), TWO_FAILS).destinations == {ONE: Destination(2, NAT)}


def test_a_failing_server_stays_at_weight_0_under_zero_weight() -> None:
    assert wanted_entry(web(OnFailure.ZERO_WEIGHT), TWO_FAILS).destinations == {
        ONE: Destination(2, NAT),
        TWO: Destination(0, NAT),
    }


def test_a_server_without_a_verdict_has_weight_0_under_zero_weight() -> None:
    assert wanted_entry(web(OnFailure.ZERO_WEIGHT), {}).destinations == {
        ONE: Destination(0, NAT),
        TWO: Destination(0, NAT),
    }


def test_an_unchecked_server_is_always_in() -> None:
    server = a_virtual_server(RealServer(key=ONE, weight=3), name="dns", service=Service("rr"))
    assert wanted_entry(server, {}).destinations == {ONE: Destination(3, NAT)}


def test_every_service_of_a_group_has_the_same_pool() -> None:
    """A server without a port gets the port of each service."""
    second = ServiceKey(Protocol.TCP, "192.0.2.11", 8080)
    here = DestinationKey("192.0.2.47", 0)
    group = replace(web(), keys=(WEB, second), real_servers=(RealServer(key=here),))
    assert wanted_entries(group, {}) == {
        WEB: ServiceEntry(Service("wrr"), {DestinationKey("192.0.2.47", 80): Destination(1, NAT)}),
        second: ServiceEntry(
            Service("wrr"), {DestinationKey("192.0.2.47", 8080): Destination(1, NAT)}
        ),
    }


def test_a_server_in_use_in_any_service_of_its_group_is_adopted_as_passing() -> None:
    """Another program has set its weight to 0 in one of the services."""
    second = ServiceKey(Protocol.TCP, "192.0.2.11", 80)
    table = {
        key: ServiceEntry(Service("wrr"), {ONE: Destination(weight, NAT)})
        for key, weight in ((WEB, 0), (second, 2))
    }
    group = replace(web(), keys=(WEB, second))
    configuration = a_configuration(group)
    assert adopted_verdicts(configuration, table) == {"tcp 192.0.2.45:80": Verdict.PASSING}


def test_a_sorry_server_on_standby_in_the_table_shows_neither_a_verdict_nor_a_lost_quorum() -> None:
    """Its weight there is 0, because its ``on_failure`` is ``zero_weight``."""
    sorry = RealServer(key=TWO, check=a_check(TWO), on_failure=OnFailure.ZERO_WEIGHT)
    configuration = a_configuration(a_virtual_server(sorry_server=sorry))
    for weight, verdicts, quorums in (
        (0, {}, {}),
        (1, {"tcp 192.0.2.46:80": Verdict.PASSING}, {"web": False}),
    ):
        table = {WEB: ServiceEntry(Service("wrr"), {TWO: Destination(weight, NAT)})}
        assert adopted_verdicts(configuration, table) == verdicts
        assert adopted_quorums(configuration, table, PoolsSnapshot()) == quorums


def test_each_destination_has_the_method_of_its_server() -> None:
    """Behind fullnat it is nat in the kernel."""
    one = RealServer(key=ONE, forwarding=ForwardingMethod.DR)
    two = RealServer(key=TWO, forwarding=ForwardingMethod.FULLNAT)
    server = replace(web(), real_servers=(one, two))
    assert wanted_entry(server, {}).destinations == {
        ONE: Destination(1, ForwardingMethod.DR),
        TWO: Destination(1, ForwardingMethod.NAT),
    }


def test_thresholds_and_tunnels_reach_the_destination() -> None:
    tunnel = Tunnel(TunnelType.GUE, 6080)
    limited = RealServer(key=ONE, upper_threshold=20, lower_threshold=10, tunnel=tunnel)
    server = replace(web(), forwarding=ForwardingMethod.TUN, real_servers=(limited,))
    assert wanted_entry(server, {}).destinations == {
        ONE: Destination(1, ForwardingMethod.TUN, 20, 10, tunnel)
    }


def adopt(held: dict[DestinationKey, int], weight: int = 2) -> dict[str, Verdict]:
    destinations = {key: Destination(weight, NAT) for key, weight in held.items()}
    table = {WEB: ServiceEntry(Service("wrr"), destinations)}
    return adopted_verdicts(a_configuration(web(weight=weight)), table)


def test_a_server_already_in_the_table_is_adopted_as_passing() -> None:
    assert adopt({ONE: 2}) == {"tcp 192.0.2.45:80": Verdict.PASSING}


def test_a_server_at_weight_0_is_adopted_as_failing() -> None:
    assert adopt({ONE: 0}) == {"tcp 192.0.2.45:80": Verdict.FAILING}


def test_a_server_configured_at_weight_0_is_adopted_as_passing() -> None:
    assert adopt({ONE: 0}, weight=0) == {"tcp 192.0.2.45:80": Verdict.PASSING}


def test_a_reload_names_the_replaced_checks_and_those_of_held_servers() -> None:
    """Of pools that both configurations have."""
    old = a_configuration(web())
    servers = tuple(
        replace(server, check=replace(a_check(server.key), identity=f"new {server.key}"))
        for server in web().real_servers
    )
    new = a_configuration(replace(web(), real_servers=servers))
    table = {WEB: ServiceEntry(Service("wrr"), {TWO: Destination(1, NAT)})}
    assumptions = assume(old, new, table, {"web": (ONE,), "gone": (TWO,)})
    assert assumptions.predecessors == {
        "new 192.0.2.45:80": "tcp 192.0.2.45:80",
        "new 192.0.2.46:80": "tcp 192.0.2.46:80",
    }
    assert assumptions.held == {"new 192.0.2.45:80"}
    assert assumptions.verdicts == {"new 192.0.2.46:80": Verdict.PASSING}
    assert assume(old, old, table, {"web": (ONE,)}).predecessors == {}


def test_nothing_is_assumed_about_another_server_at_the_same_address() -> None:
    """A server whose source has just begun to send identities is the same server."""
    discovered = (DiscoveredServers(source="members", template=RealServer(key=ONE)),)

    def pool(one: str, two: str) -> Configuration:
        servers = tuple(
            RealServer(key=key, identity=name, check=a_check(key, identity=f"{key} #{name}"))
            for key, name in ((ONE, one), (TWO, two))
        )
        return a_configuration(replace(web(), real_servers=servers, discovered=discovered))

    table = {
        WEB: ServiceEntry(Service("wrr"), {ONE: Destination(1, NAT), TWO: Destination(1, NAT)})
    }
    assumptions = assume(pool("", "b"), pool("a", "c"), table, {"web": (TWO,)})
    assert assumptions.verdicts == {"192.0.2.45:80 #a": Verdict.PASSING}
    assert assumptions.predecessors == {"192.0.2.45:80 #a": "192.0.2.45:80 #"}
    assert assumptions.held == frozenset()


def test_a_request_in_another_unit_is_not_carried_over() -> None:
    """Half of the weight would become the weight 50 until the first probe of the new check."""
    old = a_configuration(web())
    probe = ScriptProbe(script="/s", exit_weight=True)
    servers = tuple(
        replace(server, check=replace(a_check(server.key), identity="new", probe=probe))
        for server in web().real_servers
    )
    new = a_configuration(replace(web(), real_servers=servers))
    table = {WEB: ServiceEntry(Service("wrr"), {ONE: Destination(1, NAT)})}
    assert assume(old, new, table, {}).predecessors == {}


def test_nothing_is_adopted_from_an_empty_table() -> None:
    configuration = a_configuration(web())
    assert adopted_verdicts(configuration, {}) == {}


def test_one_check_serves_every_service_that_needs_it() -> None:
    other = ServiceKey(Protocol.TCP, "192.0.2.10", 8080)
    again = a_virtual_server(RealServer(key=ONE, check=a_check(ONE)), name="again", keys=(other,))
    configuration = a_configuration(web(), again)
    assert set(checks_by_identity(configuration)) == {"tcp 192.0.2.45:80", "tcp 192.0.2.46:80"}
    assert services_by_check(configuration)["tcp 192.0.2.45:80"] == {WEB, other}


def test_addresses_of_instances_that_are_not_active_are_withheld() -> None:
    instances = tuple(
        an_instance(name=name, virtual_router_id=vrid, virtual_addresses=(address,))
        for name, vrid, address in (("a", 1, "192.0.2.10/32"), ("b", 2, "192.0.2.11/24"))
    )
    states = {"a": State.ACTIVE, "b": State.BACKUP}
    assert withheld_addresses(instances, states) == {"192.0.2.11"}
    assert withheld_addresses(instances, {}) == {"192.0.2.10", "192.0.2.11"}


def tracking(*names: str) -> Configuration:
    """The pool web, and an instance that tracks the pools of these names."""
    instance = an_instance(
        name="a",
        virtual_addresses=("192.0.2.10/32",),
        track=tuple(TrackedObject(key=TrackedKey("pool", name)) for name in names),
    )
    return a_configuration(web(weight=0), vrrp=(instance,))


def test_a_tracked_pool_is_1_while_it_has_its_quorum() -> None:
    """A pool that no instance tracks has no value, nor has a pool whose quorum is not known."""
    assert tracked_pools(tracking("web"), {"web": True}) == {TrackedKey("pool", "web"): 1}
    assert tracked_pools(tracking("web"), {"web": False}) == {TrackedKey("pool", "web"): 0}
    assert tracked_pools(tracking("web"), {}) == {}
    assert tracked_pools(tracking(), {"web": True}) == {}


SORRY = DestinationKey("192.0.2.50", 80)


def with_sorry() -> VirtualServer:
    return replace(web(), sorry_server=RealServer(key=SORRY, check=a_check(SORRY)))


def test_the_sorry_server_is_in_the_table_only_while_it_serves() -> None:
    """The passing servers of the pool have weight 0 during that time."""
    sorry_passes = {"tcp 192.0.2.50:80": Verdict.PASSING}
    none = dict.fromkeys(BOTH_PASS, Verdict.FAILING)
    assert wanted_entry(with_sorry(), BOTH_PASS | sorry_passes).destinations == {
        ONE: Destination(2, NAT),
        TWO: Destination(1, NAT),
    }
    assert wanted_entry(with_sorry(), none | sorry_passes).destinations == {
        SORRY: Destination(1, NAT)
    }
    more = replace(with_sorry(), quorum=3)
    assert wanted_entry(more, TWO_FAILS | sorry_passes).destinations == {
        ONE: Destination(0, NAT),
        SORRY: Destination(1, NAT),
    }


def test_the_sorry_server_is_checked_like_the_others() -> None:
    assert set(checks_by_identity(a_configuration(with_sorry()))) == {
        "tcp 192.0.2.45:80",
        "tcp 192.0.2.46:80",
        "tcp 192.0.2.50:80",
    }


def test_a_sorry_server_in_the_table_shows_a_lost_quorum_without_a_snapshot() -> None:
    """A table without it shows nothing, and neither does a pool that has no sorry server."""
    configuration = a_configuration(with_sorry())
    with_it = {WEB: ServiceEntry(Service("wrr"), {SORRY: Destination(1, NAT)})}
    without = {WEB: ServiceEntry(Service("wrr"), {ONE: Destination(1, NAT)})}
    plain, nothing = a_configuration(web()), PoolsSnapshot()
    assert adopted_quorums(configuration, with_it, nothing) == {"web": False}
    assert adopted_quorums(configuration, without, nothing) == {}
    assert adopted_quorums(configuration, {}, nothing) == {}
    assert adopted_quorums(plain, with_it, nothing) == {}
    snapshot = PoolsSnapshot(quorums={"web": True, "gone": True})
    assert adopted_quorums(configuration, with_it, snapshot) == {"web": True}
