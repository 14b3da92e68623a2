"""Static addresses, routes and rules on the real kernel: held in every state, until the stop."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.experiment import DIRECTOR_ADDRESSES, start_director
from tests.lab.speaking import FIRST, settle
from tests.waiting import eventually
from vrrp.model.configuration import Placement, Unicast
from vrrp.model.report import State
from vrrp.model.static_items import StaticItems
from vrrp.speaker import Speaker

pytestmark = pytest.mark.netns

SECONDS = 15.0
VIRTUAL_ADDRESS = "192.168.122.22"

ADDRESSES = (
    "{address: 10.60.0.1/24, device: eth0}",
    "{address: 10.60.0.2/24, device: eth0}",
    "{address: '2001:db8:60::1/64', device: eth0}",
)
ROUTES = (
    "{destination: 10.61.0.0/16, gateway: 10.60.0.9, metric: 7}",
    "{destination: 10.62.0.0/16,"
    " nexthops: [{gateway: 10.60.0.9, weight: 2}, {gateway: 10.60.0.8}]}",
)
RULES = ("{priority: 1200, from: 10.61.0.0/16, table: 100}",)
EVERYTHING = {
    "10.60.0.1/24",
    "10.60.0.2/24",
    "2001:db8:60::1/64",
    "10.61.0.0/16 via 10.60.0.9 dev eth0 metric 7",
    "10.62.0.0/16 nexthop via 10.60.0.9 dev eth0 weight 2 nexthop via 10.60.0.8 dev eth0 weight 1",
    "1200: from 10.61.0.0/16 lookup 100 proto 112",
}
FOREIGN_ROUTE = "10.61.0.0/16 via 192.168.122.99 dev eth0 proto static metric 9"
FOREIGN_ADDRESS = "10.63.0.1/24"


class LoneDirector:
    """A director without a peer, with static items, on a host with an address and a route."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.host: Host = network.host("director1", f"{DIRECTOR_ADDRESSES[0]}/24")
        self.directory = directory
        self.host.ip(f"route add {FOREIGN_ROUTE}", f"address add {FOREIGN_ADDRESS} dev eth0")

    def write(
        self,
        more: str = "",
        *,
        addresses: Sequence[str] = ADDRESSES,
        routes: Sequence[str] = ROUTES,
        rules: Sequence[str] = RULES,
        on_stop: str = "release",
    ) -> str:
        """Return a configuration, with more keys for the instance."""
        runtime = f"{self.directory}/lb1"
        return (
            f"director: {{name: lb1, dataplane: dry-run, runtime_directory: {runtime},"
            f" on_stop: {on_stop}}}\n"
            f"static: {{addresses: [{', '.join(addresses)}], routes: [{', '.join(routes)}],"
            f" rules: [{', '.join(rules)}]}}\n"
            "vrrp: [{name: web, virtual_router_id: 51, advert_interval: 500ms,"
            f" virtual_addresses: [{VIRTUAL_ADDRESS}], {more or 'interface: eth0'}}}]\n"
        )

    def start(self, text: str) -> subprocess.Popen[str]:
        return start_director(self.host, text, self.directory)

    def reload(self, process: subprocess.Popen[str], text: str) -> None:
        (self.directory / "director1.yaml").write_text(text)
        process.send_signal(signal.SIGHUP)

    def items(self) -> set[str]:
        """Return the addresses with a lifetime, and the routes and rules with our number."""
        shown = self.host.run("ip", "-json", "address", "show", "dynamic").stdout
        found = {
            f"{each['local']}/{each['prefixlen']}"
            for link in json.loads(shown)
            for each in link.get("addr_info", ())
            if each  # iproute2 shows an address that it leaves out as {}
        }
        routes = self.host.run("ip", "route", "show", "proto", "112").stdout
        found |= {" ".join(line.split()) for line in routes.replace("\n\t", " ").splitlines()}
        rules = self.host.run("ip", "rule", "show", "priority", "1200").stdout
        return found | {" ".join(line.split()) for line in rules.splitlines()}

    def has_foreign(self) -> bool:
        """Return whether the address and the route of another program are as before."""
        routes = self.host.run("ip", "route", "show", "10.61.0.0/16").stdout
        return FOREIGN_ROUTE.removeprefix("10.61.0.0/16 ") in routes and self.host.holds(
            FOREIGN_ADDRESS.partition("/")[0]
        )

    def logged(self, event: str) -> list[dict[str, object]]:
        lines = (self.directory / "director1.log").read_text().splitlines()
        return [found for line in lines if (found := json.loads(line))["event"] == event]


@pytest.fixture
def director(network: Network, tmp_path: Path) -> LoneDirector:
    return LoneDirector(network, tmp_path)


