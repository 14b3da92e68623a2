"""IPVS messages byte by byte: requests by include/uapi/linux/ip_vs.h, and answers of Linux."""

from __future__ import annotations

import pytest

from hadirector.dataplane.dataplane import Counters, Traffic
from hadirector.dataplane.ipvs.codec.frames import CONTENT_AT, Request, write
from hadirector.dataplane.ipvs.codec.messages import (
    get_service,
    list_destinations,
    list_services,
    read_counters,
    read_destination,
    read_service,
    request,
    requests,
)
from hadirector.dataplane.reconcile import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Operation,
)
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    SchedulerFlag,
    Service,
    ServiceKey,
    Tunnel,
    TunnelChecksum,
    TunnelType,
)

NAT, DR = ForwardingMethod.NAT, ForwardingMethod.DR
WEB = ServiceKey(Protocol.TCP, "192.0.2.1", 80)
DNS = ServiceKey(Protocol.UDP, "2001:db8::53", 53)
SERVER = DestinationKey("198.51.100.1", 80)
SERVER_6 = DestinationKey("2001:db8::1", 53)
SH = Service("sh", frozenset({SchedulerFlag.FALLBACK, SchedulerFlag.PORT}), 300)

WEB_KEY = (
    "0600 0100 0200 0000"  # AF: 2
    "0600 0200 0600 0000"  # PROTOCOL: 6
    "0800 0300 c0000201"  # ADDR
    "0600 0400 0050 0000"  # PORT, network order
)
DNS_KEY = (
    "0600 0100 0a00 0000"  # AF: 10
    "0600 0200 1100 0000"  # PROTOCOL: 17
    "1400 0300 20010db8 00000000 00000000 00000053"  # ADDR
    "0600 0400 0035 0000"  # PORT, network order
)
SERVER_KEY = (
    "0600 0b00 0200 0000"  # ADDR_FAMILY: 2
    "0800 0100 c6336401"  # ADDR
    "0600 0200 0050 0000"  # PORT
)

# A dump of Linux 6.1.176, family id 28, after
# ipvsadm -A -t 192.0.2.1:80 -s sh -b sh-fallback,sh-port -p 300
SH_SERVICE = """
    68010000 1c000200 03000000 d4020000 01010000 54010100 06000100 02000000 06000200 06000000
    14000300 c0000201 00000000 00000000 00000000 06000400 00500000 07000600 73680000 0c000700
    1b000000 ffffffff 08000800 2c010000 08000900 ffffffff 60000a00 08000100 00000000 08000200
    00000000 08000300 00000000 0c000400 00000000 00000000 04000b00 0c000500 00000000 00000000
    08000600 00000000 08000700 00000000 08000800 00000000 08000900 00000000 08000a00 00000000
    a0000c00 0c000100 00000000 00000000 04000b00 0c000200 00000000 00000000 04000b00 0c000300
    00000000 00000000 04000b00 0c000400 00000000 00000000 04000b00 0c000500 00000000 00000000
    04000b00 0c000600 00000000 00000000 04000b00 0c000700 00000000 00000000 04000b00 0c000800
    00000000 00000000 04000b00 0c000900 00000000 00000000 04000b00 0c000a00 00000000 00000000
"""
# ... -a -t 192.0.2.1:80 -r 198.51.100.2:80 -g -w 7 -x 10 -y 3
LIMITED_DESTINATION = """
    90010000 1c000200 05000000 d4020000 05010000 7c010200 14000100 c6336402 00000000 00000000
    00000000 06000200 00500000 08000300 03000000 08000400 07000000 05000d00 00000000 06000e00
    00000000 06000f00 00000000 08000500 0a000000 08000600 03000000 08000700 00000000 08000800
    00000000 08000900 00000000 06000b00 02000000 64000a00 08000100 00000000 08000200 00000000
    08000300 00000000 04000b00 0c000400 00000000 00000000 04000b00 0c000500 00000000 00000000
    08000600 00000000 08000700 00000000 08000800 00000000 08000900 00000000 08000a00 00000000
    a0000c00 0c000100 00000000 00000000 04000b00 0c000200 00000000 00000000 04000b00 0c000300
    00000000 00000000 04000b00 0c000400 00000000 00000000 04000b00 0c000500 00000000 00000000
    04000b00 0c000600 00000000 00000000 04000b00 0c000700 00000000 00000000 04000b00 0c000800
    00000000 00000000 04000b00 0c000900 00000000 00000000 04000b00 0c000a00 00000000 00000000
"""


