"""Runs a child process: ``python -m hadirector.processes MODULE DESCRIPTOR...``."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

from hadirector.runtime.imports import absent, defer

DEFERRED: Final = frozenset({"ssl", "asyncio.sslproto", "hashlib", "hmac", "inspect"})
"""Modules that others import, but few configurations use: 3 MB and 25 ms, with OpenSSL."""


def main(module: str, *descriptors: str) -> None:
    """Import the module of the child process, and run it with its descriptors.

    The first descriptor is the channel to the director.
    """
    prepare_imports()
    import_module(module).main(*map(int, descriptors))


def prepare_imports() -> None:
    """Defer modules that few configurations use, before the first import of asyncio and msgspec."""
    defer(DEFERRED)
    # msgspec prefers typing_extensions, but `typing` has the same since Python 3.11.
    with absent("typing_extensions"):
        import_module("msgspec")


if __name__ == "__main__":
    main(*sys.argv[1:])
