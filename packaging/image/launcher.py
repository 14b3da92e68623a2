#!/usr/local/lib/hadirector/python3 -I
"""Starts hadirector in a container, with the capabilities that the container has.

A container runtime gives no capability to the process of an ordinary user, or gives it only in the
bounding set. The interpreter of this program is a copy of python3 with file capabilities, so that
this process may use the capabilities of the container's bounding set. They become ambient here:
hadirector and its processes keep them, as under systemd (capabilities(7)).
"""

import ctypes
import os
import struct
import sys

PROGRAM = "/usr/bin/hadirector"
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2  # linux/prctl.h
CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h
SETS = struct.Struct("=6I")
"""The effective, permitted and inheritable capabilities 0 to 31, and then 32 to 63."""


def make_capabilities_ambient() -> None:
    """Make all permitted capabilities of this process effective, inheritable and ambient."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = ctypes.create_string_buffer(struct.pack("=Ii", CAPABILITY_VERSION_3, 0))
    data = ctypes.create_string_buffer(SETS.size)
    check(libc.capget(header, data))
    _, low, _, _, high, _ = SETS.unpack(data.raw)
    check(libc.capset(header, ctypes.create_string_buffer(SETS.pack(*[low] * 3, *[high] * 3))))
    permitted = low | high << 32
    for capability in range(permitted.bit_length()):
        if permitted >> capability & 1:
            check(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def check(result: int) -> None:
    """Raise OSError if a call of the C library has failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    make_capabilities_ambient()
    os.execv(PROGRAM, [PROGRAM, *sys.argv[1:]])  # noqa: S606  # no shell
