"""The process that reads a configuration has limits of memory and time, and no life of its own."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hadirector.config.document.errors import VALUES_MAX, ConfigError
from hadirector.config.subprocess import reader
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)

MEGABYTE = 1024 * 1024
SECONDS_MAX = 40.0
"""An idle machine needs 5 s for a million values."""


@pytest.mark.parametrize(
    "text",
    [
        "vrrp: [" + "1," * 15_000_000 + "]",
        "virtual_servers:\n" + "- {}\n" * 6_000_000,
        "vrrp: [" + "*a," * 10_000_000 + "]",
    ],
    ids=["one line", "one list", "aliases"],
)
async def test_a_file_of_30_megabytes_is_refused_early_and_takes_little_memory(text: str) -> None:
    assert 28 * MEGABYTE < len(text) < 32 * MEGABYTE
    started = time.monotonic()
    with pytest.raises(ConfigError) as refusal:
        await reader.read("draft.yaml", text.encode())
    assert time.monotonic() - started < SECONDS_MAX
    last = refusal.value.faults[-1].message
    cut_off = "the rest of the file is not read, and further faults are not shown"
    assert f"the file has more than {VALUES_MAX} values" in last or last == cut_off
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    assert used < 1500 * MEGABYTE


def test_a_file_that_needs_more_memory_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_text(
        "virtual_servers:\n" + "".join(f"- {{fwmark: {mark}}}\n" for mark in range(1, 60_001))
    )
    code = (
        "import sys\n"
        "from hadirector.config import __main__\n"
        "from hadirector.config.subprocess import limits\n"
        f"limits.MEMORY_BYTES_MAX = {150 * MEGABYTE}\n"
        "__main__.main(sys.argv[1])\n"
    )
    command = [sys.executable, "-c", code, str(file)]
    ended = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert ended.returncode == 0
    assert b"takes more than 2 GiB of memory" in ended.stdout


def test_a_killed_director_leaves_no_reader_behind() -> None:
    """The parent of the reader is killed while the reader is busy with a large text."""
    code = (
        "import asyncio\n"
        "from hadirector.config.subprocess.launch import launch\n"
        "async def main():\n"
        "    process = await launch('draft.yaml', text=b'- 1\\n' * 900_000)\n"
        "    print(process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as made:
        assert made.stdout is not None
        pid = int(made.stdout.readline())
        score = Path(f"/proc/{pid}/oom_score_adj")
        eventually(lambda: score.read_text().strip(), 20.0, expected="1000")
        # A stopped process cannot notice the end of its input.
        os.kill(pid, signal.SIGSTOP)
        made.kill()
    eventually(lambda: not _runs(pid), 3.0, "the reader has ended")


def _runs(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
