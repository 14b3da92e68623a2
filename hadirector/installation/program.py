"""Finds the command hadirector, and why its service could not run it."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

HOMES: Final = ("/home", "/root", "/run/user")
"""The directories that the unit hides from the service (systemd.exec(5), ProtectHome)."""
_SPECIAL: Final = frozenset(" \t\n\"'\\%$")
"""Characters with a meaning in a command of systemd.service(5)."""


def find_faults(program: Path, prefixes: Iterable[Path]) -> Iterator[str]:
    """Yield the reasons why the user of the service cannot run the program.

    ``prefixes`` are the directories of its environment and of its Python.
    """
    if not program.is_file():
        yield f"{program}: there is no such program; install the wheel into an environment"
        return
    if set(str(program)) & _SPECIAL:
        yield f"{program}: the path of the program has a space, a quote, or one of \\ % $"
    for path in dict.fromkeys((program.resolve(), *(prefix.resolve() for prefix in prefixes))):
        home = next((home for home in HOMES if path.is_relative_to(home)), None)
        if home is not None:
            yield (
                f"{path}: the service does not see {home}; install for all users, for example"
                " below /opt (see docs/installing.md)"
            )
        elif barrier := _find_barrier(path):
            yield f"{path}: the user of the service cannot enter {barrier} (chmod o+rx)"


def _find_barrier(path: Path) -> Path | None:
    """Return the outermost directory on the way to a path that other users cannot enter."""
    needed = stat.S_IXOTH
    on_the_way = [*reversed(path.parents), path]
    return next((each for each in on_the_way if not each.stat().st_mode & needed), None)
