"""Which real servers a pool has, from the members that it has accepted."""

from __future__ import annotations

from pathlib import Path

from hadirector.config import load
from hadirector.model.configuration import Configuration
from hadirector.model.discovery import Member
from hadirector.sources.admission import Accepted, AcceptedMember
from hadirector.sources.expansion import PoolSource, expand, find_unsuitable

FILE = """\
sources: [{name: members, type: file, path: /etc/members.json}]
virtual_servers:
  - name: web
    address: 192.0.2.10:80
    forwarding: %s
    scheduler: %s
    real_servers:
      - {address: 192.0.2.1, weight: 7}
      - {from: members, weight: 3, check: {type: tcp}}
"""
WEB = PoolSource("web", "members")


def configuration(directory: Path, forwarding: str = "dr", scheduler: str = "wrr") -> Configuration:
    file = directory / "lb.yaml"
    file.write_text(FILE % (forwarding, scheduler))
    return load(file)


def accepted(*members: Member, absent: tuple[Member, ...] = ()) -> dict[PoolSource, Accepted]:
    present = [AcceptedMember(member) for member in members]
    return {WEB: Accepted((*present, *(AcceptedMember(member, 5.0) for member in absent)))}


def pool(configuration: Configuration) -> list[tuple[str, int, bool, str]]:
    return [
        (each.name, each.weight, each.absent, each.check.identity.rpartition(" ")[0])
        for each in configuration.virtual_servers[0].real_servers
        if each.check is not None
    ]


def test_members_have_the_values_of_the_item_and_their_own_check(tmp_path: Path) -> None:
    found = expand(
        configuration(tmp_path),
        accepted(
            Member("192.0.2.2"),
            Member("192.0.2.3", 80, identity="a1", weight=9),
            absent=(Member("192.0.2.4"),),
        ),
    )
    assert pool(found) == [
        ("192.0.2.1:80", 7, False, "tcp 192.0.2.1:80"),
        ("192.0.2.2:80", 3, False, "tcp 192.0.2.2:80"),
        ("192.0.2.3:80", 9, False, "tcp 192.0.2.3:80 #a1"),
        ("192.0.2.4:80", 3, True, "tcp 192.0.2.4:80"),
    ]


def test_an_expansion_replaces_the_earlier_one_and_keeps_fixed_servers(tmp_path: Path) -> None:
    first = expand(configuration(tmp_path), accepted(Member("192.0.2.2")))
    second = expand(first, accepted(Member("192.0.2.1", weight=1), Member("192.0.2.3")))
    assert [name for name, *_ in pool(second)] == ["192.0.2.1:80", "192.0.2.3:80"]
    assert pool(second)[0][1] == 7  # the file comes first


def test_without_accepted_members_the_configuration_is_that_of_the_file(tmp_path: Path) -> None:
    file = configuration(tmp_path)
    assert expand(expand(file, accepted(Member("192.0.2.2"))), {}) == file


def test_a_hash_scheduler_keeps_the_configured_share(tmp_path: Path) -> None:
    """A member with weight 0 is absent, so its share of the table stays."""
    members = accepted(Member("192.0.2.2", weight=9), Member("192.0.2.3", weight=0))
    found = expand(configuration(tmp_path, scheduler="mh"), members)
    assert [(weight, absent) for _, weight, absent, _ in pool(found)] == [
        (7, False),
        (3, False),
        (3, True),
    ]


def test_a_pool_cannot_have_a_member_that_its_method_does_not_reach(tmp_path: Path) -> None:
    def unsuitable(forwarding: str, member: Member) -> str:
        server = configuration(tmp_path, forwarding).virtual_servers[0]
        return find_unsuitable(server, server.discovered[0], member)

    assert unsuitable("dr", Member("192.0.2.2")) == ""
    assert unsuitable("nat", Member("192.0.2.2", 8080)) == ""
    assert unsuitable("dr", Member("192.0.2.2", 8080)) == (
        "192.0.2.2:8080: dr cannot change the port, expected 80"
    )
    assert unsuitable("dr", Member("2001:db8::2")) == (
        "2001:db8::2 has another address family than the virtual server"
    )
    assert unsuitable("tun", Member("2001:db8::2")) == ""
    assert (
        unsuitable("nat", Member("192.0.2.10", 81)) == "192.0.2.10:81 is the virtual server itself"
    )
