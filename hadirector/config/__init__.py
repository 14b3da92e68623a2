"""Reads a configuration file into the model, or reports every fault in it.

The import of this package, of ``document.errors`` or of ``subprocess.reader`` is cheap, because
pydantic and PyYAML are imported by the first call of ``load``. A director reads its file through
``subprocess.reader`` and never imports them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hadirector.model.configuration import Configuration


def load(path: str | os.PathLike[str]) -> Configuration:
    """Load a file. Blocks. Raises ConfigError with every fault."""
    from hadirector.config import loader

    return loader.load(path)
