"""keepalived 2.2.7 and hadirector make the same of generated files: `make soak` tries more of them.

On two equal hosts the addresses, routes and rules are equal, and so is each byte of the
advertisements. ``tests.lab.twins`` names the few fields that differ.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.lab.generated_files import generate
from tests.lab.twins import Twins, differences, try_files

pytestmark = [pytest.mark.netns, pytest.mark.keepalived, pytest.mark.timeout(300)]

SEEDS = range(1, 17)
OWN_PEER = """\
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    version 3
    advert_int 0.2
    unicast_peer {
        10.99.0.1
        10.99.0.9
    }
    virtual_ipaddress {
        10.99.0.100/24
    }
}
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[str]]:
    """The differences of all files."""
    return try_files(SEEDS, generate, tmp_path_factory.mktemp("twins"))


@pytest.mark.parametrize("seed", SEEDS)
def test_keepalived_and_hadirector_have_the_same_effect(
    found: dict[int, list[str]], seed: int
) -> None:
    assert found[seed] == [], generate(seed)


def test_the_own_address_in_a_list_of_peers_without_a_source_gets_nothing(tmp_path: Path) -> None:
    """Keepalived sends to itself, too, which no other host sees."""
    with Twins() as twins:
        assert differences(*twins.run(OWN_PEER, tmp_path, f"twins-{os.getpid()}")) == []
    log = (tmp_path / "ours.log").read_text()
    assert "advertisement_dropped" not in log
    assert "advertisement_not_sent" not in log
