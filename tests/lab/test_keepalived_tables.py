"""keepalived makes the recorded table of each file of the corpus in a real kernel.

A unit test compares the same records with the tables that hadirector wants.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Network
from tests.lab.experiment import kernel_table
from tests.waiting import eventually

pytestmark = [pytest.mark.ipvs, pytest.mark.keepalived, pytest.mark.timeout(300)]

CORPUS = Path(__file__).parents[1] / "corpus" / "keepalived"
RECORDS = sorted(CORPUS.glob("lvs-*.table"))
START_SECONDS = 10.0


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """A network whose hosts run keepalived one after the other."""
    with Network() as made:
        yield made


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_keepalived_makes_the_recorded_table(
    network: Network, tmp_path: Path, record: Path
) -> None:
    number = RECORDS.index(record)
    host = network.host(f"k{number}")
    identity = [f"--pid={tmp_path}/main", f"--checkers_pid={tmp_path}/checkers"]
    process = host.start(
        *("keepalived", "-n", "-l", "-D", "-C", "-f", str(record.with_suffix(".conf"))), *identity
    )
    # The first check comes a second after the start.
    expected = record.read_text().splitlines()
    try:
        eventually(lambda: kernel_table(host), START_SECONDS, expected=expected)
    finally:
        process.kill()
        process.wait()
