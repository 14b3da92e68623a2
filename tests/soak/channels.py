"""Mutated packets of a channel between our own processes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from checks.definition.check import CheckDefinition
from checks.definition.options import TcpProbe
from checks.definition.result import Reason, Result, Verdict
from hadirector.processes import channel
from hadirector.processes.channel import Channel, ChannelError
from hadirector.processes.messages import (
    CheckStatistics,
    ConfigureChecks,
    ConfigureVrrp,
    FromChecks,
    FromVrrp,
    Heartbeat,
    RequestHandover,
    Stop,
    ToChecks,
    ToVrrp,
    TrackedValues,
    VerdictChanged,
)
from tests.builders import an_instance
from tests.soak.packets import HMAC
from vrrp.model.configuration import TrackedKey
from vrrp.model.report import InstanceStatus, Notice, State, Transition

_LAST, _MORE = b"\x01", b"\x00"

_INSTANCE = an_instance(authentication=HMAC)
_CHECK = CheckDefinition(identity="web", address="192.0.2.1", port=80, probe=TcpProbe())
_RESULT = Result(Reason.REFUSED, "connection refused", 0.001)
_STATUS = InstanceStatus(
    instance="web",
    state=State.ACTIVE,
    priority=200,
    virtual_router_id=51,
    interface="eth0",
    virtual_addresses=("10.99.0.100/32",),
    handing_over=False,
    yielding=False,
    active_router=None,
    active_down_interval=3.2,
    counters={"dropped_ttl": 1},
)
_NOTICE = Notice("warning", "advertisement_dropped", {"reason": "ttl"})


class Channels:
    """One end of a channel; the process at the other end sends mutated packets."""

    def __init__(self, name: str, incoming: Any, messages: Sequence[msgspec.Struct]) -> None:
        self.name = name
        self._incoming = incoming
        whole = [msgspec.msgpack.encode(message) for message in messages]
        self.samples = [_LAST + each for each in whole] + [_MORE + each for each in whole]

    def take(self, data: bytes) -> str:
        """Receive a packet; return a word for the result."""
        return asyncio.run(self._receive(data))

    def mend(self, data: bytes) -> bytes:
        """Make it the last packet of a message."""
        return _LAST + data[1:]

    async def _receive(self, data: bytes) -> str:
        ours, theirs = channel.pair()
        with ours, theirs:
            end: Channel[Any] = Channel(ours, self._incoming)
            theirs.send(data)
            theirs.close()
            try:
                message = await end.receive()
            except ChannelError:
                return "refused"
            assert message is None or isinstance(message, self._incoming)
            return "nothing" if message is None else "understood"


def every_direction() -> list[Channels]:
    """Return both ends of both channels."""
    heartbeat, stop = Heartbeat(), Stop(keep=True)
    to_vrrp = [
        ConfigureVrrp((_INSTANCE,)),
        TrackedValues({TrackedKey("pool", "web"): 0}),
        RequestHandover("web"),
    ]
    from_vrrp = [Transition("web", State.BACKUP, State.ACTIVE, "silence"), _NOTICE, _STATUS]
    to_checks = [ConfigureChecks((_CHECK,), {"web": Verdict.PASSING})]
    from_checks = [
        VerdictChanged("web", Verdict.FAILING, _RESULT),
        CheckStatistics(probes=1, delayed_probes=0, latest={"web": _RESULT}),
        _NOTICE,
    ]
    return [
        Channels("channel to vrrp", ToVrrp, [*to_vrrp, stop, heartbeat]),
        Channels("channel from vrrp", FromVrrp, [*from_vrrp, heartbeat]),
        Channels("channel to checks", ToChecks, [*to_checks, stop, heartbeat]),
        Channels("channel from checks", FromChecks, [*from_checks, heartbeat]),
    ]
