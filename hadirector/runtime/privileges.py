"""Gives up every right of the process that serves other hosts (capabilities(7), setresuid(2))."""

from __future__ import annotations

import ctypes
import os
import pwd
import struct
from pathlib import Path
from typing import Final

OWN_USER: Final = "hadirector-web"
SHARED_USER: Final = "nobody"
NICENESS: Final = 10
"""The process gives way to probes, verdicts and advertisements when the processors are busy."""

_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 24, 38, 47  # linux/prctl.h
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_CAPABILITY_VERSION_3: Final = 0x20080522  # linux/capability.h
_CAPABILITIES_MAX: Final = 64
_CHANGE_USER: Final = 1 << 6 | 1 << 7  # CAP_SETGID and CAP_SETUID


def drop_privileges(user: str | None) -> None:
    """Give way to other processes, become ``user``, and give up all capabilities.

    A process without the capabilities to change its user keeps its user. Raises OSError, and
    KeyError for an unknown user.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    may_change = _effective_capabilities() & _CHANGE_USER == _CHANGE_USER
    account = (pwd.getpwnam(user) if user else _default_account()) if may_change else None
    os.nice(NICENESS)
    if account is not None:
        for capability in range(_CAPABILITIES_MAX):
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails beyond the last one
        os.setgroups([])
        os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
        os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    drop_capabilities()


def drop_capabilities() -> None:
    """Give up all capabilities, and keep the user and its files. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    _check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0))
    _check(libc.capset(header, ctypes.create_string_buffer(24)))  # two empty capability sets


def _effective_capabilities() -> int:
    """Return the effective capabilities of this process (proc(5), CapEff)."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line[7:], 16) for line in text.splitlines() if line.startswith("CapEff:"))


def _default_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(OWN_USER)
    except KeyError:
        return pwd.getpwnam(SHARED_USER)


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