def sent(message: Request) -> bytes:
    """The bytes of a request after the 16 bytes of the header."""
    return write(message, family=28, version=1, flags=5, sequence=7)[16:]


def nested(kind: int, attributes: str) -> bytes:
    """An attribute that contains others, in hexadecimal."""
    content = bytes.fromhex(attributes)
    return (len(content) + 4).to_bytes(2, "little") + kind.to_bytes(2, "little") + content


def received(text: str) -> bytes:
    """The attributes of a received message, in hexadecimal."""
    return bytes.fromhex(text)[CONTENT_AT:]


def answer(kind: int, attributes: str) -> bytes:
    """A message of a dump, whose only attribute has these attributes."""
    body = bytes.fromhex("01010000") + nested(kind, attributes)
    header = (len(body) + 16).to_bytes(4, "little") + bytes.fromhex("1c000200 00000000 00000000")
    return received((header + body).hex())


def test_a_service_is_added_with_its_flags_persistence_and_prefix_length() -> None:
    assert (
        sent(request(AddService(DNS, SH)))
        == bytes.fromhex("01010000")
        + nested(
            1,
            DNS_KEY + "0700 0600 7368 0000"  # SCHED_NAME: sh
            "0c00 0700 19000000 ffffffff"  # FLAGS: persistent, scheduler 1 and 2; all of them meant
            "0800 0800 2c010000"  # TIMEOUT: 300
            "0800 0900 80000000",  # NETMASK: /128
        )
    )


def test_an_ipv4_service_has_a_netmask_for_single_clients() -> None:
    assert (
        sent(request(EditService(WEB, Service("wrr"))))
        == bytes.fromhex("02010000")
        + nested(
            1,
            WEB_KEY + "0800 0600 77727200"  # SCHED_NAME: wrr
            "0c00 0700 00000000 ffffffff"  # FLAGS: none
            "0800 0800 00000000"  # TIMEOUT: 0
            "0800 0900 ffffffff",  # NETMASK: 255.255.255.255
        )
    )


@pytest.mark.parametrize(
    ("operation", "command"),
    [
        (AddDestination(WEB, SERVER, Destination(5, DR)), "05010000"),
        (EditDestination(WEB, SERVER, Destination(5, DR)), "06010000"),
    ],
)
def test_a_destination_has_all_attributes(operation: Operation, command: str) -> None:
    service = nested(1, WEB_KEY)
    destination = nested(
        2,
        SERVER_KEY + "0800 0300 03000000"  # FWD_METHOD: direct routing
        "0800 0400 05000000"  # WEIGHT: 5
        "0800 0500 00000000"  # U_THRESH
        "0800 0600 00000000",  # L_THRESH
    )
    assert sent(request(operation)) == bytes.fromhex(command) + service + destination


def test_a_destination_with_a_share_is_added_with_it_and_then_gets_its_weight() -> None:
    both = requests(AddDestination(WEB, SERVER, Destination(0, DR), share=5))
    added = AddDestination(WEB, SERVER, Destination(5, DR))
    edited = EditDestination(WEB, SERVER, Destination(0, DR))
    assert [sent(each) for each in both] == [sent(request(added)), sent(request(edited))]
    assert [sent(each) for each in requests(added)] == [sent(request(added))]


def test_deletions_have_only_the_identity() -> None:
    service = nested(1, WEB_KEY)
    assert sent(request(DeleteService(WEB))) == bytes.fromhex("03010000") + service
    assert sent(request(DeleteDestination(WEB, SERVER))) == (
        bytes.fromhex("07010000") + service + nested(2, SERVER_KEY)
    )


def test_reads_have_only_the_identity() -> None:
    assert sent(list_services()) == bytes.fromhex("04010000")
    assert sent(get_service(WEB)) == bytes.fromhex("04010000") + nested(1, WEB_KEY)
    assert sent(list_destinations(WEB)) == bytes.fromhex("08010000") + nested(1, WEB_KEY)


