"""The connection timeouts: requests, answers, and reconciling."""

from __future__ import annotations

import pytest

from hadirector.config.loader import parse
from hadirector.dataplane.dataplane import DataplaneError
from hadirector.dataplane.ipvs.codec.frames import write
from hadirector.dataplane.ipvs.timeouts import read_timeouts, write_timeouts
from hadirector.host.timeouts import TimeoutReconciler
from hadirector.model.ipvs import ConnectionTimeouts

KERNEL = ConnectionTimeouts(tcp=900, tcp_fin=120, udp=300)
WANTED = ConnectionTimeouts(tcp=3600, udp=60)


class Kernel:
    """Three timeouts; 0 changes none."""

    def __init__(self) -> None:
        self.timeouts = KERNEL
        self.written = 0
        self.error: str | None = None

    async def read(self) -> ConnectionTimeouts:
        return self.timeouts

    async def write(self, timeouts: ConnectionTimeouts) -> None:
        if self.error:
            raise DataplaneError(self.error)
        self.written += 1
        self.timeouts = self.timeouts.overridden_by(timeouts)


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


async def test_unconfigured_timeouts_stay_and_right_ones_are_not_written(
    kernel: Kernel,
) -> None:
    reconciler = TimeoutReconciler(lambda: kernel)
    await reconciler.reconcile(WANTED)
    await reconciler.reconcile(WANTED)
    assert kernel.timeouts == ConnectionTimeouts(tcp=3600, tcp_fin=120, udp=60)
    assert (kernel.written, reconciler.repaired) == (1, 0)


async def test_a_change_by_another_program_is_repaired_and_counted(kernel: Kernel) -> None:
    reconciler = TimeoutReconciler(lambda: kernel)
    await reconciler.reconcile(WANTED)
    kernel.timeouts = KERNEL
    await reconciler.reconcile(WANTED)
    assert kernel.timeouts == ConnectionTimeouts(tcp=3600, tcp_fin=120, udp=60)
    assert reconciler.repaired == 1


async def test_without_configured_timeouts_the_kernel_is_not_read() -> None:
    def ask() -> Kernel:
        raise AssertionError

    await TimeoutReconciler(ask).reconcile(ConnectionTimeouts())


async def test_a_failure_causes_a_warning_until_a_later_pass_succeeds(kernel: Kernel) -> None:
    reconciler = TimeoutReconciler(lambda: kernel)
    kernel.error = "no"
    await reconciler.reconcile(WANTED)
    assert reconciler.warnings == ("connection timeouts: no",)
    kernel.error = None
    await reconciler.reconcile(WANTED)
    assert not reconciler.warnings


def test_a_request_has_the_numbers_of_the_kernel() -> None:
    """IPVS_CMD_SET_CONFIG with the attributes 4, 5 and 6 (include/uapi/linux/ip_vs.h)."""
    written = write(write_timeouts(WANTED), family=28, version=1, flags=5, sequence=7)
    assert written[16:] == bytes.fromhex(
        "0c010000 08000400 100e0000 08000500 00000000 08000600 3c000000"
    )


def test_an_answer_is_decoded() -> None:
    answer = "08000400 84030000 08000500 78000000 08000600 2c010000"
    assert read_timeouts(bytes.fromhex(answer)) == KERNEL


def test_the_file_has_units() -> None:
    text = b"connection_timeouts: {tcp: 1h, udp: 1m}\nvirtual_servers: []"
    assert parse(text, "f", "lb1").connection_timeouts == WANTED
