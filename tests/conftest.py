"""What a marked test needs from the machine: without it the test is left out, in CI it fails."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

from hadirector.lab.uml import kernel_has_ipvs
from tests.lab.frr import DAEMONS

# A busy machine is slow, which says nothing about the code.
settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("unhurried")


def missing(item: pytest.Item) -> str | None:
    """Say what this machine lacks for a test's markers."""
    marks = {mark.name for mark in item.iter_markers()}
    if marks & {"netns", "ipvs", "keepalived", "frr"}:
        if os.geteuid() != 0:
            return "needs root, to make network namespaces"
        if shutil.which("ip") is None:
            return "needs ip (Debian package iproute2)"
    if "keepalived" in marks and shutil.which("keepalived") is None:
        return "needs keepalived (Debian package keepalived)"
    if "frr" in marks and not (DAEMONS / "vrrpd").exists():
        return "needs FRR (Debian package frr)"
    if "ipvs" in marks and not kernel_has_ipvs():
        return "needs a kernel with IPVS: run it by python -m hadirector.lab.uml"
    return None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let two kernels share the tests between them."""
    parser.addoption("--part", metavar="I/N", help="every Nth test only, beginning with the Ith")


@pytest.hookimpl(trylast=True)  # of what the markers have left
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the part of the tests that was asked for."""
    part = config.getoption("--part")
    if part is None:
        return
    first, step = (int(each) for each in part.split("/"))
    kept = items[first - 1 :: step]
    config.hook.pytest_deselected(items=[each for each in items if each not in kept])
    items[:] = kept


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what cannot run here, and say why; continuous integration leaves nothing out."""
    reason = missing(item)
    if reason is None:
        return
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
