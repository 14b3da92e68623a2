"""A valid file becomes the model, with its defaults."""

import pytest

from checks.definition.check import Timing
from checks.definition.options import HttpsProbe, TcpProbe
from hadirector.config.loader import parse
from hadirector.model.configuration import Configuration, NeededInterface, OnFailure, VirtualServer
from hadirector.model.ipvs import (
    DestinationKey,
    ForwardingMethod,
    Protocol,
    SchedulerFlag,
    Service,
    ServiceKey,
)
from vrrp.model.configuration import (
    InstanceConfiguration,
    Multicast,
    TrackedKey,
    TrackedObject,
    UdpUnicast,
)

FULL = """\
director: {name: lb1, dataplane: dry-run, on_stop: keep, realtime: true, runtime_directory: /tmp/ha}
api: {unix: /tmp/ha.sock}
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    version: 2
    priority: 200
    advert_interval: 3
    preempt: {delay: 0.5m}
    virtual_addresses: [192.168.122.22, 192.168.122.23/24]
  - name: test
    interface: lo
    virtual_router_id: 51
    advert_interval: 70ms
    preempt: false
    virtual_addresses: [127.0.0.100]
    transport: udp
    unicast: {source: 127.0.0.1, peers: [127.0.0.2, 127.0.0.3], port: 1113}
    checksum: rfc9568
virtual_servers:
  - name: web
    address: "[2001:DB8:0::22]:80"
    scheduler: mh
    scheduler_flags: [port]
    forwarding: dr
    persistence: 5m
    check:
      {type: https, path: /healthz, host: www.example.com, expect_status: [200, 204],
       expect_body: "^ok", tls_ca_file: /etc/ca.pem, interval: 200ms, rise: 3, fall: 1, port: 443}
    real_servers:
      - {address: "2001:db8::45", weight: 2}
      - {address: "[2001:db8::46]:80", check: none}
"""


def model_of(text: str) -> Configuration:
    return parse(text.encode(), "f", "myhost")


def only_server(rest: str) -> VirtualServer:
    (server,) = model_of("virtual_servers: [{address: 10.0.0.1:80, " + rest + "}]").virtual_servers
    return server


def test_the_keys_of_the_director_reach_the_model() -> None:
    """Each key sets its field."""
    configuration = model_of(FULL)
    assert configuration.name == "lb1"
    assert configuration.dataplane == "dry-run"
    assert configuration.on_stop == "keep"
    assert configuration.realtime
    assert configuration.runtime_directory == "/tmp/ha"
    assert configuration.api_unix == "/tmp/ha.sock"


def test_a_director_without_keys_has_defaults() -> None:
    """The name is the host's, and the socket is in the runtime directory."""
    assert model_of("vrrp: []") == Configuration(
        name="myhost",
        dataplane="ipvs",
        on_stop="release",
        runtime_directory="/run/hadirector",
        state_directory="/var/lib/hadirector",
        api_unix="/run/hadirector/api.sock",
    )
    moved = model_of("director: {runtime_directory: /tmp/x}\nvrrp: []")
    assert moved.api_unix == "/tmp/x/api.sock"


@pytest.mark.parametrize(
    ("keys", "directory"),
    [
        ("name: lb1", "/var/lib/hadirector"),
        ("runtime_directory: /run/lb/1", "/var/lib/lb/1"),
        ("runtime_directory: /var/run/lb1", "/var/lib/lb1"),
        ("runtime_directory: /tmp/run/lb1", "/tmp/run/lb1"),
        ("{runtime_directory: /run/lb1, state_directory: /srv/lb1}", "/srv/lb1"),
    ],
)
def test_the_state_directory_survives_a_boot(keys: str, directory: str) -> None:
    """A boot empties /run. A runtime directory elsewhere is the state directory too."""
    text = f"director: {keys if keys[0] == '{' else '{' + keys + '}'}\nvrrp: []"
    assert model_of(text).state_directory == directory


FITNESS = TrackedObject(key=TrackedKey("fitness", "of this director"), weight=-253)
SIGHT = TrackedObject(key=TrackedKey("visibility", "of backends"), weight=-150)


def test_every_needed_interface_is_listed_with_its_place() -> None:
    """The interfaces of instances, tracked objects and the sync daemon, not those of addresses."""
    needed = model_of(
        """
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    virtual_addresses: [{address: 10.0.0.9, device: eth9}]
    track: [{process: named}, {interface: eth1, weight: -50}]
sync_daemon: {interface: eth2}
"""
    ).needed_interfaces
    assert needed == (
        NeededInterface(name="eth0", needed_by="VRRP instance web", place="f:4:16"),
        NeededInterface(name="eth1", needed_by="VRRP instance web", place="f:7:43"),
        NeededInterface(name="eth2", needed_by="sync_daemon", place="f:8:26"),
    )


def test_the_keys_of_vrrp_instances_reach_the_model() -> None:
    """Durations are in seconds, and a virtual address without a length is a /32."""
    web, test = model_of(FULL).vrrp
    assert web == InstanceConfiguration(
        name="web",
        interface="eth0",
        virtual_router_id=51,
        virtual_addresses=("192.168.122.22/32", "192.168.122.23/24"),
        version=2,
        priority=200,
        advert_interval=3.0,
        preempt=True,
        preempt_delay=30.0,
        transport=Multicast(),
        track=(FITNESS, SIGHT),
    )
    assert test == InstanceConfiguration(
        name="test",
        interface="lo",
        virtual_router_id=51,
        virtual_addresses=("127.0.0.100/32",),
        advert_interval=0.07,
        preempt=False,
        checksum="rfc9568",
        transport=UdpUnicast(source="127.0.0.1", peers=("127.0.0.2", "127.0.0.3"), port=1113),
        track=(FITNESS, SIGHT),
    )


