"""Makes settings hold, remembers what it changed, and takes exactly that back.

What was changed is in a file under /run before it is changed: a reboot empties both.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from hadirector import storage
from hadirector.realserver.host import Host
from hadirector.realserver.plan import Setting, Sysctl

FILE_NAME: Final = "realserver.json"
VERSION: Final = 1


class Made(msgspec.Struct, frozen=True):
    """A setting that did not hold before we made it; ``before`` is a sysctl's former value."""

    setting: Setting
    before: str | None = None


class Record(msgspec.Struct, frozen=True):
    """The content of the file, in the order in which it was made."""

    version: int = VERSION
    made: tuple[Made, ...] = ()


class RecordError(Exception):
    """The file cannot be used; the message names it and says why."""


def read(path: Path) -> Record:
    """What setups have made on this host. Raises RecordError."""
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Record)
    except FileNotFoundError:
        return Record()
    except (OSError, msgspec.DecodeError, UnicodeError) as error:
        raise RecordError(f"{path}: {error}") from error
    if record.version != VERSION:
        raise RecordError(f"{path}: version {record.version}, expected {VERSION}")
    return record


def setup(host: Host, settings: Sequence[Setting], path: Path) -> list[Setting]:
    """Make all of them hold; returns those that did not. Raises HostError, RecordError, OSError."""
    record = read(path)
    changed = []
    for setting in settings:
        # A module that is yet to be loaded brings its sysctls with it: ask one after the other.
        if host.holds(setting):
            continue
        before = host.value(setting) if isinstance(setting, Sysctl) else None
        if setting not in {each.setting for each in record.made}:
            record = Record(made=(*record.made, Made(setting, before)))
            storage.store(path, record)
        host.apply(setting)
        changed.append(setting)
    return changed


def undo(host: Host, path: Path) -> list[Setting]:
    """Take back what setups made, the last first; returns it. Raises as `setup`."""
    made = read(path).made[::-1]
    for each in made:
        host.undo(each.setting, each.before)
    path.unlink(missing_ok=True)
    return [each.setting for each in made]
