"""Decides which notify scripts run for a changed state, and stores the last notified states.

The stored states survive a restart in the snapshot, and the next start runs scripts only for states
that differ. A state is stored when all its scripts have ended. If the director ends before that,
the next start runs the scripts again, so they run at least once for each state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final

from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ServiceKey
from hadirector.model.notification import NotifyScript, Word
from hadirector.notify.queues import ScriptQueues, Waiting
from hadirector.notify.state import END, INSTANCE_STATES, NewState, Subject, group_state
from hadirector.notify.subjects import Pool, notified_pools, scripts_by_subject, subjects
from hadirector.pools.decision import Judgement
from hadirector.pools.facts import Facts
from vrrp.model.report import State

FINISH_SECONDS_MAX: Final = 5.0


class Notifier:
    """Queues changed states, and runs their scripts in the task `run`.

    ``told`` is, by object, the state for which its scripts ran last. ``note_change`` is called
    when it changes.
    """

    def __init__(
        self, configuration: Configuration, note_change: Callable[[], None] = lambda: None
    ) -> None:
        self.told: dict[str, Word] = {}
        self._note_change = note_change
        # The latest state of each object. Its scripts have ended, run or wait.
        self._latest: dict[Subject, NewState] = {}
        self._queues = ScriptQueues(self._note_told)
        self._scripts: dict[Subject, tuple[NotifyScript, ...]] = {}
        self._groups: dict[str, tuple[str, ...]] = {}
        self._pools: tuple[Pool, ...] = ()
        self._stopping = False
        self.configure(configuration)

    def configure(self, configuration: Configuration) -> None:
        """Replace the configuration. Its scripts run for the states that change from now on.

        An object that is removed gets its last state with the scripts that it had. Scripts
        for states that already wait are not replaced.
        """
        before, self._scripts = self._scripts, scripts_by_subject(configuration)
        if gone := before.keys() - self._scripts.keys():
            present = frozenset(subjects(configuration))
            for subject in gone:
                if subject not in present:
                    self._end(subject, before[subject])
                self._latest.pop(subject, None)
                self.told.pop(str(subject), None)
        instances = configuration.vrrp
        names = {each.sync_group for each in instances if each.sync_group is not None}
        self._groups = {
            name: tuple(each.name for each in instances if each.sync_group == name)
            for name in names
        }
        self._pools = notified_pools(configuration, self._scripts)

    def restore(
        self,
        told: Mapping[str, Word],
        states: Mapping[str, State],
        priority: Callable[[str], int],
    ) -> None:
        """Continue after an earlier run, whose scripts ran for these states.

        ``states`` are the states of the instances whose vrrp process continues. Scripts run
        for the states that have changed since.
        """
        known = {str(subject): subject for subject in self._scripts}
        self.told = {name: word for name, word in told.items() if name in known}
        for subject, _, number in self._instance_words(states, priority):
            if (word := self.told.get(str(subject))) is not None:
                self._latest[subject] = NewState(subject, word, number)
        self.note_instances(states, priority)

    def note_instances(self, states: Mapping[str, State], priority: Callable[[str], int]) -> None:
        """Queue the states of instances and sync groups that have changed.

        ``priority`` returns the priority of an instance. INITIALIZE is not reported as a
        fault before an instance has taken part in elections.
        """
        for subject, word, number in self._instance_words(states, priority):
            if word in ("fault", "stop") and subject not in self._latest:
                continue
            self._note(NewState(subject, word, number))

    def note_pools(
        self,
        changed: Collection[ServiceKey] | None,
        judgements: Mapping[str, Judgement],
        facts: Facts,
    ) -> None:
        """Queue the states of pools and real servers that have changed.

        ``changed`` are the services with a new decision; None stands for all services.
        """
        for pool in self._pools:
            if changed is not None and not any(key in changed for key in pool.server.keys):
                continue
            for subject, word, real_server in pool.words(judgements[pool.server.name], facts):
                latest = self._latest.get(subject)
                if latest is None or latest.word != word:
                    judgement = judgements[pool.server.name]
                    self._note(pool.state(subject, word, real_server, judgement))

    async def run(self) -> None:
        """Run scripts until cancelled, which kills the running scripts."""
        await self._queues.run()

    def stop(self, *, release: bool) -> None:
        """Treat INITIALIZE as the end of an instance from now on, and not as a fault.

        With ``release``, queue the end of pools and real servers for the scripts that
        request it.
        """
        self._stopping = True
        if release:
            for pool in self._pools:
                for subject in pool.subjects:
                    self._end(subject, self._scripts.get(subject, ()))

    async def finish(self) -> None:
        """Wait at most 5 s until all scripts have ended."""
        await self._queues.finish(FINISH_SECONDS_MAX)

    def _instance_words(
        self, states: Mapping[str, State], priority: Callable[[str], int]
    ) -> Iterator[tuple[Subject, Word, int]]:
        """Yield the state and the priority of each instance and group that is known."""
        for name, state in states.items():
            if (subject := Subject("INSTANCE", name)) in self._scripts:
                yield subject, self._word(state), priority(name)
        for name, members in self._groups.items():
            subject = Subject("GROUP", name)
            if subject in self._scripts and states.keys() >= set(members):
                state = group_state(states[member] for member in members)
                yield subject, self._word(state), priority(members[0])

    def _word(self, state: State) -> Word:
        return "stop" if self._stopping and state is State.INITIALIZE else INSTANCE_STATES[state]

    def _note(self, new: NewState) -> None:
        """Queue a state unless it is the latest state of its object."""
        subject = new.subject
        latest = self._latest.get(subject)
        before = self.told.get(str(subject)) if latest is None else latest.word
        self._latest[subject] = new
        if new.word != before:
            self._enqueue(new, self._scripts[subject])

    def _end(self, subject: Subject, scripts: Iterable[NotifyScript]) -> None:
        """Queue the last state of an object, if its scripts want it."""
        latest = self._latest.get(subject)
        if latest is None or latest.word not in END:
            return
        wanted = [script for script in scripts if script.at_stop or not latest.pool]
        last = latest.after_end
        if any(last.word in script.on for script in wanted):
            self._latest[subject] = last
            self._enqueue(last, wanted)

    def _enqueue(self, new: NewState, scripts: Iterable[NotifyScript]) -> None:
        fitting = tuple(script for script in scripts if new.word in script.on)
        if fitting or self._queues.has(new.subject):
            self._queues.add(Waiting(new, fitting))
        else:
            self._note_told(new)

    def _note_told(self, new: NewState) -> None:
        if new.subject in self._scripts:
            self.told[str(new.subject)] = new.word
            self._note_change()
