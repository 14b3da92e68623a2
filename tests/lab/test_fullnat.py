"""fullnat: real servers without a return route answer, and removed rules are restored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from hadirector.config import load
from hadirector.host.masquerade.reconciler import MasqueradeReconciler
from hadirector.host.masquerade.rules import Masquerades, ToolName
from hadirector.host.masquerade.tools import TOOLS
from hadirector.lab.topology import Host, Network
from hadirector.model.ipvs import DestinationKey, Protocol, ServiceKey
from tests.lab.answering import Answering, answer
from tests.lab.experiment import kernel_table, start_director
from tests.lab.namespaces import inside
from tests.waiting import eventually

EXAMPLE = Path(__file__).parents[2] / "configs/fullnat.yaml"
CLIENT, VIRTUAL = "192.168.122.70", "192.168.122.22"
START_SECONDS, REPAIR_SECONDS = 150.0, 10.0 + 15.0

CLIENT6, VIRTUAL6 = "fd00:122::70", "fd00:122::22"
MORE = """\
      - {address: 192.168.122.30:8080, check: none}
  - name: six
    address: "[fd00:122::22]:80"
    scheduler: rr
    forwarding: fullnat
    check: none
    real_servers: [{address: "fd00:122::45"}, {address: "fd00:122::46"}]
  - name: bypassed
    address: 192.168.122.22:81
    scheduler: rr
    forwarding: nat
    check: none
    real_servers: [{address: 192.168.122.45:80}]
