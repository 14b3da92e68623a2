"""Hides the secrets of configuration texts in another process, because this takes long.

A large text would block the director's loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets

from hadirector.config.masking import KEY_BYTES, MaskingError
from hadirector.config.subprocess.launch import file_in_memory
from hadirector.runtime.interpreter import PYTHON_MODULE

MASKING_SECONDS_MAX = 60.0


class Masker:
    """Masks texts, with the same labels for the same secrets as long as this object lives."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(KEY_BYTES)
        self._one_at_a_time = asyncio.Lock()

    async def mask(self, text: bytes) -> str:
        """Return the text without its secrets. Raises MaskingError."""
        async with self._one_at_a_time:
            content = file_in_memory(self._key + text)
            try:
                process = await asyncio.create_subprocess_exec(
                    *PYTHON_MODULE,
                    "hadirector.config.masking",
                    stdin=content,
                    stdout=asyncio.subprocess.PIPE,
                    start_new_session=True,
                )
            finally:
                os.close(content)
            try:
                async with asyncio.timeout(MASKING_SECONDS_MAX):
                    output, _ = await process.communicate()
            except TimeoutError as error:
                raise MaskingError(f"it takes more than {MASKING_SECONDS_MAX:g} s") from error
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            raise MaskingError(output.decode() or "the process that hides secrets failed")
        return output.decode()
