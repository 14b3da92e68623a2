"""Reads the options with which the running kernel was built."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Final

MH_TABLE_BITS: Final = "CONFIG_IP_VS_MH_TAB_INDEX"
"""The size of the tables of mh, as a power of two (net/netfilter/ipvs/Kconfig)."""
_OPTIONS: Final = Path("/proc/config.gz")


def read_kernel_option(name: str) -> str:
    """Return the value of an option; empty if it is not known. Blocks."""
    try:
        if _OPTIONS.exists():
            text = gzip.decompress(_OPTIONS.read_bytes()).decode(errors="replace")
        else:
            text = Path(f"/boot/config-{os.uname().release}").read_text(errors="replace")
    except (OSError, EOFError):
        return ""
    values = (line.partition("=") for line in text.splitlines())
    return next((value for key, _, value in values if key == name), "")
