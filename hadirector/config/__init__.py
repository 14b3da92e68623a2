"""Reads a configuration file into the validated model, or says everything that is wrong with it.

Importing this package, ``errors`` or ``reader`` costs nothing: pydantic and PyYAML come with the
first call of ``load``, and stay out of a director that reads its file through ``reader``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hadirector.model.configuration import Configuration


def load(path: str | os.PathLike[str]) -> Configuration:
    """Load a file, blocking. Raises ConfigError with every fault in it."""
    from hadirector.config import loader

    return loader.load(path)
