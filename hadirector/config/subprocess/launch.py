"""Starts the process that reads a configuration file.

The module imports next to nothing, so that the process runs while its caller imports the rest.
"""

from __future__ import annotations

import asyncio
import os

from hadirector.config.subprocess import TEXT_ON_STDIN
from hadirector.runtime.interpreter import PYTHON_MODULE


async def launch(
    path: str | os.PathLike[str], *, text_on_stdin: bool = False, options: str = ""
) -> asyncio.subprocess.Process:
    """Start the process with the encoded options of the reading. Raises OSError and ValueError."""
    arguments = [TEXT_ON_STDIN] if text_on_stdin else []
    # With a session of its own, the process does not get signals for our process group.
    return await asyncio.create_subprocess_exec(
        *PYTHON_MODULE,
        "hadirector.config",
        os.fspath(path),
        options,
        *arguments,
        stdin=asyncio.subprocess.PIPE if text_on_stdin else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
