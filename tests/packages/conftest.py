"""Fixtures: the Debian package of this tree, and a clean Debian system to install it in."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.packages.clean_root import CleanRoot, make_archive

TREE = Path(__file__).parents[2]
BUILD_SECONDS_MAX = 600.0


@pytest.fixture(scope="session")
def package(testrun_uid: str) -> Path:
    """The package that `make deb` builds, once for all workers of a run."""
    make_once("lock", testrun_uid, make_package)
    [built] = (TREE / "build").glob("hadirector_*.deb")
    return built


@pytest.fixture(scope="session")
def base(testrun_uid: str) -> Path:
    """An archive of a clean system without the package, made once for all workers of a run."""
    archive = TREE / "build/base.tar"
    make_once("base.lock", testrun_uid, lambda: make_archive(archive))
    return archive


def make_once(name: str, testrun_uid: str, make: Callable[[], None]) -> None:
    """Call ``make`` in the first worker of a run, while the others wait."""
    build = TREE / "build"
    build.mkdir(exist_ok=True)
    with (build / name).open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if lock.read() != testrun_uid:
            make()
            lock.truncate(0)
            lock.write(testrun_uid)


def make_package() -> None:
    for old in (TREE / "build").glob("hadirector_*.deb"):
        old.unlink()
    subprocess.run(
        ["make", "-s", "deb"],
        cwd=TREE,
        check=True,
        timeout=BUILD_SECONDS_MAX,
        # The package is for the interpreter of the release, not for the one that runs the tests.
        env={name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
    )


@pytest.fixture(scope="session")
def root(
    package: Path, base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CleanRoot]:
    """A clean system in which the package is installed."""
    directory = tmp_path_factory.mktemp("root")
    try:
        made = CleanRoot.unpack(base, directory / "system")
        made.install(package)
        yield made
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def network() -> Iterator[Network]:
    """An empty bridge, removed with all its hosts after the test."""
    with Network() as made:
        yield made


@pytest.fixture
def director(network: Network) -> Host:
    """A host with an interface, and nothing else."""
    return network.host("director", "192.168.122.30/24")
