"""The printed files of BIRD and FRR import nothing, and export only our addresses."""

from hadirector.announce.engine_files import Peering, bird_file, frr_file
from hadirector.model.announcement import AnnouncedGroup, Announcement

ANNOUNCEMENT = Announcement(
    groups=(
        AnnouncedGroup(name="web", addresses=("203.0.113.1", "2001:db8::1"), pools=()),
        AnnouncedGroup(name="dns", addresses=("203.0.113.2",), pools=()),
    )
)
PEERING = Peering(asn=65001, neighbors=("192.0.2.1",), router_id="192.0.2.30", neighbor_asn=65000)


def test_bird_exports_our_addresses_and_imports_nothing() -> None:
    text = "\n".join(bird_file(ANNOUNCEMENT, PEERING))
    assert "net !~ [ 203.0.113.1/32, 203.0.113.2/32 ] then reject;" in text
    assert "net !~ [ 2001:db8::1/128 ] then reject;" in text
    assert "  ipv4 { import none; export filter hadirector_ipv4; };" in text
    assert "  neighbor 192.0.2.1 as 65000;" in text
    assert "bgp_med = 1000;\n    bgp_community.add((65535, 0));" in text
    assert "bgp_origin = ORIGIN_IGP;" in text
    assert "graceful restart off;" in text
    assert "interval 100 ms; multiplier 3;" in text


def test_frr_exports_our_addresses_and_imports_nothing() -> None:
    text = "\n".join(frr_file(ANNOUNCEMENT, PEERING))
    assert "ip prefix-list hadirector-ipv4 seq 5 permit 203.0.113.1/32" in text
    assert "ip prefix-list hadirector-ipv4 seq 10 permit 203.0.113.2/32" in text
    assert "route-map hadirector-in deny 10" in text
    assert "  neighbor 192.0.2.1 route-map hadirector-in in" in text
    assert "  neighbor 192.0.2.1 route-map hadirector-ipv4-out out" in text
    assert " match interface hadirector1\n set origin igp\n set metric 1000" in text
    assert " bgp graceful-restart-disable" in text
    assert "address-family ipv6" not in text


def test_without_an_address_of_a_family_nothing_of_it_is_exported() -> None:
    only4 = Announcement(groups=(AnnouncedGroup(name="a", addresses=("203.0.113.1",), pools=()),))
    assert "filter hadirector_ipv6 {\n  reject;\n}" in "\n".join(bird_file(only4, PEERING))
    assert "ipv6 prefix-list hadirector-ipv6 seq 5 deny any" in "\n".join(frr_file(only4, PEERING))
