"""Finds the objects of a configuration that have notify scripts, and the states of pools. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from checks.definition.result import Verdict
from hadirector.model.configuration import Configuration, RealServer, VirtualServer
from hadirector.model.notification import REAL_SERVER_WORDS, NotifyScript, Word
from hadirector.notify.state import NewState, Subject
from hadirector.overrides.model import RealServerName
from hadirector.pools.decision import Judgement
from hadirector.pools.facts import Facts


class Pool(NamedTuple):
    """A pool with notify scripts: its own subject if it has scripts, and its real servers."""

    server: VirtualServer
    pool: Subject | None
    members: tuple[tuple[Subject, RealServer], ...]

    @property
    def subjects(self) -> Iterator[Subject]:
        """The subjects, real servers first. This is also the order in which they end."""
        yield from (subject for subject, _ in self.members)
        if self.pool is not None:
            yield self.pool

    def words(
        self, judgement: Judgement, facts: Facts
    ) -> Iterator[tuple[Subject, Word, RealServer | None]]:
        """Yield the states of the real servers and of the pool, as far as they are known."""
        for subject, real_server in self.members:
            word = real_server_word(real_server, facts)
            if word is not None:
                yield subject, word, real_server
        if self.pool is not None and judgement.quorum is not None:
            yield self.pool, "quorum_up" if judgement.quorum else "quorum_down", None

    def state(
        self, subject: Subject, word: Word, real_server: RealServer | None, judgement: Judgement
    ) -> NewState:
        """Return a state with the weight of the real server, or the passing weight of the pool."""
        if real_server is None:
            return NewState(subject, word, judgement.passing, self.server.name)
        key = real_server.key
        weight = judgement.derivations[key][-1].weight or 0
        return NewState(subject, word, weight, self.server.name, key.address, key.port)


def scripts_by_subject(configuration: Configuration) -> dict[Subject, tuple[NotifyScript, ...]]:
    """Return the notify scripts of each object that has any.

    For ``up`` and ``down``, a real server without own scripts uses the scripts of its pool.
    """
    own = {Subject(each.kind, each.name): each.scripts for each in configuration.notifications}
    found = dict(own)
    for server in configuration.virtual_servers:
        scripts = own.get(Subject("POOL", server.name), ())
        inherited = tuple(each for each in scripts if {*each.on} & {*REAL_SERVER_WORDS})
        if inherited:
            for real_server in server.real_servers:
                found.setdefault(_real_server_subject(server, real_server), inherited)
    return found


def notified_pools(
    configuration: Configuration, scripts: Mapping[Subject, object]
) -> tuple[Pool, ...]:
    """Return the pools with scripts in ``scripts``, of the pool itself or of its real servers."""
    pools = []
    with_scripts = {subject.pool for subject in scripts}
    for server in configuration.virtual_servers:
        if server.name in with_scripts:
            subject = Subject("POOL", server.name)
            members = (
                (_real_server_subject(server, real_server), real_server)
                for real_server in server.real_servers
            )
            pools.append(
                Pool(
                    server,
                    subject if subject in scripts else None,
                    tuple(member for member in members if member[0] in scripts),
                )
            )
    return tuple(pools)


def subjects(configuration: Configuration) -> Iterator[Subject]:
    """Yield all objects that can have scripts."""
    for instance in configuration.vrrp:
        yield Subject("INSTANCE", instance.name)
        if instance.sync_group is not None:
            yield Subject("GROUP", instance.sync_group)
    for server in configuration.virtual_servers:
        yield Subject("POOL", server.name)
        for real_server in server.real_servers:
            yield _real_server_subject(server, real_server)


def real_server_word(real_server: RealServer, facts: Facts) -> Word | None:
    """Return the state of a real server; None if it is not known.

    A real server is up if it passes its check, or has none. The state does not change while the
    director is blind. An override changes the weight and not the state.
    """
    if real_server.check is None:
        return "up"
    target = facts.target(real_server.check)
    if target.verdict is Verdict.PASSING:
        return "up"
    return "down" if target.verdict is Verdict.FAILING and not target.unseen else None


def _real_server_subject(server: VirtualServer, real_server: RealServer) -> Subject:
    return Subject("REAL_SERVER", str(RealServerName(server.name, real_server.name)))
