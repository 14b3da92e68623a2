"""Builds a library that lets User-Mode Linux 6.1 run on a CPU with AMX (see xsave.c)."""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("xsave.c")
COMPILER = "gcc"


def has_amx() -> bool:
    """Return whether the CPU has AMX, which makes the XSAVE area too large for User-Mode Linux."""
    return "amx_tile" in Path("/proc/cpuinfo").read_text(encoding="ascii").split()


def build_library(directory: Path) -> Path:
    """Compile the library into the directory and return its path.

    Raises subprocess.CalledProcessError if the compiler fails, after the compiler's own messages.
    """
    library = directory / "xsave.so"
    subprocess.run([COMPILER, "-O2", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
    return library
