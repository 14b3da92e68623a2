"""Records the demo as a picture for the documents: ``python -m tests.reference.recording``.

The demo runs for real, on a terminal of its own. The picture has what it printed.
"""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

PICTURE: Final = Path(__file__).parents[2] / "docs/images/demo.svg"
COMMAND: Final = (sys.executable, "-m", "hadirector", "demo")
WIDTH: Final = 112
SECONDS_MAX: Final = 120.0
TITLE: Final = "make demo"
_FONT_FACE: Final = re.compile(r"\s*@font-face \{[^}]*\}")


def main() -> int:
    """Run the demo and write the picture. Returns the exit code of the demo."""
    output, status = record(COMMAND)
    PICTURE.write_text(render(output), encoding="utf-8")
    return status


def record(command: tuple[str, ...]) -> tuple[str, int]:
    """Run a command on a terminal, and return its output and its exit code."""
    ours, its = pty.openpty()
    environment = os.environ | {"COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdout=its, stderr=its, env=environment) as process:
        os.close(its)
        parts = []
        while part := _read(ours):
            parts.append(part)
        status = process.wait(SECONDS_MAX)
    os.close(ours)
    return b"".join(parts).decode().replace("\r\n", "\n"), status


def render(output: str) -> str:
    """Return a picture of a terminal with this output, as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(output.rstrip()))
    picture = console.export_svg(title=TITLE, unique_id="demo")
    picture = _FONT_FACE.sub("", picture)  # the documents load nothing from other hosts
    return "\n".join(line.rstrip() for line in picture.splitlines()) + "\n"


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # EIO: the last process has closed the terminal
        return b""


if __name__ == "__main__":
    sys.exit(main())
