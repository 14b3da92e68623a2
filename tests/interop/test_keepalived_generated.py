"""keepalived 2.2.7 and hadirector make the same of generated files: `make soak` tries more of them.

On two equal hosts the addresses, routes and rules are equal, and so is each byte of the
advertisements. ``tests.lab.twins`` names the few fields that differ.
"""

from __future__ import annotations

import pytest

from tests.lab.generated_files import generate
from tests.lab.twins import try_files

pytestmark = [pytest.mark.netns, pytest.mark.keepalived, pytest.mark.timeout(300)]

SEEDS = range(1, 17)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[str]]:
    """The differences of all files."""
    return try_files(SEEDS, generate, tmp_path_factory.mktemp("twins"))


@pytest.mark.parametrize("seed", SEEDS)
def test_keepalived_and_hadirector_have_the_same_effect(
    found: dict[int, list[str]], seed: int
) -> None:
    assert found[seed] == [], generate(seed)
