"""Who is told of which state, in which order, and what happens when nobody listens."""

from __future__ import annotations

import asyncio

import pytest

from checks.script_runner.script import Ended, Script
from hadirector.election import notify
from hadirector.election.notify import Notifier, group_state
from hadirector.model.configuration import Notification, NotifiedObject
from tests.builders import a_configuration, an_instance
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State

INITIALIZE, BACKUP, ACTIVE = State.INITIALIZE, State.BACKUP, State.ACTIVE


def instance(name: str, sync_group: str | None = None) -> InstanceConfiguration:
    return an_instance(name=name, virtual_addresses=("192.0.2.10/32",), sync_group=sync_group)


def notification(kind: NotifiedObject, name: str) -> Notification:
    return Notification(kind=kind, name=name, script=Script(path=f"/{name}"))


CONFIGURATION = a_configuration(
    vrrp=(instance("web", "both"), instance("mail", "both"), instance("alone")),
    notifications=(
        notification("INSTANCE", "web"),
        notification("INSTANCE", "alone"),
        notification("GROUP", "both"),
    ),
)


class Scripts:
    """Stands where scripts are run; ``go`` lets them end."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.go = asyncio.Event()
        self.go.set()

    async def run(self, script: Script, *arguments: str) -> Ended:
        self.told.append(" ".join((script.path, *arguments)))
        await self.go.wait()
        return Ended(True, "exit status 0")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Scripts:
    made = Scripts()
    monkeypatch.setattr(notify, "run", made.run)
    return made


async def finished(notifier: Notifier) -> None:
    running = asyncio.create_task(notifier.run())
    await notifier.finish()
    running.cancel()


@pytest.mark.parametrize(
    ("members", "state"),
    [
        ([ACTIVE, ACTIVE], ACTIVE),
        ([ACTIVE, BACKUP], BACKUP),
        ([BACKUP, BACKUP], BACKUP),
        ([ACTIVE, INITIALIZE], INITIALIZE),
        ([BACKUP, INITIALIZE], INITIALIZE),
    ],
)
def test_a_group_is_what_all_its_members_are(members: list[State], state: State) -> None:
    assert group_state(members) is state


async def test_states_are_told_in_keepalived_s_words_and_in_their_order(scripts: Scripts) -> None:
    notifier = Notifier(CONFIGURATION)
    for state, priority in ((BACKUP, 100), (ACTIVE, 100), (INITIALIZE, 50)):
        notifier.note_state("alone", priority, {"alone": state})
    notifier.stop()
    notifier.note_state("alone", 50, {"alone": INITIALIZE})
    await finished(notifier)
    assert scripts.told == [
        "/alone INSTANCE alone BACKUP 100",
        "/alone INSTANCE alone MASTER 100",
        "/alone INSTANCE alone FAULT 50",
        "/alone INSTANCE alone STOP 50",
    ]


async def test_a_group_is_told_once_for_all_its_members(scripts: Scripts) -> None:
    """One without a script is told to nobody, and still counts for the group."""
    notifier = Notifier(CONFIGURATION)
    notifier.note_state("web", 100, {"web": BACKUP})
    notifier.note_state("mail", 100, {"web": BACKUP, "mail": BACKUP})
    notifier.note_state("web", 100, {"web": ACTIVE, "mail": BACKUP})
    notifier.note_state("mail", 100, {"web": ACTIVE, "mail": ACTIVE})
    await finished(notifier)
    assert [each for each in scripts.told if each.startswith("/both")] == [
        "/both GROUP both BACKUP 100",
        "/both GROUP both MASTER 100",
    ]


async def test_a_script_that_takes_long_misses_old_states_but_not_the_last(
    scripts: Scripts,
) -> None:
    """16 wait; the one that is running is not one of them."""
    notifier = Notifier(CONFIGURATION)
    running = asyncio.create_task(notifier.run())
    scripts.go.clear()
    for priority in range(1, 21):
        notifier.note_state("alone", priority, {"alone": ACTIVE})
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    scripts.go.set()
    await notifier.finish()
    running.cancel()
    priorities = [int(each.rpartition(" ")[2]) for each in scripts.told]
    assert priorities == [1, *range(5, 21)]


async def test_a_script_of_another_instance_waits_for_nobody(scripts: Scripts) -> None:
    notifier = Notifier(CONFIGURATION)
    running = asyncio.create_task(notifier.run())
    scripts.go.clear()
    notifier.note_state("web", 1, {"web": ACTIVE})
    notifier.note_state("web", 2, {"web": BACKUP})
    notifier.note_state("alone", 3, {"alone": ACTIVE})
    for _ in range(5):
        await asyncio.sleep(0)
    assert sorted(scripts.told) == ["/alone INSTANCE alone MASTER 3", "/web INSTANCE web MASTER 1"]
    running.cancel()
