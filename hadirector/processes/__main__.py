"""Runs a child process: ``python -m hadirector.processes MODULE DESCRIPTOR``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Final

DEFERRED: Final = frozenset({"ssl", "asyncio.sslproto"})
"""Modules that asyncio imports, but needs for TLS only: with OpenSSL, 1.7 MB and 15 ms."""


class DeferredModule(ModuleType):
    """A module that is executed at the first use of one of its attributes.

    `importlib.util.LazyLoader` would execute it already when it is imported a second time.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.__class__ = ModuleType  # type: ignore[assignment] # an ordinary one from now on
        assert self.__spec__ is not None
        assert isinstance(self.__spec__.loader, DeferringLoader)
        self.__spec__.loader.loader.exec_module(self)
        return getattr(self, name)


class DeferringLoader(Loader):
    """Creates deferred modules of another loader."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a module that can be imported, but has not been executed."""
        return DeferredModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing yet."""


class DeferringFinder:
    """Finds the deferred modules on the path."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the specification of a deferred module; None for all other modules."""
        spec = PathFinder.find_spec(name, path, target) if name in DEFERRED else None
        if spec is not None and spec.loader is not None:
            spec.loader = DeferringLoader(spec.loader)
        return spec


def main(module: str, descriptor: str) -> None:
    """Import the module of the child process and run it over the descriptor of its channel."""
    sys.meta_path.insert(0, DeferringFinder())
    import_module(module).main(int(descriptor))


if __name__ == "__main__":
    main(*sys.argv[1:])