@pytest.mark.parametrize(
    ("more", "virtual"),
    [
        ("interface: eth0", {f"{VIRTUAL_ADDRESS}/32"}),
        ("interface: eth0, start_delay: 60s", set()),
        ("interface: eth9", set()),
    ],
    ids=["ACTIVE", "BACKUP", "FAULT"],
)
def test_the_items_stand_in_every_state_and_go_at_the_stop(
    director: LoneDirector, more: str, virtual: set[str]
) -> None:
    """A foreign address, and a foreign route to the same destination, stay."""
    process = director.start(director.write(more))
    eventually(director.items, SECONDS, expected=EVERYTHING | virtual)
    states = {str(each["state"]) for each in director.logged("vrrp_state_changed")}
    assert states == ({"BACKUP", "ACTIVE"} if virtual else {"BACKUP"} if "eth0" in more else set())
    director.host.stop(process)
    assert director.items() == set()
    assert director.has_foreign()


def test_an_item_that_another_program_removes_comes_back(director: LoneDirector) -> None:
    process = director.start(director.write("interface: eth0, start_delay: 60s"))
    eventually(director.items, SECONDS, expected=EVERYTHING)
    director.host.ip(
        "address delete 10.60.0.1/24 dev eth0",
        "address delete 2001:db8:60::1/64 dev eth0",
        "rule delete priority 1200",
    )
    eventually(director.items, SECONDS, expected=EVERYTHING)
    director.host.ip("route delete 10.62.0.0/16")
    eventually(director.items, SECONDS, expected=EVERYTHING)
    (first, *_) = director.logged("address_removed")
    assert (first["section"], first["address"]) == ("static", "10.60.0.1")
    director.host.stop(process)


def test_a_reload_removes_and_adds_items_and_leaves_the_others(director: LoneDirector) -> None:
    """A reload without the section removes all items."""
    process = director.start(director.write("interface: eth9"))
    eventually(director.items, SECONDS, expected=EVERYTHING)
    more = "{destination: 10.64.0.0/16, type: prohibit}"
    text = director.write(
        "interface: eth9", addresses=ADDRESSES[:1], routes=(ROUTES[0], more), rules=()
    )
    director.reload(process, text)
    expected = {
        "10.60.0.1/24",
        "10.61.0.0/16 via 10.60.0.9 dev eth0 metric 7",
        "prohibit 10.64.0.0/16",
    }
    eventually(director.items, SECONDS, expected=expected)
    director.reload(process, re.sub("static: .*", "", text))
    eventually(director.items, SECONDS, expected=set())
    assert director.has_foreign()
    director.host.stop(process)


def test_a_stop_that_keeps_leaves_the_items_to_the_next_start(director: LoneDirector) -> None:
    """The next start removes a route that its configuration no longer has."""
    process = director.start(director.write("interface: eth9", on_stop="keep"))
    eventually(director.items, SECONDS, expected=EVERYTHING)
    director.host.stop(process)
    assert director.items() == EVERYTHING
    process = director.start(director.write("interface: eth9", routes=ROUTES[:1]))
    without = {each for each in EVERYTHING if "nexthop" not in each}
    eventually(director.items, SECONDS, expected=without)
    director.host.stop(process)
    assert director.items() == set()


def test_killed_processes_leave_the_items_and_the_next_start_continues_with_them(
    director: LoneDirector,
) -> None:
    """The virtual address goes when the director alone is killed; the static items stay."""
    everything = EVERYTHING | {f"{VIRTUAL_ADDRESS}/32"}
    process = director.start(director.write())
    eventually(director.items, SECONDS, expected=everything)
    process.kill()
    eventually(director.items, SECONDS, expected=EVERYTHING)
    director.start(director.write())
    eventually(director.items, SECONDS, expected=everything)
    director.host.kill_processes()
    assert director.items() >= EVERYTHING
    process = director.start(director.write())
    eventually(lambda: director.logged("director_started")[2:], SECONDS, "the third start")
    eventually(director.items, SECONDS, expected=everything)
    assert not director.logged("address_removed") + director.logged("route_removed")
    director.host.stop(process)
    assert director.items() == set()
    assert director.has_foreign()


def test_rules_alone_need_no_interface(director: LoneDirector) -> None:
    process = director.start(director.write("interface: eth9", addresses=(), routes=()))
    eventually(director.items, SECONDS, expected={"1200: from 10.61.0.0/16 lookup 100 proto 112"})
    director.host.stop(process)
    assert director.items() == set()


async def test_an_instance_sends_from_a_static_address(speaker: Speaker, host: Host) -> None:
    """The task of the reconciler adds more than 16 addresses, after the links have been read."""
    source = Unicast(source="10.60.0.40", peers=("10.60.0.9",))
    await speaker.configure([msgspec.structs.replace(FIRST, transport=source)])
    await settle(lambda: speaker.statuses()[0].fault, expected="source_missing")
    addresses = [Placement(f"10.60.0.{end}/24", device="eth0") for end in range(10, 41)]
    speaker.keep_static(StaticItems(addresses=tuple(addresses)))
    await settle(lambda: speaker.statuses()[0].state, expected=State.ACTIVE)
    await speaker.release_now()
    assert host.holds("10.60.0.40")
