"""A director without its life cycle, for tests of the messages that it handles."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from checks.definition.check import CheckDefinition, Timing
from checks.definition.result import Reason, Result, Verdict
from hadirector.dataplane.dataplane import Dataplane
from hadirector.dataplane.dry_run import DryRunDataplane
from hadirector.director.dispatch import Dispatcher
from hadirector.director.messages import ConfigurationRead, Message
from hadirector.director.parts import Parts
from hadirector.events.recorder import Recorder
from hadirector.model.configuration import Configuration, RealServer
from hadirector.model.ipvs import (
    Destination,
    DestinationKey,
    ForwardingMethod,
    Protocol,
    Service,
    ServiceKey,
)
from hadirector.processes.messages import VerdictChanged
from tests.builders import a_check, a_configuration, a_virtual_server, an_instance
from tests.running import running

WEB = ServiceKey(Protocol.TCP, "192.0.2.10", 80)
ONE = DestinationKey("192.0.2.45", 80)
TWO = DestinationKey("192.0.2.46", 80)


def check(key: DestinationKey, interval: float) -> CheckDefinition:
    return a_check(key, identity=f"tcp {key} every {interval}", timing=Timing(interval=interval))


def configuration(directory: Path, interval: float) -> Configuration:
    return a_configuration(
        a_virtual_server(
            *(RealServer(key=key, check=check(key, interval)) for key in (ONE, TWO)),
            service=Service("rr"),
        ),
        runtime_directory=str(directory),
        state_directory=str(directory),
        vrrp=(an_instance(),),
    )


NAT = ForwardingMethod.NAT
PASSED = Result(Reason.PASSED, "connected", 0.001)
REFUSED = Result(Reason.REFUSED, "connecting: Connection refused", 0.001)
SILENT = Result(Reason.TIMEOUT, "", 0.001)


class Seam:
    """A director without its life cycle: a message goes in, the wanted table comes out."""

    def __init__(self, configuration: Configuration, dataplane: Dataplane | None = None) -> None:
        self.queue: asyncio.Queue[Message] = asyncio.Queue()
        self.recorder = Recorder()
        self.parts = Parts(
            configuration, dataplane or DryRunDataplane(), self.recorder, self.queue.put
        )
        self.dispatcher = Dispatcher(self.parts, lambda _delay, _message: None)

    async def verdict(self, key: DestinationKey, result: Result, interval: float = 2.0) -> None:
        """Handle the verdict of the check with this interval."""
        verdict = Verdict.PASSING if result.passed else Verdict.FAILING
        identity = check(key, interval).identity
        await self.dispatcher.handle(VerdictChanged(identity, verdict, result))

    async def reload(self, configuration: Configuration) -> None:
        await self.dispatcher.handle(ConfigurationRead(configuration))

    def reconciling(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Run the reconciler of the table during a block."""
        return running(self.parts.table_reconciler)

    async def handle_next(self) -> None:
        """Handle the next message of the queue."""
        async with asyncio.timeout(30):
            await self.dispatcher.handle(await self.queue.get())

    @property
    def destinations(self) -> dict[DestinationKey, Destination]:
        return dict(self.dispatcher.table[WEB].destinations)

    @property
    def weights(self) -> dict[DestinationKey, int]:
        return {key: destination.weight for key, destination in self.destinations.items()}

    @property
    def held(self) -> set[DestinationKey]:
        return set(self.parts.pools.judgements["web"].held)