def test_a_service_is_read_from_the_kernels_bytes() -> None:
    assert read_service(received(SH_SERVICE)) == (WEB, SH)


def test_a_destination_with_thresholds_is_read_from_the_kernels_bytes() -> None:
    assert read_destination(received(LIMITED_DESTINATION), WEB) == (
        DestinationKey("198.51.100.2", 80),
        Destination(7, DR, 10, 3),
    )


WRR_6 = DNS_KEY + "0800 0600 777272000800 0800 00000000"
HASHED = "0c00 0700 02000000 ffffffff"
PREFIX_128 = "0800 0900 80000000"


def test_an_ipv6_service_is_read() -> None:
    assert read_service(answer(1, WRR_6 + HASHED + PREFIX_128)) == (DNS, Service("wrr"))


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("0c00 0700 06000000 ffffffff" + PREFIX_128, Service("wrr", one_packet=True)),
        (HASHED + "0800 0900 40000000", Service("wrr", prefix_length=64)),
        (HASHED + PREFIX_128 + "0800 0b00 73697000", Service("wrr", engine="sip")),
    ],
    ids=["one packet", "prefix", "engine"],
)
def test_further_settings_are_read(attributes: str, expected: Service) -> None:
    assert read_service(answer(1, WRR_6 + attributes)) == (DNS, expected)


@pytest.mark.parametrize(
    "attributes",
    ["0c00 0700 0a000000 ffffffff" + PREFIX_128, "0c00 0700 03000000 ffffffff" + PREFIX_128],
    ids=["flag of another scheduler", "persistence of 0 s"],
)
def test_unsupported_settings_show_as_other_settings(attributes: str) -> None:
    expected = Service("wrr", other_settings=True)
    assert read_service(answer(1, WRR_6 + attributes)) == (DNS, expected)


WRR_4 = WEB_KEY + "0800 0600 777272000800 0800 00000000" + HASHED


@pytest.mark.parametrize(
    ("netmask", "expected"),
    [
        ("ffffffff", Service("wrr")),
        ("ffffff00", Service("wrr", prefix_length=24)),
        ("80000000", Service("wrr", prefix_length=1)),
        ("ff00ff00", Service("wrr", prefix_length=8, other_settings=True)),
    ],
)
def test_a_netmask_is_read_as_its_length(netmask: str, expected: Service) -> None:
    """A netmask without a prefix length counts as an unsupported setting."""
    assert read_service(answer(1, WRR_4 + "0800 0900" + netmask)) == (WEB, expected)


def test_one_packet_prefix_length_and_engine_are_written() -> None:
    sip = Service("rr", frozenset(), 60, 24, "sip", one_packet=True)
    assert (
        sent(request(AddService(WEB, sip)))
        == bytes.fromhex("01010000")
        + nested(
            1,
            WEB_KEY + "0700 0600 7272 0000"
            "0c00 0700 05000000 ffffffff"  # persistent, one packet
            "0800 0800 3c000000"
            "0800 0900 ffffff00"  # network order
            "0800 0b00 73697000",
        )
    )


MARK = "0600 0100 0200 00000800 0500 07000000"
MARK_6 = "0600 0100 0a00 00000800 0500 07000000"
RR = "0700 0600 7272 00000800 0800 00000000" + HASHED


def test_a_firewall_mark_is_identified_by_its_number_and_family() -> None:
    assert sent(request(DeleteService(ServiceKey.for_mark(7)))) == (
        bytes.fromhex("03010000") + nested(1, MARK)
    )
    read = read_service(answer(1, MARK + RR + "0800 0900 ffffffff"))
    assert read == (ServiceKey.for_mark(7), Service("rr"))
    read = read_service(answer(1, MARK_6 + RR + PREFIX_128))
    assert read == (ServiceKey.for_mark(7, ipv6=True), Service("rr"))
    assert [str(each) for each in (ServiceKey.for_mark(7), ServiceKey.for_mark(7, ipv6=True))] == [
        "fwmark 7",
        "fwmark 7 (IPv6)",
    ]


def test_sctp_is_read_and_an_unsupported_protocol_is_not() -> None:
    sctp = WRR_4.replace("0600 0200 0600", "0600 0200 8400") + "0800 0900 ffffffff"
    key = ServiceKey(Protocol.SCTP, "192.0.2.1", 80)
    assert read_service(answer(1, sctp)) == (key, Service("wrr"))
    assert read_service(answer(1, sctp.replace("0600 0200 8400", "0600 0200 3300"))) is None