"""


class Tool(NamedTuple):
    """The tool that holds the rules, and how a test lists and flushes them beside foreign rules."""

    listing: str
    foreign: str
    loss: str
    ours: list[str]
    theirs: list[str]


IPTABLES = Tool(
    listing="iptables-legacy -t nat -S",
    foreign="iptables-legacy -t nat -A POSTROUTING -s 198.51.100.0/24 -j MASQUERADE",
    loss="iptables-legacy -t nat -F hadirector",
    ours=[
        "-A POSTROUTING -j hadirector",
        "-A hadirector ! -o lo -p tcp -m conntrack --ctorigdst 192.168.122.22 --ctorigdstport 80"
        " -j MASQUERADE",
    ],
    theirs=["-A POSTROUTING -s 198.51.100.0/24 -j MASQUERADE"],
)
NFT = Tool(
    listing="nft list ruleset",
    foreign="nft add table ip other;"
    " add chain ip other c {type nat hook postrouting priority 100;};"
    " add rule ip other c ip saddr 198.51.100.0/24 masquerade",
    loss="nft flush table inet hadirector",
    ours=[
        f'oifname != "lo" meta l4proto tcp ct original {family} daddr {address}'
        " ct original proto-dst 80 masquerade"
        for family, address in (("ip", VIRTUAL), ("ip6", VIRTUAL6))
    ],
    theirs=["ip saddr 198.51.100.0/24 masquerade"],
)


@pytest.fixture
def hosts(network: Network) -> Iterator[tuple[Host, Host]]:
    """A client and a director; two servers, and one on the director, answer with their names."""
    client = network.host("client", f"{CLIENT}/24", f"{CLIENT6}/64")
    director = network.host(
        "director", "192.168.122.30/24", f"{VIRTUAL}/32", "fd00:122::30/64", f"{VIRTUAL6}/128"
    )
    with Answering() as servers:
        for name, number in (("web1", 45), ("web2", 46)):
            web = network.host(name, f"192.168.122.{number}/24", f"fd00:122::{number}/64")
            servers.listen(web, (80,))
        servers.listen(director, (8080,))
        yield client, director


def chosen_tool(host: Host) -> Tool:
    """Return the tool that a director chooses: nftables where the kernel has it."""
    nft, *rule = NFT.foreign.split()
    return IPTABLES if host.run(nft, "--check", *rule, check=False).returncode else NFT


def rules(host: Host, tool: Tool) -> list[str]:
    """Return the rules that replace source addresses, or jump to such rules."""
    lines = map(str.strip, host.run(*tool.listing.split()).stdout.splitlines())
    return sorted(each for each in lines if each.startswith("-A") or each.endswith("masquerade"))


@pytest.mark.ipvs
@pytest.mark.timeout(300)
def test_real_servers_need_no_return_route(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """The servers are in the client's network, where the replies of plain nat bypass the director.

    The rules are restored after a flush, and removed at a stop.
    """
    client, director = hosts
    text = EXAMPLE.read_text().replace("lb1", f"lb1\n  runtime_directory: {tmp_path}/run")
    tool = chosen_tool(director)
    director.run(*tool.foreign.split())
    running = start_director(director, text + MORE, tmp_path)
    eventually(lambda: len(kernel_table(director)), START_SECONDS, expected=9)
    answers = [answer(client, CLIENT, VIRTUAL, 80) for _ in range(6)]
    assert sorted(answers) == ["director"] * 2 + ["web1"] * 2 + ["web2"] * 2
    answers = [answer(client, CLIENT6, VIRTUAL6, 80) for _ in range(4)]
    assert sorted(answers) == ["web1"] * 2 + ["web2"] * 2
    with pytest.raises(TimeoutError):
        answer(client, CLIENT, VIRTUAL, 81)
    kept = sorted(tool.ours + tool.theirs)
    assert rules(director, tool) == kept

    director.run(*tool.loss.split())
    eventually(lambda: rules(director, tool), REPAIR_SECONDS, expected=kept)
    log = tmp_path / "director.log"
    eventually(lambda: "masquerade_repaired" in log.read_text(), 5.0, "the repair in the log")

    assert director.stop(running) == 0
    assert rules(director, tool) == tool.theirs


EVERY_KIND: Masquerades = {
    ServiceKey(Protocol.TCP, "192.0.2.1", 80): frozenset({DestinationKey("192.0.2.45", 8080)}),
    ServiceKey(Protocol.SCTP, "192.0.2.1", 0): frozenset({DestinationKey("192.0.2.1", 0)}),
    ServiceKey(Protocol.UDP, "2001:db8::1", 53): frozenset({DestinationKey("2001:db8::45", 53)}),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("nft", marks=pytest.mark.netns),
        pytest.param("iptables", marks=pytest.mark.ipvs),
    ],
)
@pytest.mark.usefixtures("own_namespace")
async def test_the_kernel_accepts_and_removes_every_kind_of_rule(name: ToolName) -> None:
    """For each protocol and address family, with a port and without."""
    tool = TOOLS[name]
    assert await tool.list_rules() == ""
    await tool.check(EVERY_KIND)
    await tool.apply(EVERY_KIND)
    first = await tool.list_rules()
    await tool.apply(EVERY_KIND)
    assert await tool.list_rules() == first
    for word in ("192.0.2.1", "2001:db8::1", "tcp", "sctp", "udp", "80", "53"):
        assert word in first
    assert first.lower().count("masquerade") == len(EVERY_KIND)
    await tool.remove()
    await tool.remove()
    assert await tool.list_rules() == ""


@pytest.mark.netns
async def test_nftables_masquerades_requests_to_the_virtual_address(
    hosts: tuple[Host, Host],
) -> None:
    """A destination translation replaces IPVS, which this kernel need not have."""
    client, director = hosts
    director.sysctl({"net.ipv4.ip_forward": "1"})
    translation = (
        "add table ip other; add chain ip other c {type nat hook prerouting priority -100;}"
    )
    rule = f"add rule ip other c ip daddr {VIRTUAL} tcp dport 80 dnat to 192.168.122.45"
    director.run("nft", f"{translation}; {rule}")
    foreign = director.run("nft", "list", "table", "ip", "other").stdout
    with pytest.raises(TimeoutError):
        answer(client, CLIENT, VIRTUAL, 80)

    held_by: list[ToolName | None] = []
    keeper = MasqueradeReconciler(load(EXAMPLE), None, held_by.append)
    with inside(director):
        await keeper.reconcile()
        assert (keeper.warnings, held_by) == ((), ["nft"])
        assert answer(client, CLIENT, VIRTUAL, 80) == "web1"
        director.run("nft", "flush", "table", "inet", "hadirector")
        await keeper.reconcile()
        assert keeper.repaired == 1
        assert answer(client, CLIENT, VIRTUAL, 80) == "web1"
        await keeper.withdraw()
    assert held_by == ["nft", None]
    assert director.run("nft", "list", "tables").stdout == "table ip other\n"
    assert director.run("nft", "list", "table", "ip", "other").stdout == foreign
