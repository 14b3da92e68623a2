"""Reads the instructions of a Dockerfile that the image of hadirector needs. Pure.

The reference of Docker's file format is the source. An instruction that is not known here is an
error, so that the file and the assembled image cannot differ silently.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

PACKAGES = "PACKAGES"
"""The argument with the Debian packages. The step that installs them is left to mmdebstrap."""

_UNITS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9}
_VARIABLE = re.compile(r"\$\{?([A-Z_]+)\}?")


class Copy(NamedTuple):
    """Copy a file of the tree to a path of the image."""

    source: str
    target: str


class Run(NamedTuple):
    """Run a script of sh(1) in the image."""

    script: str


class Recipe(NamedTuple):
    """The contents of a Dockerfile. ``config`` is the "config" of the OCI image specification."""

    base: str
    packages: tuple[str, ...]
    steps: tuple[Copy | Run, ...]
    config: Mapping[str, object]


def read_dockerfile(text: str, arguments: Mapping[str, str]) -> Recipe:
    """Read a Dockerfile. ``arguments`` are the values of its ARG instructions without a default.

    Raises ValueError for an instruction that is not known.
    """
    base, values = "", dict(arguments)
    steps: list[Copy | Run] = []
    config: dict[str, object] = {}
    for name, value in _instructions(text):
        match name:
            case "FROM":
                base = value
            case "ARG":
                key, _, default = value.partition("=")
                values.setdefault(key, default.strip('"'))
            case "RUN" if f"${PACKAGES}" in value:
                pass
            case "RUN":
                steps.append(Run(value))
            case "COPY":
                steps.append(Copy(*value.split()))
            case _:
                _configure(config, name, _VARIABLE.sub(lambda found: values[found[1]], value))
    return Recipe(base, tuple(values[PACKAGES].split()), tuple(steps), config)


def _configure(config: dict[str, object], name: str, value: str) -> None:
    """Add an instruction that sets a property of the image."""
    match name:
        case "LABEL":
            config["Labels"] = dict(each.split("=", 1) for each in shlex.split(value))
        case "ENV":
            config["Env"] = shlex.split(value)
        case "USER":
            config["User"] = value
        case "VOLUME":
            config["Volumes"] = {path: {} for path in json.loads(value)}
        case "STOPSIGNAL":
            config["StopSignal"] = value
        case "HEALTHCHECK":
            config["Healthcheck"] = _read_health_check(value)
        case "ENTRYPOINT":
            config["Entrypoint"] = json.loads(value)
        case "CMD":
            config["Cmd"] = json.loads(value)
        case _:
            raise ValueError(f"unknown instruction {name} {value}")


def _read_health_check(value: str) -> dict[str, object]:
    """Return Docker's extension of the configuration of an image. Times are in nanoseconds."""
    options, _, command = value.partition("CMD ")
    check: dict[str, object] = {"Test": ["CMD", *json.loads(command)]}
    for option in options.split():
        name, text = option.removeprefix("--").split("=")
        key = name.title().replace("-", "")
        check[key] = int(text) if text.isdigit() else _nanoseconds(text)
    return check


def _nanoseconds(text: str) -> int:
    number = text.rstrip("msh")
    return int(number) * _UNITS[text.removeprefix(number)]


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each instruction, without comments, in one line."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for joined in "\n".join(lines).replace("\\\n", " ").splitlines():
        if joined.strip():
            name, _, value = joined.strip().partition(" ")
            yield name, " ".join(value.split())
