"""Reads a configuration file in another process, so that the director's loop is not blocked.

This module imports neither pydantic nor PyYAML.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable

import msgspec

from hadirector.config.document.errors import ConfigError, Fault
from hadirector.config.reading import DEFAULT, ReadingOptions
from hadirector.config.subprocess.frames import (
    FRAME_BYTES_MAX,
    LENGTH_BYTES,
    Assembly,
    End,
    Frame,
    Head,
    Refusal,
)
from hadirector.config.subprocess.launch import launch
from hadirector.model.configuration import Configuration

READING_SECONDS_MAX = 60.0
ENDING_SECONDS_MAX = 1.0
TOTAL_BYTES_MAX = 256 * 1024 * 1024

_DECODER = msgspec.msgpack.Decoder(Frame)


class _IncompleteError(Exception):
    """The process did not send a complete configuration."""


async def read(
    path: str | os.PathLike[str],
    text: bytes | None = None,
    *,
    launching: Awaitable[asyncio.subprocess.Process] | None = None,
    options: ReadingOptions = DEFAULT,
) -> Configuration:
    """Read a file, or ``text`` instead of the content of the file.

    ``launching`` is the process that reads the file, if the caller has started it already.
    Raises ConfigError with every fault, or if reading takes more than a minute.
    """
    file = os.fspath(path)
    try:
        process = await (launching or launch(file, text=text, options=options.encode()))
    except (OSError, ValueError) as error:
        raise _failure(
            file, f"the process that reads the file cannot be started: {error}"
        ) from error
    try:
        assert process.stdout is not None
        async with asyncio.timeout(READING_SECONDS_MAX):
            return await _receive(process.stdout)
    except TimeoutError as error:
        raise _failure(
            file, f"reading the file took more than {READING_SECONDS_MAX:g} s"
        ) from error
    except (
        _IncompleteError,
        asyncio.IncompleteReadError,
        msgspec.DecodeError,
        UnicodeError,
    ) as error:
        end = await _describe_end(process)
        raise _failure(file, f"the process that reads the file failed: {error}{end}") from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _describe_end(process: asyncio.subprocess.Process) -> str:
    """Return which signal has ended the process; nothing if none has."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ENDING_SECONDS_MAX):
            await process.wait()
    status = process.returncode
    return "" if status is None or status >= 0 else f" (ended by signal {-status})"


async def _receive(stream: asyncio.StreamReader) -> Configuration:
    assembly: Assembly | None = None
    remaining = TOTAL_BYTES_MAX
    while True:
        length = int.from_bytes(await stream.readexactly(LENGTH_BYTES), "big")
        remaining -= length
        if length > FRAME_BYTES_MAX or remaining < 0:
            raise _IncompleteError("the configuration is too large")
        frame = _DECODER.decode(await stream.readexactly(length))
        match frame:
            case Refusal():
                raise ConfigError(frame.faults)
            case Head():
                assembly = Assembly(frame)
            case _ if assembly is None:
                raise _IncompleteError("the first frame is missing")
            case End():
                return assembly.finish()
            case _:
                assembly.add(frame)
        # Buffered frames are read without a pause, so give the other tasks of the loop a turn.
        await asyncio.sleep(0)


def _failure(file: str, message: str) -> ConfigError:
    return ConfigError([Fault(file, message)])
