"""Reduces the memory of a child process after it has read its configuration."""

from __future__ import annotations

import ctypes
import gc


def settle() -> None:
    """Exclude all objects from later garbage collections, and return free memory to the kernel.

    The imports and the configuration leave holes of several hundred kilobytes in the heap.
    """
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # malloc_trim(3), of glibc only
    if trim is not None:
        trim(0)
