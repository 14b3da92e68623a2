"""Scenarios of a few routers on one link, as text files that are compared line by line.

A file has commands, a line ``----``, and the expected trace. Messages cross the link encoded and
without delay; every virtual router has its own link. After an intended change, run the tests with
REWRITE_SCENARIOS=1, and commit the difference only if you understand every line of it.
"""

from __future__ import annotations

import os
from collections import deque
from ipaddress import IPv4Address
from pathlib import Path

import msgspec
import pytest

from tests.builders import an_instance
from vrrp.model.configuration import InstanceConfiguration
from vrrp.protocol.packet import MULTICAST_IPV4, decode, encode
from vrrp.protocol.validation import own_advertisement, validate
from vrrp.router.event import (
    AcquireAddresses,
    Action,
    AdvertisementReceived,
    AnnounceAddresses,
    ConfigurationChanged,
    Event,
    HandoverAbandoned,
    HandoverBegan,
    HandoverRequested,
    HandoverUndone,
    PriorityChanged,
    ReleaseAddresses,
    SendAdvertisement,
    Shutdown,
    Startup,
    StateChanged,
    StopAnnouncing,
    StopRequested,
    TimerExpired,
)
from vrrp.router.machine import Router
from vrrp.router.sync_group import MemberStatus, decide

FILES = sorted(Path(__file__).parent.glob("*.txt"))
USUAL = an_instance()
EVENTS: dict[str, Event] = {
    "start": Startup(),
    "resume": Startup(resume=True),
    "shutdown": Shutdown("stopped"),
    "stop": StopRequested("stopped"),
    "hand_over": HandoverRequested(),
    "undo": HandoverUndone(),
}


class Node:
    """A router, with its socket and its connection to the link."""

    def __init__(self, configuration: InstanceConfiguration, address: str) -> None:
        self.router = Router(configuration, IPv4Address(address))
        self.fault: str | None = None
        self.connected = True
        self.frozen = False
        self.socket: deque[tuple[bytes, IPv4Address]] = deque()

    def member(self, name: str) -> MemberStatus:
        return MemberStatus(
            name,
            self.router.state,
            self.fault,
            ready=self.router.ready,
            handing_over=self.router.handing_over,
        )


class Scenario:
    """Executes commands on its own clock, and writes the trace."""

    def __init__(self) -> None:
        self.now = 0.0
        self.nodes: dict[str, Node] = {}
        self.groups: list[list[str]] = []
        self.trace: list[str] = []

    def execute(self, line: str) -> None:
        command, *words = line.split()
        match command:
            case "router":
                configuration = configured(words[2:], USUAL)
                self.nodes[words[0]] = Node(configuration, words[1])
            case "run":
                self.run(self.now + float(words[0]))
            case "change":
                node = self.nodes[words[0]]
                changed = configured(words[1:], node.router.configuration)
                self.deliver(words[0], ConfigurationChanged(changed))
            case "cut" | "join":
                self.nodes[words[0]].connected = command == "join"
            case "priority":
                self.deliver(words[0], PriorityChanged(int(words[1])))
            case "group":
                self.groups.append(words)
            case "fault" | "well":
                self.nodes[words[0]].fault = "a fault" if command == "fault" else None
            case "crash":
                del self.nodes[words[0]]
            case "freeze" | "thaw":
                self.nodes[words[0]].frozen = command == "freeze"
            case _:
                self.deliver(words[0], EVENTS[command])
        self.settle()

    def run(self, end: float) -> None:
        """Advance the clock from deadline to deadline."""
        while due := [(d, name) for name, d in self.deadlines() if d <= end]:
            deadline, name = min(due)
            self.now = max(self.now, deadline)
            self.deliver(name, TimerExpired())
            self.settle()
        self.now = end

    def deadlines(self) -> list[tuple[str, float]]:
        return [
            (name, node.router.deadline)
            for name, node in self.nodes.items()
            if node.router.deadline is not None and not node.frozen
        ]

    def settle(self) -> None:
        """Deliver the packets in the sockets, and then apply the events of the sync groups."""
        while True:
            waiting = [n for n, node in self.nodes.items() if node.socket and not node.frozen]
            for name in waiting:
                self.receive(name, *self.nodes[name].socket.popleft())
            events = [] if waiting else self.group_events()
            for name, event in events:
                self.deliver(name, event)
            if not waiting and not events:
                return

    def group_events(self) -> list[tuple[str, Event]]:
        """Return the events of the members of all sync groups."""
        groups = [[self.nodes[name].member(name) for name in group] for group in self.groups]
        return [each for members in groups for each in decide(members).items()]

    def receive(self, name: str, message: bytes, source: IPv4Address) -> None:
        router = self.nodes[name].router
        advertisement = decode(message, source, MULTICAST_IPV4)
        reason = validate(
            advertisement,
            source=source,
            destination=MULTICAST_IPV4,
            ttl=255,
            own_address=router.own_address,
            configuration=router.configuration,
        )
        if reason is None:
            self.deliver(name, AdvertisementReceived(advertisement, source))
        else:
            self.note(name, f"drops: {reason}")

    def deliver(self, name: str, event: Event) -> None:
        for action in self.nodes[name].router.handle(event, self.now):
            self.note(name, describe(action))
            if isinstance(action, SendAdvertisement):
                self.send(name, action.priority)

    def send(self, name: str, priority: int) -> None:
        sender = self.nodes[name]
        source = sender.router.own_address
        assert isinstance(source, IPv4Address)
        advertisement = own_advertisement(sender.router.configuration, priority)
        message = encode(advertisement, source, MULTICAST_IPV4)
        virtual_router_id = sender.router.configuration.virtual_router_id
        for other in self.nodes.values():
            same = other.router.configuration.virtual_router_id == virtual_router_id
            if other is not sender and same and sender.connected and other.connected:
                other.socket.append((message, source))

    def note(self, name: str, what: str) -> None:
        self.trace.append(f"{self.now:8.3f} {name} {what}")


def configured(words: list[str], base: InstanceConfiguration) -> InstanceConfiguration:
    changes = dict(word.split("=") for word in words)
    fields = {**msgspec.to_builtins(base), **changes}
    return msgspec.convert(fields, InstanceConfiguration, strict=False)


def describe(action: Action) -> str:  # noqa: PLR0911 (one line per action)
    match action:
        case SendAdvertisement(priority):
            return f"advertises {priority}"
        case AcquireAddresses():
            return "acquires"
        case AnnounceAddresses():
            return "announces"
        case StopAnnouncing():
            return "stops announcing"
        case ReleaseAddresses():
            return "releases"
        case StateChanged(previous, state, reason):
            return f"{previous} -> {state}: {reason}"
        case HandoverBegan(reason):
            return f"begins a handover: {reason}"
        case HandoverAbandoned(reason):
            return f"abandons the handover: {reason}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_events_are_those_of_the_file(path: Path) -> None:
    commands, _, expected = path.read_text(encoding="utf-8").partition("----\n")
    scenario = Scenario()
    for line in commands.splitlines():
        if line and not line.startswith("#"):
            scenario.execute(line)
    trace = "".join(f"{line}\n" for line in scenario.trace)
    if os.environ.get("REWRITE_SCENARIOS"):
        path.write_text(f"{commands}----\n{trace}", encoding="utf-8")
    assert trace == expected


def test_there_are_scenarios() -> None:
    assert len(FILES) >= 8