def test_unknown_attributes_are_skipped() -> None:
    unknown = "0800 3900 01020304"
    read = read_service(answer(1, unknown + WRR_6 + HASHED + PREFIX_128 + unknown))
    assert read == (DNS, Service("wrr"))


CONNECTIONS = "0800 0700 110000000800 0800 22000000"
NO_THRESHOLDS = "0800 0500 000000000800 0600 00000000"


def test_a_destination_and_its_connections_are_read() -> None:
    attributes = SERVER_KEY + "0800 0300 000000000800 0400 05000000" + NO_THRESHOLDS
    read = answer(2, attributes + CONNECTIONS + statistics(*range(1, 11)))
    assert read_destination(read, WEB) == (SERVER, Destination(5, NAT))
    expected = Counters(
        weight=5,
        active=17,
        inactive=34,
        total=Traffic(1, 2, 3, 4, 5),
        per_second=Traffic(6, 7, 8, 9, 10),
    )
    assert read_counters(read, WEB) == (SERVER, expected)


def test_without_64_bit_statistics_there_is_no_traffic() -> None:
    """Linux before 4.1."""
    attributes = SERVER_KEY + "0800 0300 000000000800 0400 05000000" + NO_THRESHOLDS
    read = answer(2, attributes + CONNECTIONS)
    assert read_counters(read, WEB) == (SERVER, Counters(weight=5, active=17, inactive=34))


def statistics(*numbers: int) -> str:
    """IPVS_DEST_ATTR_STATS64 with these numbers, each padded to 8 bytes as in the dumps above."""
    return nested(
        12,
        "".join(
            "0400 0b00 0c00" + kind.to_bytes(2, "little").hex() + number.to_bytes(8, "little").hex()
            for kind, number in enumerate(numbers, start=1)
        ),
    ).hex()


TUNNELLED = SERVER_KEY + "0800 0300 020000000800 0400 05000000" + NO_THRESHOLDS


@pytest.mark.parametrize(
    ("attributes", "tunnel"),
    [
        ("", Tunnel()),  # before Linux 5.2
        ("0500 0d00 00000000 0600 0e00 00000000 0600 0f00 00000000", Tunnel()),
        (
            "0500 0d00 01000000 0600 0e00 17c00000 0600 0f00 02000000",
            Tunnel(TunnelType.GUE, 6080, TunnelChecksum.REMOTE),
        ),
        (
            "0500 0d00 02000000 0600 0e00 00000000 0600 0f00 01000000",
            Tunnel(TunnelType.GRE, 0, TunnelChecksum.FULL),
        ),
        ("0500 0d00 09000000 0600 0e00 00000000 0600 0f00 00000000", None),
    ],
)
def test_a_tunnel_is_read_and_written(attributes: str, tunnel: Tunnel | None) -> None:
    """A tunnel of an unknown type is read as None."""
    _, destination = read_destination(answer(2, TUNNELLED + CONNECTIONS + attributes), WEB)
    assert destination == Destination(5, ForwardingMethod.TUN, tunnel=tunnel)
    if attributes and tunnel:
        assert sent(request(AddDestination(WEB, SERVER, destination))) == (
            bytes.fromhex("05010000") + nested(1, WEB_KEY) + nested(2, TUNNELLED + attributes)
        )


def test_an_unsupported_method_is_read_as_none() -> None:
    """A destination on this host (IP_VS_CONN_F_LOCALNODE)."""
    attributes = TUNNELLED.replace("0300 02000000", "0300 01000000") + CONNECTIONS
    _, destination = read_destination(answer(2, attributes), WEB)
    assert destination == Destination(5, None)


def test_an_address_without_its_family_is_of_the_services_family() -> None:
    """Kernels before 3.18."""
    key = "1400 0100 20010db8 00000000 00000000 000000010600 0200 0035 0000"
    attributes = key + "0800 0300 000000000800 0400 05000000" + NO_THRESHOLDS
    read_key, _ = read_destination(answer(2, attributes + CONNECTIONS), DNS)
    assert read_key == SERVER_6
