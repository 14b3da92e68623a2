"""Starts the process that reads a configuration file.

The module imports next to nothing, so that the process runs while its caller imports the rest.
"""

from __future__ import annotations

import asyncio
import os

from hadirector.config.subprocess import TEXT_ON_STDIN
from hadirector.runtime.interpreter import PYTHON_MODULE


async def launch(
    path: str | os.PathLike[str], *, text: bytes | None = None, options: str = ""
) -> asyncio.subprocess.Process:
    """Start the process that reads a file. Raises OSError and ValueError.

    ``options`` are the encoded options. With a ``text``, the process reads this text instead of
    the file.
    """
    arguments = [] if text is None else [TEXT_ON_STDIN]
    # The process reads a file in memory at its own pace. A pipe would need a writer.
    content = asyncio.subprocess.DEVNULL if text is None else file_in_memory(text)
    try:
        # With a session of its own, the process does not get signals for our process group.
        return await asyncio.create_subprocess_exec(
            *PYTHON_MODULE,
            "hadirector.config",
            os.fspath(path),
            options,
            *arguments,
            stdin=content,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    finally:
        if text is not None:
            os.close(content)


def file_in_memory(text: bytes) -> int:
    """Return the descriptor of a file that only exists in memory. Raises OSError."""
    descriptor = os.memfd_create("configuration")
    try:
        remaining = memoryview(text)
        while remaining:
            remaining = remaining[os.write(descriptor, remaining) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
