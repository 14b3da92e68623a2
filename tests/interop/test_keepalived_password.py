"""Version 2 with a password, against a real keepalived 2.2.7."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadirector.lab.topology import Host, Network
from tests.lab.routers import VIRTUAL_ADDRESS, Keepalived, VrrpRouter
from tests.waiting import eventually

pytestmark = [pytest.mark.netns, pytest.mark.keepalived]

PASS = "authentication {\n auth_type PASS\n auth_pass abc\n }"
DOWN_100 = 3.609  # RFC 3768 6.1: 3 s and a skew time of 156/256 s


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    with Network() as network:
        yield network.host("ours", "10.99.0.1/24"), network.host("theirs", "10.99.0.2/24")


def start(
    hosts: tuple[Host, Host], directory: Path, *, ours: int, theirs: int, password: str
) -> tuple[VrrpRouter, Keepalived]:
    keepalived = Keepalived(
        hosts[1], directory, priority=theirs, version=2, advert_interval=1, extra=PASS
    )
    options = ("--password", password)
    router = VrrpRouter(hosts[0], directory, *options, priority=ours, version=2, advert_interval=1)
    return router, keepalived


def test_with_the_same_password_we_follow_keepalived_and_take_over(
    hosts: tuple[Host, Host], tmp_path: Path
) -> None:
    """Each accepts the other's advertisements. After a stop and a return there is one holder."""
    router, keepalived = start(hosts, tmp_path, ours=100, theirs=200, password="abc")
    eventually(lambda: hosts[1].holds(VIRTUAL_ADDRESS), 10.0, "keepalived ACTIVE")
    time.sleep(1.5)
    status = router.status()
    assert (status["state"], status["active_router"]) == ("BACKUP", "10.99.0.2")
    keepalived.stop()
    router.wait_for("ACTIVE", 2.0)


def test_keepalived_accepts_our_password(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """A keepalived of lower priority stays BACKUP behind us."""
    router, _keepalived = start(hosts, tmp_path, ours=200, theirs=100, password="abc")
    router.wait_for("ACTIVE")
    time.sleep(DOWN_100 + 0.5)
    assert hosts[0].holds(VIRTUAL_ADDRESS)
    assert not hosts[1].holds(VIRTUAL_ADDRESS)
    assert len(router.became("ACTIVE")) == 1


def test_another_password_is_counted_as_such(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """Each router drops the advertisements of the other. Our status has the reason."""
    router, _keepalived = start(hosts, tmp_path, ours=100, theirs=200, password="abd")
    router.wait_for("ACTIVE")
    eventually(lambda: hosts[1].holds(VIRTUAL_ADDRESS), 10.0, "keepalived ACTIVE")
    time.sleep(1.0)
    assert router.status()["counters"]["dropped_auth_password"] >= 1
