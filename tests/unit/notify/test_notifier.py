"""The order in which notify scripts run for new states, and the states that a slow one misses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from checks.script_runner.script import Ended, Script
from hadirector.model.notification import INSTANCE_WORDS, Notification, NotifiedObject, NotifyScript
from hadirector.notify import queues
from hadirector.notify.notifier import Notifier
from hadirector.notify.state import group_state
from tests.builders import a_configuration, an_instance
from vrrp.model.configuration import InstanceConfiguration
from vrrp.model.report import State

INITIALIZE, BACKUP, ACTIVE = State.INITIALIZE, State.BACKUP, State.ACTIVE


def instance(name: str, sync_group: str | None = None) -> InstanceConfiguration:
    return an_instance(name=name, virtual_addresses=("192.0.2.10/32",), sync_group=sync_group)


def notification(kind: NotifiedObject, name: str) -> Notification:
    script = NotifyScript(script=Script(path=f"/{name}"), on=INSTANCE_WORDS)
    return Notification(kind=kind, name=name, scripts=(script,))


CONFIGURATION = a_configuration(
    vrrp=(instance("web", "both"), instance("mail", "both"), instance("alone")),
    notifications=(
        notification("INSTANCE", "web"),
        notification("INSTANCE", "alone"),
        notification("GROUP", "both"),
    ),
)


class Scripts:
    """Replaces the runner of scripts. The scripts end while ``go`` is set."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.environments: list[dict[str, str]] = []
        self.go = asyncio.Event()
        self.go.set()

    async def run(self, script: Script, *arguments: str, environment: Mapping[str, str]) -> Ended:
        self.environments.append(dict(environment))
        self.runs.append(" ".join((script.path, *arguments)))
        await self.go.wait()
        return Ended(0, "exit status 0")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Scripts:
    made = Scripts()
    monkeypatch.setattr(queues, "run", made.run)
    return made


def note(notifier: Notifier, priority: int, states: Mapping[str, State]) -> None:
    notifier.note_instances(states, lambda _instance: priority)


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
def test_the_state_of_a_group_follows_from_its_members(members: list[State], state: State) -> None:
    assert group_state(members) is state


async def test_scripts_get_the_states_of_keepalived_in_order(scripts: Scripts) -> None:
    notifier = Notifier(CONFIGURATION)
    for state, priority in ((BACKUP, 100), (ACTIVE, 100), (INITIALIZE, 50)):
        note(notifier, priority, {"alone": state})
    notifier.stop(release=True)
    note(notifier, 50, {"alone": INITIALIZE})
    await finished(notifier)
    assert scripts.runs == [
        "/alone INSTANCE alone BACKUP 100",
        "/alone INSTANCE alone MASTER 100",
        "/alone INSTANCE alone FAULT 50",
        "/alone INSTANCE alone STOP 50",
    ]


async def test_the_script_of_a_group_runs_once_for_all_members(scripts: Scripts) -> None:
    """A member without a script still counts for the group."""
    notifier = Notifier(CONFIGURATION)
    note(notifier, 100, {"web": BACKUP})
    note(notifier, 100, {"web": BACKUP, "mail": BACKUP})
    note(notifier, 100, {"web": ACTIVE, "mail": BACKUP})
    note(notifier, 100, {"web": ACTIVE, "mail": ACTIVE})
    await finished(notifier)
    assert [each for each in scripts.runs if each.startswith("/both")] == [
        "/both GROUP both BACKUP 100",
        "/both GROUP both MASTER 100",
    ]


async def test_a_slow_script_misses_old_states_but_not_the_last(
    scripts: Scripts,
) -> None:
    """16 states wait, in addition to the state of the running script."""
    notifier = Notifier(CONFIGURATION)
    running = asyncio.create_task(notifier.run())
    scripts.go.clear()
    for priority in range(1, 21):
        note(notifier, priority, {"alone": ACTIVE if priority % 2 else BACKUP})
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    scripts.go.set()
    await notifier.finish()
    running.cancel()
    priorities = [int(each.rpartition(" ")[2]) for each in scripts.runs]
    assert priorities == [1, *range(5, 21)]


async def test_a_slow_script_does_not_delay_other_scripts(scripts: Scripts) -> None:
    notifier = Notifier(CONFIGURATION)
    running = asyncio.create_task(notifier.run())
    scripts.go.clear()
    note(notifier, 1, {"web": ACTIVE})
    note(notifier, 2, {"web": BACKUP})
    note(notifier, 3, {"alone": ACTIVE})
    for _ in range(5):
        await asyncio.sleep(0)
    assert sorted(scripts.runs) == ["/alone INSTANCE alone MASTER 3", "/web INSTANCE web MASTER 1"]
    running.cancel()
