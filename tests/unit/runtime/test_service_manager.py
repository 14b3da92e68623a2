"""The messages to a service manager, as sd_notify(3) describes them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.runtime.service_manager import ServiceManager, Starter, find


@contextlib.contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address)
        receiver.settimeout(5.0)
        yield receiver


def test_the_assignments_are_the_lines_of_one_message(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with manager(address) as receiver:
        ServiceManager(address, None).send("READY=1", "STATUS=ACTIVE for web")
        assert receiver.recv(100) == b"READY=1\nSTATUS=ACTIVE for web"


def test_an_address_may_be_abstract() -> None:
    with manager("\0hadirector-test-notify") as receiver:
        ServiceManager("@hadirector-test-notify", None).send("READY=1")
        assert receiver.recv(100) == b"READY=1"


def test_a_manager_that_has_left_is_no_error(tmp_path: Path) -> None:
    ServiceManager(str(tmp_path / "gone"), None).send("READY=1")


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({"NOTIFY_SOCKET": "/run/notify"}, None),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "30000000"}, 30.0),
        ({"NOTIFY_SOCKET": "@notify", "WATCHDOG_USEC": "500000", "WATCHDOG_PID": "7"}, 0.5),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "soon"}, None),
        ({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "0"}, None),
    ],
)
def test_the_watchdog_is_for_the_process_that_is_named(
    variables: dict[str, str], seconds: float | None
) -> None:
    found = find(variables, pid=7)
    assert found is not None
    assert found.watchdog_seconds == seconds


@pytest.mark.parametrize("variables", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:3"}])
def test_there_may_be_no_manager(variables: dict[str, str]) -> None:
    assert find(variables, pid=7) is None


def test_children_do_not_see_the_variables_and_the_next_program_does() -> None:
    given = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "30000000", "PATH": "/bin"}
    environment = dict(given)
    starter = Starter(environment)
    assert environment == {"PATH": "/bin"}
    starter.restore(environment)
    assert environment == given
