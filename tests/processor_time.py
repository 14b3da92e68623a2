"""The processor time of processes."""

from __future__ import annotations

import os
from pathlib import Path


def processor_seconds(*pids: int) -> float:
    """Return the user and system time that these processes have used (proc(5), stat)."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
