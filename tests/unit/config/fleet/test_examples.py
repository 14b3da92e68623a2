"""The examples of a fleet are valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.config.loader import load

EXAMPLES = Path(__file__).parents[4] / "configs/fleet"


@pytest.mark.parametrize("name", ["director.yaml", "overrides.yaml"])
def test_an_example_is_a_configuration(name: str) -> None:
    assert load(EXAMPLES / name).name == "lb1"