def test_the_keys_of_a_virtual_server_reach_the_model() -> None:
    """Addresses are canonical, and mh implies fallback and zero_weight."""
    (server,) = model_of(FULL).virtual_servers
    assert server.name == "web"
    assert server.keys == (ServiceKey(Protocol.TCP, "2001:db8::22", 80),)
    flags = frozenset({SchedulerFlag.FALLBACK, SchedulerFlag.PORT})
    assert server.service == Service("mh", flags, persistence=300)
    assert server.forwarding is ForwardingMethod.DR
    assert server.on_failure is OnFailure.ZERO_WEIGHT
    checked, unchecked = server.real_servers
    assert (checked.key, checked.weight) == (DestinationKey("2001:db8::45", 80), 2)
    assert (unchecked.key, unchecked.weight) == (DestinationKey("2001:db8::46", 80), 1)
    assert unchecked.check is None


def test_the_keys_of_a_check_reach_the_model() -> None:
    """The default timeout is at most the interval."""
    check = model_of(FULL).virtual_servers[0].real_servers[0].check
    assert check is not None
    assert (check.address, check.port) == ("2001:db8::45", 443)
    assert check.timing == Timing(interval=0.2, timeout=0.2, rise=3, fall=1)
    assert check.probe == HttpsProbe(
        path="/healthz",
        host="www.example.com",
        expect_status=((200, 200), (204, 204)),
        expect_body="^ok",
        tls_verify=True,
        tls_ca_file="/etc/ca.pem",
    )


def test_a_virtual_server_without_keys_has_defaults() -> None:
    """The scheduler is wlc and the method is nat. A real server inherits the port."""
    server = only_server("real_servers: [{address: 10.0.0.2}]")
    assert server.name == "10.0.0.1:80"
    assert server.keys == (ServiceKey(Protocol.TCP, "10.0.0.1", 80),)
    assert (server.service, server.forwarding) == (Service("wlc"), ForwardingMethod.NAT)
    assert server.on_failure is OnFailure.REMOVE
    (real_server,) = server.real_servers
    assert (real_server.key, real_server.weight) == (DestinationKey("10.0.0.2", 80), 1)
    assert real_server.check is not None
    assert real_server.check.probe == TcpProbe()
    assert real_server.check.timing == Timing(interval=2.0, timeout=1.0, rise=2, fall=2)


def test_the_same_address_over_udp_has_a_name_of_its_own() -> None:
    """The two virtual servers of a DNS server need no names."""
    text = "virtual_servers: [{address: 10.0.0.1:53}, {address: 10.0.0.1:53, protocol: udp}]"
    names = [server.name for server in model_of(text).virtual_servers]
    assert names == ["10.0.0.1:53", "10.0.0.1:53-udp"]


def test_a_virtual_router_id_may_be_used_on_another_interface() -> None:
    """The VRID belongs to a link (RFC 9568 section 1.7)."""
    assert [each.virtual_router_id for each in model_of(FULL).vrrp] == [51, 51]


def test_the_nearest_check_applies_as_a_whole() -> None:
    """A check inherits nothing from the check that it replaces."""
    text = """\
director: {check: {type: tcp, interval: 5s}}
virtual_servers:
  - address: 10.0.0.1:80
    real_servers: [{address: 10.0.0.2}]
  - address: 10.0.0.1:81
    check: {type: tcp, fall: 5}
    real_servers: [{address: 10.0.0.2}, {address: 10.0.0.3, check: {type: tcp, rise: 7}}]
"""
    timings = [
        real_server.check.timing
        for server in model_of(text).virtual_servers
        for real_server in server.real_servers
        if real_server.check is not None
    ]
    assert timings == [
        Timing(interval=5.0, timeout=1.0, rise=2, fall=2),
        Timing(interval=2.0, timeout=1.0, rise=2, fall=5),
        Timing(interval=2.0, timeout=1.0, rise=7, fall=2),
    ]


def identities(text: str) -> list[str]:
    return [
        real_server.check.identity
        for server in model_of(text).virtual_servers
        for real_server in server.real_servers
        if real_server.check is not None
    ]


def test_the_same_check_of_the_same_target_has_one_identity() -> None:
    """Two virtual servers in front of one real server share its probe."""
    first, second = identities(
        "virtual_servers: [{address: 10.0.0.1:80, real_servers: [{address: 10.0.0.2}]},"
        " {address: 10.0.0.9:80, check: {type: tcp}, real_servers: [{address: 10.0.0.2:80}]}]"
    )
    assert first == second
    assert first.startswith("tcp 10.0.0.2:80 ")


def test_another_target_probe_or_timing_is_another_identity() -> None:
    """The target, the probe and the timing are parts of the identity."""
    checks = (
        "{type: tcp}",
        "{type: tcp, port: 81}",
        "{type: tcp, address: 10.0.0.3}",
        "{type: tcp, fall: 3}",
        "{type: tcp, interval: 3s}",
        "{type: http}",
        "{type: http, path: /a}",
        "{type: http, host: a}",
        "{type: https}",
        "{type: https, tls_verify: false}",
    )
    text = "virtual_servers: " + "".join(
        f"\n  - {{address: 10.0.0.1:{port}, check: {check},"
        " real_servers: [{address: 10.0.0.2:80}]}"
        for port, check in enumerate(checks, 1)
    )
    assert len(set(identities(text))) == 10
