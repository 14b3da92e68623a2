"""Fixtures: the Debian package of this tree, and a clean Debian system to install it in."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packages.clean_root import CleanRoot

TREE = Path(__file__).parents[2]
BUILD_SECONDS_MAX = 600.0


@pytest.fixture(scope="session")
def package() -> Path:
    """The package that `make deb` builds."""
    subprocess.run(
        ["make", "-s", "deb"],
        cwd=TREE,
        check=True,
        timeout=BUILD_SECONDS_MAX,
        # The package is for the interpreter of the release, not for the one that runs the tests.
        env={name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
    )
    [built] = (TREE / "build").glob("hadirector_*.deb")
    return built


@pytest.fixture(scope="module")
def root(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CleanRoot]:
    """A clean system in which the package is installed."""
    directory = tmp_path_factory.mktemp("root")
    try:
        made = CleanRoot.make(directory / "system")
        made.install(package)
        yield made
    finally:
        shutil.rmtree(directory)
