"""Setting sysctls, storing their former values, and restoring them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
import structlog

from hadirector.config.loader import parse
from hadirector.host.sysctl import files, reconciler
from hadirector.host.sysctl.reconciler import SysctlReconciler
from hadirector.host.sysctl.rules import SavedValue

CONFIGURATION = parse(b"virtual_servers: [{address: 10.0.0.9:53, protocol: udp, check: none}]",
                      "f", "lb1")  # fmt: skip
PERSISTENT = parse(b"virtual_servers: [{address: 10.0.0.9:80, persistence: 60s}]", "f", "lb1")
QUIESCENT = "net/ipv4/vs/expire_quiescent_template"
FORWARD = "net/ipv4/ip_forward"
NODEST = "net/ipv4/vs/expire_nodest_conn"
ALL = "net/ipv4/conf/all/send_redirects"


class Kernel:
    """The parameters of a kernel, and the order of the calls."""

    def __init__(self) -> None:
        self.values = {FORWARD: "0", NODEST: "0", ALL: "1"}
        self.done: list[str] = []
        self.refused: frozenset[str] = frozenset()

    def read(self, names: Iterable[str]) -> dict[str, str | None]:
        return {name: self.values.get(name) for name in names}

    def write(self, name: str, value: str) -> None:
        if name in self.refused:
            raise OSError(30, "Read-only file system")
        self.done.append(f"{name}={value}")
        self.values[name] = value

    def read_routes(self) -> str:
        return ""

    def interfaces_towards(self, addresses: object, routes: str) -> frozenset[str]:
        return frozenset()

    def remember(self, taken: dict[str, SavedValue]) -> None:
        self.done.append(f"remember {sorted(taken)[-1:]}")
        self.taken = taken


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    monkeypatch.setattr(reconciler, "files", made)
    return made


async def test_the_former_value_is_stored_before_a_parameter_is_set(kernel: Kernel) -> None:
    reconciler = SysctlReconciler(CONFIGURATION, {}, kernel.remember)
    await reconciler.reconcile()
    assert kernel.values == {FORWARD: "1", NODEST: "1", ALL: "0"}
    assert kernel.done[:2] == [f"remember ['{FORWARD}']", f"{FORWARD}=1"]
    assert kernel.taken == {
        FORWARD: SavedValue("0", "1"),
        ALL: SavedValue("1", "0"),
        NODEST: SavedValue("0", "1"),
    }
    assert [(each.name, each.was) for each in reconciler.statuses()] == [
        ("net.ipv4.ip_forward", "0"),
        ("net.ipv4.conf.all.send_redirects", "1"),
        ("net.ipv4.vs.expire_nodest_conn", "0"),
    ]


async def test_a_restart_keeps_the_values_from_before_the_first_start(kernel: Kernel) -> None:
    reconciler = SysctlReconciler(CONFIGURATION, {NODEST: SavedValue("0", "1")}, kernel.remember)
    kernel.values = {FORWARD: "1", NODEST: "1", ALL: "0"}
    await reconciler.reconcile()
    assert kernel.done == []
    reconciler.restore()
    assert kernel.done == [f"{NODEST}=0", "remember []"]


async def test_a_parameter_that_was_right_is_not_restored(kernel: Kernel) -> None:
    kernel.values = {FORWARD: "1", NODEST: "1", ALL: "0"}
    reconciler = SysctlReconciler(CONFIGURATION, {}, kernel.remember)
    await reconciler.reconcile()
    reconciler.restore()
    assert kernel.values == {FORWARD: "1", NODEST: "1", ALL: "0"}


async def test_a_change_by_another_program_is_repaired_counted_and_logged(kernel: Kernel) -> None:
    reconciler = SysctlReconciler(CONFIGURATION, {}, kernel.remember)
    await reconciler.reconcile()
    kernel.values[NODEST] = "0"
    with structlog.testing.capture_logs() as lines:
        await reconciler.reconcile()
    assert (kernel.values[NODEST], reconciler.repaired) == ("1", 1)
    [line] = lines
    assert (line["event"], line["was"]) == ("sysctl_repaired", "0")


async def test_a_new_configuration_is_no_repair(kernel: Kernel) -> None:
    reconciler = SysctlReconciler(CONFIGURATION, {}, kernel.remember)
    await reconciler.reconcile()
    kernel.values[QUIESCENT] = "0"
    await reconciler.configure(PERSISTENT)
    assert kernel.values[QUIESCENT] == "1"
    assert reconciler.repaired == 0


async def test_a_refusal_causes_one_warning_and_is_retried(kernel: Kernel) -> None:
    kernel.refused = frozenset({NODEST})
    reconciler = SysctlReconciler(CONFIGURATION, {}, kernel.remember)
    with structlog.testing.capture_logs() as lines:
        await reconciler.reconcile()
        await reconciler.reconcile()
    warning = "cannot set net.ipv4.vs.expire_nodest_conn to 1 (it is 0): Read-only file system"
    assert reconciler.warnings == (warning,)
    assert [each["event"] for each in lines].count("sysctl_contradicts") == 1
    kernel.refused = frozenset()
    await reconciler.reconcile()
    assert kernel.values[NODEST] == "1"
    assert len(reconciler.warnings) == 0


async def test_a_value_that_cannot_be_restored_stays_stored(kernel: Kernel) -> None:
    reconciler = SysctlReconciler(CONFIGURATION, {}, kernel.remember)
    await reconciler.reconcile()
    kernel.refused = frozenset({NODEST})
    with structlog.testing.capture_logs() as lines:
        reconciler.restore()
    assert kernel.taken == {NODEST: SavedValue("0", "1")}
    assert kernel.values == {FORWARD: "1", NODEST: "1", ALL: "1"}
    assert [each["event"] for each in lines] == [
        "sysctl_restored",
        "sysctl_not_restored",
        "sysctl_stays",
    ]


ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth1\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
eth2\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
broken line
"""


def test_the_route_with_the_longest_prefix_gives_the_interface(
    tmp_path: Path,
) -> None:
    """The default route, 10.0.0.0/8 and 10.0.0.0/24, as /proc/net/route of a PC has them."""
    file = tmp_path / "route"
    file.write_text(ROUTES)
    routes = files.read_routes(file)
    assert files.interfaces_towards(["10.9.9.9"], routes) == {"eth1"}
    assert files.interfaces_towards(["10.0.0.7", "198.51.100.1"], routes) == {"eth0", "eth2"}
    assert files.interfaces_towards([], routes) == set()
    assert files.read_routes(tmp_path / "none") == ""
    assert files.interfaces_towards(["10.9.9.9"], "") == set()


def test_parameters_are_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b").write_text("0\n")
    files.write("a/b", "1", tmp_path)
    assert files.read(["a/b", "a/c"], tmp_path) == {"a/b": "1", "a/c": None}
