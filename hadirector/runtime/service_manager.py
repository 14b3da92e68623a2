"""Tells the service manager the state of this process, as sd_notify(3) describes it.

The service manager is systemd or another program that opens the socket in NOTIFY_SOCKET. If it does
not read, the message is lost: nothing waits for it.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping, MutableMapping
from typing import Final

VARIABLES: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class ServiceManager:
    """The service manager that started this process.

    ``watchdog_seconds`` is the time after which it ends this process unless it has heard from it;
    None if it does not watch.
    """

    def __init__(self, address: str, watchdog_seconds: float | None) -> None:
        self.watchdog_seconds = watchdog_seconds
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    def tell(self, *assignments: str) -> None:
        """Send assignments such as READY=1 in one message."""
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender,
        ):
            sender.sendto("\n".join(assignments).encode(), self._address)


class Starter:
    """What the starter of this process left in its environment for it alone.

    The variables are removed, so that no child process uses them in the name of this process.
    """

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self._variables = {name: environment.pop(name) for name in VARIABLES if name in environment}

    def service_manager(self) -> ServiceManager | None:
        """Return the service manager, or None if there is none."""
        return find(self._variables, os.getpid())

    def restore(self, environment: MutableMapping[str, str]) -> None:
        """Put the variables back for the program that replaces this one in the same process."""
        environment.update(self._variables)


def find(variables: Mapping[str, str], pid: int) -> ServiceManager | None:
    """Return the service manager that these variables name for a process."""
    address = variables.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return None
    watched = variables.get("WATCHDOG_PID", str(pid)) == str(pid)
    microseconds = variables.get("WATCHDOG_USEC", "")
    if not watched or not microseconds.isdecimal() or int(microseconds) == 0:
        return ServiceManager(address, None)
    return ServiceManager(address, int(microseconds) / 1e6)
