"""The vrrp process: election and addresses, undisturbed by anything else the director does.

It writes no log, file or pipe: what it has to say goes over the channel and is dropped, counted,
when nobody reads. Statuses repeat the whole truth every second. Garbage is collected only then,
from what a second has left behind; what was there after the start is not looked at again.
"""

from __future__ import annotations

import asyncio
import gc
import selectors
from collections.abc import Callable

from hadirector.processes import realtime
from hadirector.processes.channel import Channel
from hadirector.processes.child import run_child
from hadirector.processes.messages import (
    ConfigureVrrp,
    HandOver,
    Heartbeat,
    Stop,
    ToVrrp,
    TrackedValues,
)
from hadirector.processes.realtime import RealtimeError
from vrrp.model.report import Notice, Report
from vrrp.speaker import Speaker

STATUS_SECONDS = 1.0
DIRECTOR_SILENCE_SECONDS = 30.0
LAST_WORD_SECONDS = 0.1


async def serve(channel: Channel[ToVrrp]) -> None:
    """Run the instances the director names; give the addresses up when it is gone.

    The end of the channel means that the director is dead: priority 0, release, exit. Silence for
    30 s means that it hangs: hand over in good order, exit, and be started anew if it recovers.
    """

    def report(message: Report) -> None:
        channel.send(message, droppable=True)

    gc.disable()
    _freeze()
    async with Speaker(report, alone=True) as speaker:
        statuses = asyncio.create_task(_send_statuses(channel, speaker))
        try:
            await _obey(channel, speaker, report)
        finally:
            statuses.cancel()


async def _obey(
    channel: Channel[ToVrrp], speaker: Speaker, report: Callable[[Report], None]
) -> None:
    in_realtime = False
    while True:
        try:
            message = await _hear(channel)
        except TimeoutError:
            await speaker.stop()
            return
        match message:
            case None:
                await speaker.release_now()
                return
            case ConfigureVrrp():
                if message.realtime != in_realtime:
                    in_realtime = message.realtime
                    _schedule(report, in_realtime=in_realtime)
                await speaker.configure(
                    message.instances, message.resume, message.yielding, message.tracked
                )
                _freeze()
            case TrackedValues():
                speaker.learn(message.values)
            case HandOver():
                speaker.hand_over(message.instance, undo=message.undo)
            case Stop():
                await speaker.stop(keep=message.keep)
                return
            case Heartbeat():
                pass


async def _hear(channel: Channel[ToVrrp]) -> ToVrrp | None:
    """Wait for the director's next message. Raises TimeoutError when it is silent.

    After a time-out what waits in the channel is heard first: the silence may have been ours.
    """
    try:
        async with asyncio.timeout(DIRECTOR_SILENCE_SECONDS):
            return await channel.receive()
    except TimeoutError:
        async with asyncio.timeout(LAST_WORD_SECONDS):
            return await channel.receive()


async def _send_statuses(channel: Channel[ToVrrp], speaker: Speaker) -> None:
    while True:
        await asyncio.sleep(STATUS_SECONDS)
        for name in speaker.names():
            status = speaker.status(name)
            if status is not None:
                channel.send(status, droppable=True)
            await asyncio.sleep(0)  # with hundreds of instances timers get their turn between
        gc.collect()


def _freeze() -> None:
    """Take everything that is there out of what later collections look at."""
    gc.collect()
    gc.freeze()


def _schedule(report: Callable[[Report], None], *, in_realtime: bool) -> None:
    """Change the scheduling; if the kernel refuses, say so and go on as an ordinary process."""
    try:
        realtime.enter() if in_realtime else realtime.leave()
    except RealtimeError as error:
        report(Notice("error", "realtime_refused", {"error": str(error)}))


if __name__ == "__main__":
    run_child(ToVrrp, serve, selectors.SelectSelector())
