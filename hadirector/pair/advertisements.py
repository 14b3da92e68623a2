"""Compares the sent advertisements of one director with the received ones of another. Pure.

Each director counts its own packets. The counts of two directors have different ages, so their
difference alone proves nothing. An instance reports for how long it has accepted nothing from an
address. The advertisements that the other director counted within that time did not arrive, or were
dropped. Times are monotonic seconds of this host.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from hadirector.pair.state import InstanceState, PairState, SenderState
from vrrp.model.report import State

MARGIN_SECONDS: Final = 0.2
"""How much the times of counts of another host may be wrong: the delay of the link."""
SAME_SECONDS: Final = 0.05
"""Counts that are closer together are the same report."""
STRANGER_SECONDS: Final = 30.0
"""A router that has advertised within this time is there."""
SAMPLES_MAX: Final = 16
"""Counts of one instance of one director that are kept: the oldest useful one, and the latest."""


class View:
    """A director as this director knows it: its latest state, received at this time."""

    def __init__(self, state: PairState, received_at: float) -> None:
        self.state = state
        self.received_at = received_at
        self.instances = {instance.name: instance for instance in state.instances}

    def counted_at(self, instance: InstanceState) -> float:
        """Return the time of the counts of an instance."""
        return self.received_at - instance.counted_ago


Views = Mapping[str, View]
"""The directors of the pair whose state is current, by their names, with this director."""


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """The advertisements of one instance from one director to another.

    ``sent`` counts the advertisements that the sender has sent since the receiver accepted the last
    one; None if that is not known. ``dropped`` counts, by reason, what the receiver has dropped
    since then. ``received`` counts all accepted ones, and ``silence`` is the time since the last of
    them in seconds, None without one. ``advertises`` is whether the sender is ACTIVE.
    """

    instance: str
    sender: str
    receiver: str
    advertises: bool
    received: int = 0
    silence: float | None = None
    sent: int | None = None
    dropped: dict[str, int] = {}

    @property
    def lost(self) -> bool:
        """Whether advertisements were sent, and none has arrived."""
        return bool(self.sent) and not self.dropped

    @property
    def refused(self) -> bool:
        """Whether packets arrive and are dropped."""
        return bool(self.dropped)


class _Sample(NamedTuple):
    at: float
    sent: int
    incarnation: str


History = Mapping[tuple[str, str], tuple[_Sample, ...]]
"""The counts of sent advertisements by director and instance, the oldest first."""


def remember(history: History, views: Views) -> History:
    """Return the history with the current counts, and without counts that are of no use.

    A count is of use while a director has accepted nothing since.
    """
    found = {}
    for name, view in views.items():
        for instance in view.state.instances:
            key = name, instance.name
            sample = _Sample(view.counted_at(instance), instance.sent, view.state.incarnation)
            since = min(
                (_silent_since(instance, each) for each in _others(views, name)),
                default=sample.at,
            )
            samples = _add(history.get(key, ()), sample)
            found[key] = _limit([each for each in samples if each.at >= since] or [sample])
    return found


def find_flows(history: History, views: Views) -> Iterator[Flow]:
    """Yield the flow of each instance from each director to each other one."""
    for name, view in views.items():
        for instance in view.state.instances:
            for receiver in _others(views, name):
                theirs = receiver.instances.get(instance.name)
                if theirs is not None:
                    samples = history.get((name, instance.name), ())
                    yield _flow(name, instance, receiver, theirs, samples)


def find_instance(state: PairState, name: str) -> InstanceState | None:
    """Return the instance of a director with this name."""
    return next((each for each in state.instances if each.name == name), None)


class Stranger(msgspec.Struct, frozen=True, kw_only=True):
    """A router that advertises the virtual router of an instance, and is no director of the pair.

    ``director`` has received or dropped its packets.
    """

    instance: str
    virtual_router_id: int
    director: str
    address: str
    dropped: dict[str, int] = {}


def find_strangers(views: Views) -> Iterator[Stranger]:
    """Yield the routers that are not directors of the pair, and have advertised a moment ago."""
    for name, view in views.items():
        for instance in view.state.instances:
            known = {
                each.instances[instance.name].address
                for each in views.values()
                if instance.name in each.instances
            }
            for sender in instance.senders:
                recent = sender.silence is not None and sender.silence < STRANGER_SECONDS
                if sender.address not in known and (recent or sender.dropped):
                    yield Stranger(
                        instance=instance.name,
                        virtual_router_id=instance.vrid,
                        director=name,
                        address=sender.address,
                        dropped=sender.dropped,
                    )


def find_sender(instance: InstanceState, address: str) -> SenderState | None:
    """Return what an instance has received from an address."""
    return next((each for each in instance.senders if each.address == address and address), None)


def _others(views: Views, name: str) -> Iterable[View]:
    return [view for other, view in views.items() if other != name]


def _flow(
    name: str,
    instance: InstanceState,
    receiver: View,
    theirs: InstanceState,
    samples: tuple[_Sample, ...],
) -> Flow:
    sender = find_sender(theirs, instance.address) or SenderState()
    began = _silent_since(instance, receiver) + MARGIN_SECONDS
    ended = receiver.counted_at(theirs) - MARGIN_SECONDS
    within = [sample.sent for sample in samples if began <= sample.at <= ended]
    return Flow(
        instance=instance.name,
        sender=name,
        receiver=receiver.state.name,
        advertises=instance.state is State.ACTIVE,
        received=sender.received,
        silence=sender.silence,
        sent=within[-1] - within[0] if len(within) > 1 else None,
        dropped=sender.dropped,
    )


def _silent_since(instance: InstanceState, receiver: View) -> float:
    """Return since when a receiver has accepted nothing from an instance of a director."""
    theirs = receiver.instances.get(instance.name)
    if theirs is None:
        return receiver.received_at
    sender = find_sender(theirs, instance.address)
    silence = theirs.counted_for if sender is None else sender.silence
    return receiver.counted_at(theirs) - (theirs.counted_for if silence is None else silence)


def _add(samples: tuple[_Sample, ...], sample: _Sample) -> list[_Sample]:
    """Append a sample. Counts of an earlier run, or of an earlier vrrp process, are of no use."""
    if not samples:
        return [sample]
    latest = samples[-1]
    if latest.incarnation != sample.incarnation or latest.sent > sample.sent:
        return [sample]
    is_new = sample.at > latest.at + SAME_SECONDS
    return [*samples, sample] if is_new else [*samples]


def _limit(samples: list[_Sample]) -> tuple[_Sample, ...]:
    """Keep the oldest sample and the latest ones."""
    if len(samples) <= SAMPLES_MAX:
        return tuple(samples)
    return samples[0], *samples[-SAMPLES_MAX + 1 :]
