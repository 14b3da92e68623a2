"""Markers: a test is skipped where the machine lacks what it needs. With CI set, it fails."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

from hadirector.lab.uml import kernel_has_ipvs
from tests.lab.frr import DAEMONS

# A slow example says nothing about the code: the machine may be busy.
settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("unhurried")


PRIVILEGED = {"netns", "ipvs", "keepalived", "frr", "bird", "package"}
SYSTEM_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
BUILDERS = ("dh", "mmdebstrap", "lintian", "man", "systemd-analyze", "crun")


def missing(item: pytest.Item) -> str | None:
    """Return what this machine lacks for the markers of a test, or None."""
    marks = {mark.name for mark in item.iter_markers()}
    if marks & PRIVILEGED and os.geteuid() != 0:
        return "needs root, to make network namespaces or a system in a directory"
    needs = {
        "needs ip (Debian package iproute2)": (
            marks & PRIVILEGED - {"package"} and shutil.which("ip") is None
        ),
        "needs keepalived (Debian package keepalived)": (
            "keepalived" in marks and shutil.which("keepalived") is None
        ),
        "needs FRR (Debian package frr)": "frr" in marks and not (DAEMONS / "vrrpd").exists(),
        "needs BIRD (Debian package bird2)": (
            "bird" in marks and shutil.which("bird", path=SYSTEM_PATH) is None
        ),
        "needs promtool (Debian package prometheus)": (
            "promtool" in marks and shutil.which("promtool") is None
        ),
        "needs a kernel with IPVS: run it by python -m hadirector.lab.uml": (
            "ipvs" in marks and not kernel_has_ipvs()
        ),
        f"needs {', '.join(BUILDERS)} (debhelper, mmdebstrap, lintian, man-db, systemd, crun)": (
            "package" in marks and not all(shutil.which(each) for each in BUILDERS)
        ),
    }
    return next((need for need, lacks in needs.items() if lacks), None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option --part, with which two kernels share the tests."""
    parser.addoption("--part", metavar="I/N", help="every Nth test only, beginning with the Ith")


@pytest.hookimpl(trylast=True)  # after the markers have deselected tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep only the tests of the part that --part names."""
    part = config.getoption("--part")
    if part is None:
        return
    first, step = (int(each) for each in part.split("/"))
    kept = items[first - 1 :: step]
    config.hook.pytest_deselected(items=[each for each in items if each not in kept])
    items[:] = kept


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that this machine cannot run, with the reason. With CI set, fail it."""
    reason = missing(item)
    if reason is None:
        return
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
