"""The parts of a support bundle: answers of the director, and facts of this host."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

import msgspec

from hadirector.api.client import ApiError, request
from hadirector.events.event_log import EVENTS_MAX, Event, Page

if TYPE_CHECKING:
    from hadirector.api.endpoint import Endpoint

READ_BYTES_MAX: Final = 8 * 1024 * 1024 + 1
COMMAND_SECONDS: Final = 10.0
JOURNAL_LINES: Final = 5000
_FILES: Final = (
    "/etc/os-release",
    "/proc/version",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/net/ip_vs",
    "/proc/net/ip_vs_stats",
)
_SYSCTLS: Final = Path("/proc/sys/net/ipv4/vs")
_COMMANDS: Final = {
    "addresses": ("ip", "-details", "address"),
    "routes": ("ip", "route", "show", "table", "all"),
    "routes-of-ipv6": ("ip", "-6", "route", "show", "table", "all"),
    "rules": ("ip", "rule"),
    "journal": (
        "journalctl",
        "--unit=hadirector",
        f"--lines={JOURNAL_LINES}",
        "--no-pager",
        "--output=short-iso",
    ),
}
"""The commands whose output is part of the bundle, by the name of the file."""


class PartError(Exception):
    """A part that cannot be read. The message is the reason."""


class Part(NamedTuple):
    """A file of the bundle, and the function that reads its content. Raises PartError."""

    name: str
    read: Callable[[], bytes]


HOST: Final = "host/"
"""The directory of the facts of this host. Not every host has all of them."""


class _Instance(msgspec.Struct):
    instance: str


class _Instances(msgspec.Struct):
    """The part of the status that has the names of the instances."""

    instances: tuple[_Instance, ...]


class _Archive(msgspec.Struct):
    """The part of the archive of configurations that has the number of the current one."""

    current: int


class _Text(msgspec.Struct):
    """The part of an archived configuration that has its text, without its secrets."""

    text: str


def director_parts(endpoint: Endpoint) -> Iterator[Part]:
    """Yield the parts that the director answers."""
    for name, route in (
        ("status.json", "/v1/status"),
        ("overrides.json", "/v1/overrides"),
        ("metrics.txt", "/metrics"),
        ("configuration/history.json", "/v1/config/history"),
    ):
        yield Part(name, partial(_ask, endpoint, route))
    yield Part("events.json", partial(_read_events, endpoint))
    yield Part("instances.json", partial(_read_instances, endpoint))
    yield Part("configuration/current.yaml", partial(_read_configuration, endpoint))


def host_parts() -> Iterator[Part]:
    """Yield the facts of this host."""
    yield Part(f"{HOST}versions.json", _describe_versions)
    for file in _FILES:
        yield Part(f"{HOST}{file[1:]}", partial(_read_file, Path(file)))
    yield Part(f"{HOST}sysctls.txt", _read_sysctls)
    for name, command in _COMMANDS.items():
        yield Part(f"{HOST}{name}.txt", partial(_run, command))


def _ask(endpoint: Endpoint, route: str) -> bytes:
    try:
        return request(endpoint, "GET", route)
    except ApiError as error:
        raise PartError(str(error)) from error


def _read_events(endpoint: Endpoint) -> bytes:
    events: list[Event] = []
    last = 0
    while len(events) < EVENTS_MAX:
        page = msgspec.json.decode(_ask(endpoint, f"/v1/events?after={last}"), type=Page)
        events += page.events
        if not page.events:
            break
        last = page.last
    return msgspec.json.encode(events)


def _read_instances(endpoint: Endpoint) -> bytes:
    status = msgspec.json.decode(_ask(endpoint, "/v1/status"), type=_Instances)
    answers = [
        msgspec.Raw(_ask(endpoint, f"/v1/instances/{quote(each.instance, '')}/why"))
        for each in status.instances
    ]
    return msgspec.json.encode(answers)


def _read_configuration(endpoint: Endpoint) -> bytes:
    """Return the text in use. Labels replace its secrets."""
    archive = msgspec.json.decode(_ask(endpoint, "/v1/config/history"), type=_Archive)
    answer = _ask(endpoint, f"/v1/config/history/{archive.current}")
    return msgspec.json.decode(answer, type=_Text).text.encode()


def _describe_versions() -> bytes:
    packages = {
        distribution.metadata["Name"]: distribution.version
        for distribution in metadata.distributions()
    }
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "python": platform.python_version(),
                "kernel": platform.release(),
                "machine": platform.machine(),
                "packages": dict(sorted(packages.items())),
            }
        )
    )


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(READ_BYTES_MAX)
    except OSError as error:
        raise PartError(error.strerror or str(error)) from error


def _read_sysctls() -> bytes:
    if not _SYSCTLS.is_dir():
        raise PartError("the kernel has no IPVS")
    lines = [f"{path.name} = {_read_value(path)}" for path in sorted(_SYSCTLS.iterdir())]
    return "\n".join([*lines, ""]).encode()


def _read_value(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        return f"({error.strerror})"


def _run(command: tuple[str, ...]) -> bytes:
    try:
        done = subprocess.run(command, capture_output=True, timeout=COMMAND_SECONDS, check=False)
    except OSError as error:
        raise PartError(f"{command[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise PartError(f"{command[0]} did not end within {COMMAND_SECONDS:g} s") from error
    if done.returncode:
        text = done.stderr.decode(errors="replace").strip()
        raise PartError(text.partition("\n")[0] or f"{command[0]}: exit code {done.returncode}")
    return done.stdout[:READ_BYTES_MAX]
