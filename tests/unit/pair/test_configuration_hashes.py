"""Equal configurations have equal hashes, whatever differs on purpose between two hosts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec.structs import replace

from checks.definition.check import Route
from checks.definition.options import HttpProbe
from hadirector.model.alerts import AlertReceiver, Webhook
from hadirector.model.announcement import AnnouncedGroup, Announcement
from hadirector.model.configuration import RealServer, SyncDaemon, SysctlPolicy
from hadirector.model.discovery import Source
from hadirector.model.ipvs import DestinationKey, Service, SyncSettings
from hadirector.pair.configuration_hashes import hash_sections, join_hashes
from tests.builders import a_check, a_configuration, a_virtual_server, an_instance
from vrrp.model.configuration import (
    HmacAuthentication,
    HmacKey,
    PassAuthentication,
    Secret,
    UdpUnicast,
)

KEY = DestinationKey("10.0.0.21", 80)
SERVER = RealServer(key=KEY, check=a_check(KEY))
WEB = a_virtual_server(SERVER)
SYNC = SyncSettings(interface="eth1", id=7, group="224.0.0.81", port=8848, ttl=1)
DAEMON = SyncDaemon(instance="web", settings=SYNC)


def hashes(*servers: Any, **fields: Any) -> dict[str, str]:
    usual = {"vrrp": (an_instance(),), "sync_daemon": DAEMON}
    return dict(hash_sections(a_configuration(*(servers or (WEB,)), **(usual | fields))))


def changed(other: dict[str, str]) -> set[str]:
    """Return the sections whose hashes differ from those of the usual configuration."""
    usual = hashes()
    return {name for name in usual.keys() | other if usual.get(name) != other.get(name)}


def test_the_sections_of_a_configuration() -> None:
    found = hashes()
    assert [*found] == [
        "director",
        "sync_daemon",
        "sysctls",
        "connection_timeouts",
        "tracked_scripts",
        "tracked_processes",
        "notifications",
        "pair",
        "vrrp/web",
        "virtual_server/web",
    ]
    assert all(re.fullmatch("[0-9a-f]{12}", each) for each in found.values())


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "lb2"},
        {"runtime_directory": "/run/other"},
        {"vrrp": (an_instance(priority=200),)},
        {"vrrp": (an_instance(interface="bond0", virtual_mac=None),)},
        {"sync_daemon": replace(DAEMON, settings=replace(SYNC, interface="bond0"))},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_differs_on_purpose_does_not_count(fields: dict[str, Any]) -> None:
    assert changed(hashes(**fields)) == set()


def test_the_addresses_of_unicast_do_not_count_but_its_port_does() -> None:
    one = hashes(vrrp=(an_instance(transport=UdpUnicast("10.0.0.1", ("10.0.0.2",))),))
    other = hashes(vrrp=(an_instance(transport=UdpUnicast("10.0.0.2", ("10.0.0.1",))),))
    port = hashes(vrrp=(an_instance(transport=UdpUnicast("10.0.0.2", ("10.0.0.1",), 99)),))
    assert one == other
    assert one["vrrp/web"] != port["vrrp/web"]


@pytest.mark.parametrize(
    ("fields", "section"),
    [
        ({"dataplane": "userspace"}, "director"),
        ({"vrrp": (an_instance(virtual_router_id=52),)}, "vrrp/web"),
        ({"vrrp": (an_instance(advert_interval=0.5),)}, "vrrp/web"),
        ({"vrrp": ()}, "vrrp/web"),
        ({"sync_daemon": replace(DAEMON, settings=replace(SYNC, id=8))}, "sync_daemon"),
        ({"sysctls": SysctlPolicy(leave=frozenset({"conntrack"}))}, "sysctls"),
    ],
)
def test_a_change_is_in_one_section(fields: dict[str, Any], section: str) -> None:
    assert changed(hashes(**fields)) == {section}


SOURCE = Source(name="cloud", type="http", location="https://members.example/web")
WEBHOOK = Webhook(url=Secret(b"https://chat.example/a"), secret_file="/etc/hadirector/a.key")
PAGER = AlertReceiver(name="pager", webhook=WEBHOOK)
ANNOUNCE = Announcement(
    groups=(AnnouncedGroup(name="web", addresses=("203.0.113.1",), pools=("web",)),),
    engine="bird",
    engine_socket="/run/bird/bird.ctl",
)


@pytest.mark.parametrize(
    ("key", "section", "configured", "same", "other"),
    [
        (
            "sources",
            "source/cloud",
            (SOURCE,),
            (replace(SOURCE, token_file="/etc/hadirector/token", ca_file="/etc/ca.pem"),),
            (replace(SOURCE, poll=20.0),),
        ),
        (
            "alerts",
            "alerts",
            (PAGER,),
            (replace(PAGER, webhook=Webhook(url=Secret(b"https://chat.example/b"))),),
            (replace(PAGER, timeout=5.0),),
        ),
        (
            "announce",
            "announce",
            ANNOUNCE,
            replace(ANNOUNCE, engine_socket="/run/frr", device="edge0", reluctant_device="edge1"),
            replace(ANNOUNCE, lifetime=5),
        ),
    ],
)
def test_a_later_section_has_a_hash_if_it_is_configured(
    key: str, section: str, configured: Any, same: Any, other: Any
) -> None:
    """Files, devices and secrets of the host do not count."""
    found = hashes(**{key: configured})
    assert changed(found) == {section}
    assert hashes(**{key: same}) == found
    assert hashes(**{key: other})[section] != found[section]


@pytest.mark.parametrize(
    "server",
    [
        replace(WEB, service=Service("rr")),
        replace(WEB, real_servers=()),
        replace(WEB, real_servers=(replace(SERVER, weight=5),)),
        replace(WEB, real_servers=(replace(SERVER, check=None),)),
        replace(WEB, quorum=2),
    ],
)
def test_a_change_of_a_virtual_server(server: Any) -> None:
    assert changed(hashes(server)) == {"virtual_server/web"}


def test_the_source_of_probes_is_an_address_of_the_host() -> None:
    check = replace(a_check(KEY), route=Route(source="10.0.0.2", interface="eth3"))
    assert changed(hashes(replace(WEB, real_servers=(replace(SERVER, check=check),)))) == set()


def test_no_secret_has_an_effect() -> None:
    def passwords(text: bytes) -> dict[str, str]:
        probe = HttpProbe(headers=(("Authorization", text.decode()),))
        check = replace(a_check(KEY), probe=probe)
        password = an_instance(authentication=PassAuthentication(Secret(text)))
        keys = HmacAuthentication(
            mode="enforce", send_key=1, keys=(HmacKey(1, Secret(text)),), window=5.0
        )
        return hashes(
            replace(WEB, real_servers=(replace(SERVER, check=check),)),
            vrrp=(password, an_instance(name="mail", authentication=keys)),
        )

    assert passwords(b"abc") == passwords(b"def")


def test_the_kind_of_authentication_counts() -> None:
    password = an_instance(authentication=PassAuthentication(Secret(b"abc")))
    assert changed(hashes(vrrp=(password,))) == {"vrrp/web"}


def test_the_whole_is_a_hash_of_all_sections() -> None:
    one, other = join_hashes(hashes()), join_hashes(hashes(dataplane="userspace"))
    assert one.whole != other.whole
    assert one == join_hashes(hashes(name="lb2"))
