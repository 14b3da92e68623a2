"""Reads a configuration file in a process of its own, so that the director's loop goes on.

Imports neither pydantic nor PyYAML.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

import msgspec

from hadirector.config.document.errors import ConfigError, Fault
from hadirector.config.subprocess.frames import (
    FRAME_BYTES_MAX,
    LENGTH_BYTES,
    TEXT_IS_GIVEN,
    Assembly,
    End,
    Frame,
    Head,
    Refusal,
)
from hadirector.model.configuration import Configuration

READING_SECONDS_MAX = 60.0
TOTAL_BYTES_MAX = 256 * 1024 * 1024

_DECODER = msgspec.msgpack.Decoder(Frame)


class _BrokenOffError(Exception):
    """The process did not finish what it had to say."""


async def read(path: str | os.PathLike[str], text: bytes | None = None) -> Configuration:
    """Read a file, or the text that it is going to have.

    Raises ConfigError with every fault, or when reading takes over a minute.
    """
    file = os.fspath(path)
    given = [] if text is None else [TEXT_IS_GIVEN]
    try:
        # A session of its own: a signal to our whole process group must not end the reading.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hadirector.config",
            file,
            *given,
            stdin=asyncio.subprocess.DEVNULL if text is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise _failure(file, f"the process that reads it cannot be started: {error}") from error
    try:
        assert process.stdout is not None
        async with asyncio.timeout(READING_SECONDS_MAX):
            if process.stdin is not None and text is not None:
                await _tell(process.stdin, text)
            return await _receive(process.stdout)
    except TimeoutError as error:
        raise _failure(file, f"reading it took over {READING_SECONDS_MAX:g} s") from error
    except (
        _BrokenOffError,
        asyncio.IncompleteReadError,
        msgspec.DecodeError,
        UnicodeError,
    ) as error:
        raise _failure(file, f"the process that reads it failed: {error}") from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _tell(stream: asyncio.StreamWriter, text: bytes) -> None:
    """Write a text whole; that a process which failed does not take it will show in its answer."""
    stream.write(text)
    with contextlib.suppress(ConnectionError):
        await stream.drain()
    stream.close()


async def _receive(stream: asyncio.StreamReader) -> Configuration:
    assembly: Assembly | None = None
    room = TOTAL_BYTES_MAX
    while True:
        length = int.from_bytes(await stream.readexactly(LENGTH_BYTES), "big")
        room -= length
        if length > FRAME_BYTES_MAX or room < 0:
            raise _BrokenOffError("the configuration is too large")
        frame = _DECODER.decode(await stream.readexactly(length))
        match frame:
            case Refusal():
                raise ConfigError(frame.faults)
            case Head():
                assembly = Assembly(frame)
            case _ if assembly is None:
                raise _BrokenOffError("its first word is missing")
            case End():
                return assembly.finish()
            case _:
                assembly.add(frame)
        # What has been buffered already is returned without a pause; others want the loop too.
        await asyncio.sleep(0)


def _failure(file: str, message: str) -> ConfigError:
    return ConfigError([Fault(file, message)])
