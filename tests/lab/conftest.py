"""Fixtures of the tests in network namespaces."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
from pyroute2 import netns

from hadirector.lab.topology import Host, Network
from vrrp.model.report import Report
from vrrp.speaker import Speaker

LOG_CHARACTERS_MAX = 10_000


@pytest.fixture
def network() -> Iterator[Network]:
    """An empty bridge, removed with all its hosts after the test."""
    with Network() as made:
        yield made


@pytest.fixture
def host(network: Network) -> Host:
    """A single host."""
    return network.host("host", "10.99.0.1/24")


@pytest.fixture
async def speaker(host: Host) -> AsyncIterator[Speaker]:
    """A speaker whose sockets are in the host's namespace."""
    reports: list[Report] = []
    netns.pushns(host.namespace)
    try:
        async with Speaker(reports.append) as running:
            yield running
    finally:
        netns.popns()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the ``*.log`` files of a failed test: files inside User-Mode Linux are lost after the
    run.
    """
    report = yield
    if report.when == "call" and report.failed and isinstance(item, pytest.Function):
        directory = item.funcargs.get("tmp_path")
        for file in sorted(directory.glob("*.log")) if isinstance(directory, Path) else ():
            text = file.read_text(errors="replace")[-LOG_CHARACTERS_MAX:]
            report.sections.append((file.name, text))
    return report


@pytest.fixture
def own_namespace() -> Iterator[None]:
    """Put this process into its own network namespace, whose IPVS table is empty."""
    name = f"hadirector-{os.getpid()}"
    netns.create(name)
    netns.pushns(name)
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield
    finally:
        netns.popns()
        netns.remove(name)
