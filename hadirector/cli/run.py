"""Run a director in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from hadirector.cli import reading
from hadirector.processes import HANDOFF_VARIABLE
from hadirector.runtime import descriptors, signals
from hadirector.runtime.interpreter import PYTHON_MODULE
from hadirector.runtime.service_manager import Starter
from hadirector.runtime.signals import SignalHandlers

if TYPE_CHECKING:
    from hadirector.config.reading import ReadingOptions
    from hadirector.dataplane.dataplane import Dataplane
    from hadirector.director.director import Director
    from hadirector.events.recorder import Recorder
    from hadirector.log import LogWriter
    from hadirector.model.configuration import Configuration
    from hadirector.processes.handoff import Handoff


Prepare: TypeAlias = "Callable[[Configuration], Configuration]"
"""Makes the configuration of a director of the configuration in its file."""

SWITCH_SECONDS = 0.0002
"""The longest time that a computing thread holds the GIL while the event loop waits.

Python's default is 5 ms, and one wake-up of the loop can wait for it twice.
"""


class _Source(NamedTuple):
    """Where a director comes from.

    The configuration file, how to read it, what to make of it, who started the program, and the
    text of the file.
    """

    path: Path
    options: ReadingOptions
    prepare: Prepare
    starter: Starter
    text: bytes | None = None


class StartError(Exception):
    """The director cannot start. The message has one line for each fault."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.description = (
        "Run the director in the foreground. SIGTERM and SIGINT stop it, SIGHUP reloads its"
        " configuration file."
    )
    parser.add_argument("-c", "--config", required=True, metavar="FILE", help="configuration file")
    reading.add_host_argument(parser, "director.name, or else the name of this host")
    reading.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT; SIGHUP reloads. Return 2 if the director cannot start."""
    return run_director(Path(arguments.config), reading.reading_options(arguments), _keep)


def run_director(path: Path, options: ReadingOptions, prepare: Prepare) -> int:
    """Run a director with the configuration that ``prepare`` derives from the file.

    ``prepare`` raises ValueError if the director cannot run with the file. Return 2 if the
    director cannot start.
    """
    signals.block()
    descriptors.raise_limit(descriptors.DIRECTOR_LIMIT)
    sys.setswitchinterval(SWITCH_SECONDS)
    starter = Starter(os.environ)
    try:
        asyncio.run(_start(_Source(path.absolute(), options, prepare, starter)))
    except StartError as error:
        print(error, file=sys.stderr)
        return 2
    except asyncio.CancelledError:
        return 0  # stopped during the start
    return 0


async def _start(source: _Source) -> None:
    """Run the director. At the end, block the signals that it handles."""
    handlers = SignalHandlers()
    try:
        await _load(source, handlers)
    finally:
        # asyncio restores the default actions when it closes the loop.
        signals.block()


async def _load(source: _Source, handlers: SignalHandlers) -> None:
    """Read the configuration and import the director at the same time, then run it."""
    starting = asyncio.current_task()
    assert starting is not None
    # A director that adopts a vrrp process completes its start, to hand over in an orderly way.
    stop = None if HANDOFF_VARIABLE in os.environ else starting.cancel
    handlers.assign(stop=stop, reload=None)
    handlers.install()
    from hadirector.config.subprocess.launch import launch
    from hadirector.director.configurations.file import marked_state_directory, read_text

    undone = None
    if marked_state_directory(source.path) is not None:
        from hadirector.director.configurations.undo_at_start import undo_overdue

        undone = undo_overdue(source.path)
    source = source._replace(text=read_text(source.path))
    options = source.options.encode()
    launching = asyncio.create_task(launch(source.path, text=source.text, options=options))
    await asyncio.sleep(0)  # starts the process that reads
    from hadirector import log
    from hadirector.config.subprocess.reader import read
    from hadirector.events.recorder import Recorder, add_place

    configuration = asyncio.create_task(read(source.path, launching=launching))

    recorder = Recorder()
    writer = log.configure(also=[recorder, add_place])
    if undone is not None:
        undone.report()
    try:
        await _run(source, _prepare(configuration, source.prepare), writer, recorder, handlers)
    finally:
        writer.drain(seconds=1.0)


async def _run(
    source: _Source,
    reads: Coroutine[Any, Any, Configuration],
    writer: LogWriter,
    recorder: Recorder,
    handlers: SignalHandlers,
) -> None:
    from hadirector.api.server import serving
    from hadirector.config.document.errors import ConfigError
    from hadirector.dataplane.dataplane import DataplaneError
    from hadirector.director.configurations.file import ConfigurationFile
    from hadirector.director.director import Director
    from hadirector.host import preflight
    from hadirector.processes import handoff

    try:
        configuration = await reads
        writer.renderer.choose(configuration.log)
        faults = await preflight.faults(configuration)
        if faults:
            raise StartError("\n".join(faults))
        with contextlib.ExitStack() as locks:
            for directory, key in _directories(configuration).items():
                locks.callback(os.close, _lock(directory, key))
            async with (
                recorder.persist_in(Path(configuration.runtime_directory)),
                recorder.history_store.persist_in(Path(configuration.state_directory)),
            ):
                adopted = handoff.take(os.environ)
                dataplane = _dataplane(configuration)
                file = ConfigurationFile(source.path, source.options, source.text)
                manager = source.starter.service_manager()
                director = Director(
                    file, configuration, dataplane, recorder, adopted, service_manager=manager
                )
                handlers.assign(
                    stop=partial(_stop, director, handlers), reload=director.request_reload
                )
                unix, roles = Path(configuration.api_unix), configuration.api_roles
                async with serving(director, unix, roles, director.web):
                    handed_on = await director.run()
    except (ConfigError, DataplaneError) as error:
        raise StartError(str(error)) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise StartError(f"{where}{error.strerror or error}") from error
    if director.restarting:
        await handlers.hand_on()
        writer.drain(seconds=1.0)
        source.starter.restore(os.environ)
        _replace_process(handed_on)


async def _prepare(reads: asyncio.Task[Configuration], prepare: Prepare) -> Configuration:
    try:
        return prepare(await reads)
    except ValueError as error:
        raise StartError(str(error)) from error


def _keep(configuration: Configuration) -> Configuration:
    return configuration


def _stop(director: Director, handlers: SignalHandlers) -> None:
    """Stop the director. During a restart, keep SIGTERM pending for the new program."""
    if director.restarting:
        handlers.postpone(signal.SIGTERM)
    else:
        director.stop()


def _replace_process(handed_on: Handoff | None) -> None:
    """Replace this process by the installed version of the program. The process id stays the same.

    Does not return. The event loop must still be open: closing it would kill the vrrp process.
    """
    from hadirector.processes import handoff

    if handed_on is not None:
        handoff.publish(handed_on, os.environ)
    command = [*PYTHON_MODULE, "hadirector", *sys.argv[1:]]
    os.execv(sys.executable, command)  # noqa: S606  # started without a shell on purpose


def _dataplane(configuration: Configuration) -> Dataplane:
    match configuration.dataplane:
        case "ipvs":
            from hadirector.dataplane.ipvs.dataplane import IpvsDataplane
            from hadirector.model.queries import needs_ipvs

            dataplane = IpvsDataplane(required=needs_ipvs(configuration))
            if not configuration.observing:
                return dataplane
            from hadirector.dataplane.observed import ObservedDataplane

            return ObservedDataplane(dataplane)
        case "userspace":
            from hadirector.dataplane.userspace import UserspaceDataplane

            return UserspaceDataplane()
        case "dry-run":
            from hadirector.dataplane.dry_run import DryRunDataplane

            return DryRunDataplane()


def _directories(configuration: Configuration) -> dict[Path, str]:
    """Return the directories that only one director may use, with their configuration keys."""
    keys = ("state_directory", "runtime_directory")
    return {Path(getattr(configuration, key)).resolve(): key for key in keys}


def _refuse_foreign(directory: Path, key: str) -> None:
    """Raise StartError if another user may write to the directory."""
    status = directory.stat()
    if status.st_uid not in (0, os.geteuid()):
        reason = f"it belongs to the user id {status.st_uid}"
    elif status.st_mode & 0o022:
        reason = f"users other than its owner may write to it (mode {status.st_mode & 0o7777:04o})"
    else:
        return
    raise StartError(
        f"{key}: {directory}: {reason} (expected a directory that only this user may write to)"
    )


def _lock(directory: Path, key: str) -> int:
    """Lock the directory against other directors and return the descriptor of the lock.

    Raises StartError.
    """
    try:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        _refuse_foreign(directory, key)
        # flock(2) needs only a readable descriptor, so another user must not be able to open it.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(directory / "lock", flags, 0o600)
        os.fchmod(descriptor, 0o600)
    except OSError as error:
        raise StartError(f"{key}: {error.filename}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise StartError(f"{directory}: another director runs with this {key}") from error
    return descriptor
