"""Applies settings, records the changes, and undoes exactly these changes.

A change is recorded in a file under /run before it is applied. A reboot removes both.
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


class Change(msgspec.Struct, frozen=True):
    """A setting that was applied. ``before`` is the former value of a sysctl."""

    setting: Setting
    before: str | None = None


class Record(msgspec.Struct, frozen=True):
    """The content of the file, in the order of the changes."""

    version: int = VERSION
    made: tuple[Change, ...] = ()


class RecordError(Exception):
    """The file cannot be used. The message has its name and the reason."""


def read(path: Path) -> Record:
    """Return the changes of earlier setups on this host. Raises RecordError."""
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
    """Apply the settings that this host does not have yet, and return them.

    Raises HostError, RecordError and OSError.
    """
    record = read(path)
    changed = []
    for setting in settings:
        # Check each setting only now: an earlier one may load the module of a later sysctl.
        if host.holds(setting):
            continue
        before = host.value(setting) if isinstance(setting, Sysctl) else None
        if setting not in {change.setting for change in record.made}:
            record = Record(made=(*record.made, Change(setting, before)))
            storage.store(path, record)
        host.apply(setting)
        changed.append(setting)
    return changed


def undo(host: Host, path: Path) -> list[Setting]:
    """Undo the changes of earlier setups, the last change first, and return them.

    Raises HostError, RecordError and OSError.
    """
    changes = read(path).made[::-1]
    for change in changes:
        host.undo(change.setting, change.before)
    path.unlink(missing_ok=True)
    return [change.setting for change in changes]
