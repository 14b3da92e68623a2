"""Finds other users of the host who can change the configuration of a director."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from checks.script_runner.permission import find_other_writer, walk
from hadirector.model.configuration import Configuration


def find_exposures(file: str | Path, configuration: Configuration) -> Iterator[str]:
    """Yield who else can change the file of a configuration, or its directory of further files."""
    for path in (file, *configuration.other_files):
        if (exposure := find_exposure(Path(path))) is not None:
            yield exposure


def find_exposure(file: Path) -> str | None:
    """Describe the users who can change a file or a directory on its path; None if there are none.

    Root and the user of this process are trusted. Members of the file's group are trusted too,
    because they may be the operators.
    """
    trusted = {0, os.geteuid()}
    try:
        for path, status in walk(str(file.absolute())):
            fault = find_other_writer(path, status, trusted, by_group=False)
            if fault is not None:
                return f"{file}: {fault}, who could change the configuration"
    except OSError:
        return None  # the reader of the file reports why it cannot be read
    return None
