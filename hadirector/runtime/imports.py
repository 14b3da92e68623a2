"""Prevents or delays imports, so that a process starts sooner and takes less memory."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


@contextlib.contextmanager
def absent(module: str) -> Iterator[None]:
    """Make the import of a module fail inside the context, unless it is already imported.

    Use this for a library that uses the module only if it is installed.
    """
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment] # the import system raises ImportError
    try:
        yield
    finally:
        del sys.modules[module]


def defer(modules: Collection[str]) -> None:
    """Delay the execution of these modules until the first use of one of their attributes."""
    sys.meta_path.insert(0, _DeferringFinder(frozenset(modules)))


def complete(modules: Collection[str]) -> None:
    """Import these modules, and execute the deferred ones.

    A process that gives up its rights may not be able to read their files later.
    """
    for name in modules:
        module = import_module(name)
        getattr(module, "first_use", None)  # no module has it, but it counts as a use


class DeferredModule(ModuleType):
    """A module that is executed when one of its attributes is first used.

    `importlib.util.LazyLoader` would execute the module already when it is imported a second time.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system looks for __path__, for example
            raise AttributeError(name)
        self.__class__ = ModuleType  # type: ignore[assignment] # from now on an ordinary module
        assert self.__spec__ is not None
        loader = self.__spec__.loader
        assert isinstance(loader, _DeferringLoader)
        loader.loader.exec_module(self)
        return getattr(self, name)


class _DeferringFinder:
    """Finds the modules to defer on the path of their package."""

    def __init__(self, modules: frozenset[str]) -> None:
        self._modules = modules

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the specification of a deferred module; None for all other modules."""
        spec = PathFinder.find_spec(name, path, target) if name in self._modules else None
        if spec is not None:
            spec.loader = _DeferringLoader(spec.loader)  # type: ignore[assignment] # it is one
        return spec


class _DeferringLoader:
    """Has the methods of a loader. The import of `importlib.abc` would take a megabyte."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a module that can be imported, but has not been executed."""
        return DeferredModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing yet."""
