"""What the director takes of the lists that the process of the sources reports."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from hadirector.config import load
from hadirector.dataplane.dataplane import Counters, TableCounters
from hadirector.model.configuration import Configuration
from hadirector.model.discovery import Member
from hadirector.model.ipvs import DestinationKey
from hadirector.sources.discovery import Discovery, MembersChanged, UnknownSourceError
from hadirector.sources.expansion import PoolSource
from hadirector.sources.messages import SourceFailed, SourceRead

SOURCE = "sources: [{name: members, type: file, path: /etc/members.json}]\n"
POOL = (
    "  - {name: %s, address: '192.0.2.100:%d', forwarding: nat, scheduler: rr,"
    " real_servers: [{from: members}]}\n"
)


def configuration(directory: Path, *names: str) -> Configuration:
    pools = "".join(POOL % (name, 80 + place) for place, name in enumerate(names))
    file = directory / "lb.yaml"
    file.write_text(
        f"director: {{state_directory: {directory}}}\n{SOURCE}virtual_servers:\n{pools}"
    )
    return load(file)


class Setting:
    """A discovery without its process, and the messages that it puts."""

    def __init__(self, directory: Path, *pools: str) -> None:
        self.directory = directory
        self.messages: list[Any] = []
        self.ended: list[tuple[str, str]] = []
        self.discovery = Discovery(
            configuration(directory, *pools), self._put, self._count, self._end_overrides
        )

    async def _put(self, message: Any) -> None:
        self.messages.append(message)
        if isinstance(message, MembersChanged):
            self.discovery.configure(message.expanded)

    async def _count(self, _: object) -> TableCounters:
        return {}

    async def _end_overrides(self, names: Collection[tuple[str, str]]) -> None:
        self.ended += names

    async def read(self, *last: int, weight: int | None = None) -> None:
        """Report a list of the source, and take it."""
        members = tuple(Member(f"192.0.2.{number}", 80, weight=weight) for number in last)
        self.discovery.note(SourceRead("members", members))
        await self.discovery._take_lists()

    def present(self, pool: str) -> int:
        [source] = self.discovery.status(0.0)
        return next(each.present for each in source.pools if each.virtual_server == pool)

    def refusal(self) -> str:
        return self.discovery.status(0.0)[0].pools[0].refusal


async def test_a_list_is_stored_and_known_after_a_restart(tmp_path: Path) -> None:
    setting = Setting(tmp_path, "web")
    await setting.read(1, 2)
    assert setting.present("web") == 2
    assert (
        len(
            Setting(tmp_path, "web")
            .discovery.expand(configuration(tmp_path, "web"))
            .virtual_servers[0]
            .real_servers
        )
        == 2
    )


async def test_a_new_pool_of_a_source_that_was_read_gets_the_known_list(tmp_path: Path) -> None:
    setting = Setting(tmp_path, "web")
    await setting.read(1, 2)
    changed = configuration(tmp_path, "web", "api")
    setting.discovery.configure(setting.discovery.expand(changed))
    await setting.discovery._take_lists()
    assert setting.present("api") == 2


async def test_a_reload_during_an_admission_ends_nothing(tmp_path: Path) -> None:
    setting = Setting(tmp_path, "web")
    await setting.read(1, 2)
    await setting.read(1)  # the other one is absent now, so its connections are read
    changed = configuration(tmp_path, "web", "api")

    async def reload(_: object) -> TableCounters:
        setting.discovery.configure(setting.discovery.expand(changed))
        return {}

    setting.discovery._read_counters = reload
    await setting.read(1)
    assert setting.present("web") == 1


async def test_an_acceptance_is_of_the_list_that_the_operator_saw(tmp_path: Path) -> None:
    setting = Setting(tmp_path, "web")
    await setting.read(*range(1, 11))
    await setting.read(1)
    assert setting.refusal() == (
        "the source names 1 member, and at least 5 of 10 are expected (50%)"
    )
    setting.discovery.accept("members")
    await setting.discovery._take_lists()
    assert setting.present("web") == 8  # 20 % within a minute
    await setting.read()
    assert setting.refusal() == (
        "the source names 0 members, and at least 4 of 8 are expected (50%)"
    )
    assert setting.present("web") == 8


async def test_members_with_weight_0_do_not_count_for_the_minimum(tmp_path: Path) -> None:
    setting = Setting(tmp_path, "web")
    await setting.read(*range(1, 11))
    await setting.read(*range(1, 11), weight=0)
    assert setting.refusal() == (
        "the source names 0 members, and at least 5 of 10 are expected (50%)"
    )


async def test_a_failure_keeps_the_members_and_is_shown_with_its_age(tmp_path: Path) -> None:
    setting = Setting(tmp_path, "web")
    await setting.read(1, 2)
    setting.discovery.note(SourceFailed("members", "refused"))
    await asyncio.sleep(0)
    [source] = setting.discovery.status(1e9)
    assert (source.failure, source.members) == ("refused", 2)
    assert source.age is not None
    assert source.age > 1e6


async def test_a_source_that_was_silent_for_long_has_an_age(tmp_path: Path) -> None:
    setting = Setting(tmp_path, "web")
    await setting.read(1)
    [source] = setting.discovery.status(1e9)
    assert source.age is not None
    assert source.age > 1e6


async def test_an_absent_member_with_a_weight_in_the_table_stays(tmp_path: Path) -> None:
    """An override of an operator can give it a weight, and then it still gets connections."""
    setting = Setting(tmp_path, "web")
    await setting.read(1, 2)
    await setting.read(1)
    server = setting.discovery._configuration.virtual_servers[0]
    pool = PoolSource("web", "members")
    assert await setting.discovery._idle(pool, server) == {("192.0.2.2", 80), ("192.0.2.2", 0)}

    async def weighted(_: object) -> TableCounters:
        return {server.keys[0]: {DestinationKey("192.0.2.2", 80): Counters(5, 0, 0)}}

    setting.discovery._read_counters = weighted
    assert await setting.discovery._idle(pool, server) == set()


def test_an_unknown_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownSourceError, match=r"no list was read from x \(sources: members\)"):
        Setting(tmp_path, "web").discovery.accept("x")


async def test_orders_end_when_another_server_has_the_address(tmp_path: Path) -> None:
    setting = Setting(tmp_path, "web")

    async def read(*identities: str) -> None:
        members = tuple(
            Member(f"192.0.2.{number}", 80, identity)
            for number, identity in enumerate(identities, 1)
        )
        setting.discovery.note(SourceRead("members", members))
        await setting.discovery._take_lists()
        await setting.discovery._take_lists()

    await read("", "b")
    await read("a", "b")  # the source has begun to send identities
    assert setting.ended == []
    await read("a", "c")
    assert setting.ended == [("web", "192.0.2.2:80")]
    await read("a", "c")
    assert setting.ended == [("web", "192.0.2.2:80")]
