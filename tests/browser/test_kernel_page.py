"""A drain by button, seen in the kernel: the director runs in User-Mode Linux, the browser here."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from hadirector.lab import uml
from tests.browser.conftest import Open
from tests.browser.kernel_director import END_OF_TABLE, OUTSIDE, URL
from tests.waiting import eventually_async

missing = uml.missing_programs()
pytestmark = [
    pytest.mark.netns,
    pytest.mark.timeout(150),
    pytest.mark.skipif(
        bool(missing) and ("CI" not in os.environ or uml.kernel_has_ipvs()),
        reason=f"needs {', '.join(missing)}",
    ),
]
START_SECONDS = 60.0
TAP = f"hatap{os.getpid() % 100_000}"
SERVICE = "-A -t 10.98.0.2:80 -s rr"
FIRST = "-a -t 10.98.0.2:80 -r 10.98.0.11:80 -m -w"
SECOND = "-a -t 10.98.0.2:80 -r 10.98.0.12:80 -m -w"


class Kernel:
    """The other kernel. ``table`` is the latest IPVS table that its director has written."""

    def __init__(self) -> None:
        program = (sys.executable, "-m", "tests.browser.kernel_director")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hadirector.lab.uml", "--tap", TAP, "--", *program],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.log = ""
        self.table: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        entries: list[str] = []
        with self._process.stdout as lines:
            for line in map(str.strip, lines):
                self.log += f"{line}\n"
                if line == END_OF_TABLE:
                    self.table, entries = sorted(entries), []
                elif line.startswith(("-A ", "-a ")):
                    entries.append(line)

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(20.0)
        self._reader.join(20.0)


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    """A director in its own kernel, at the other end of a tap interface."""
    subprocess.run(["ip", "tuntap", "add", TAP, "mode", "tap"], check=True)
    try:
        for words in (f"address add {OUTSIDE} dev {TAP}", f"link set {TAP} up"):
            subprocess.run(["ip", *words.split()], check=True)
        made = Kernel()
        try:
            yield made
        finally:
            made.end()
    finally:
        subprocess.run(["ip", "link", "delete", TAP], check=True)


async def test_a_drain_by_button_reaches_the_kernel(kernel: Kernel, open_page: Open) -> None:
    both = [SERVICE, f"{FIRST} 1", f"{SECOND} 1"]
    await eventually_async(lambda: kernel.table, START_SECONDS, kernel.log, expected=both)
    await eventually_async(lambda: "web_port_opened" in kernel.log, START_SECONDS)
    async with open_page(URL, ignore_https_errors=True) as page:
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name="10.98.0.11:80"))
        await expect(row).to_contain_text("in", timeout=20_000)
        dialog = page.get_by_role("dialog")
        for button, reason, weight in (("Drain", "kernel update", 0), ("Undo", "done", 1)):
            await row.get_by_role("button", name=button).click()
            await dialog.get_by_label("Reason").fill(reason)
            await dialog.get_by_role("button", name=button).click()
            wanted = [SERVICE, f"{FIRST} {weight}", f"{SECOND} 1"]
            await eventually_async(lambda: kernel.table, 10.0, kernel.log, expected=wanted)
