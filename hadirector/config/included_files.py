"""Finds and reads the files that a keepalived.conf includes."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Mapping, Sequence
from typing import Final

from hadirector.config.document.errors import FILE_BYTES_MAX
from hadirector.config.keepalived.syntax.includes import UnsuitableFileError
from hadirector.storage import IrregularFileError, open_regular_file

_EXECUTABLE: Final = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


class IncludedFiles:
    """Access to the files and the environment of this host. Blocks.

    ``names`` are the files read.
    """

    def __init__(self) -> None:
        self.names: list[str] = []

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of the environment."""
        return os.environ

    def directory(self, file: str) -> str:
        """Return the absolute path of the directory of a file."""
        return os.path.dirname(os.path.abspath(file))

    def find(self, directory: str, pattern: str) -> Sequence[str]:
        """Return the files in a directory that match a pattern, sorted by name.

        The name of a directory ends with a slash.
        """
        names = sorted(glob.glob(os.path.join(directory, pattern)))
        return [f"{name}/" if os.path.isdir(name) else name for name in names]

    def read(self, file: str) -> bytes:
        """Return the content of a file. Raises UnsuitableFileError."""
        try:
            with open_regular_file(file) as opened:
                if os.fstat(opened.fileno()).st_mode & _EXECUTABLE:
                    raise UnsuitableFileError(
                        "it is executable, and keepalived skips executable files"
                    )
                data = opened.read(FILE_BYTES_MAX + 1)
        except IsADirectoryError as error:
            raise UnsuitableFileError("it is a directory") from error
        except IrregularFileError as error:
            raise UnsuitableFileError("it is not a regular file") from error
        except (OSError, ValueError) as error:
            raise UnsuitableFileError(getattr(error, "strerror", None) or str(error)) from error
        if len(data) > FILE_BYTES_MAX:
            raise UnsuitableFileError(f"the file has more than {FILE_BYTES_MAX} bytes")
        self.names.append(file)
        return data
