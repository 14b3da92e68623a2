"""docs/architecture.md names every room in the order of the import contracts, and real files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]
LAYERS = {
    contract["containers"][0]: contract["layers"]
    for contract in CONTRACTS
    if contract["type"] == "layers"
}


@pytest.mark.parametrize("package", sorted(LAYERS))
def test_every_room_has_a_row_in_the_order_of_the_contract(package: str) -> None:
    section = re.search(rf"^### {package}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section is not None
    cells = re.findall(r"^\|([^|]*`[^|]*)\|", section[1], re.MULTILINE)
    rooms = [room for layer in LAYERS[package] for room in layer.split(" | ")]
    assert re.findall(r"`(\w+)`", "".join(cells)) == [room for room in rooms if room != "__main__"]


def test_every_path_on_the_page_exists() -> None:
    paths = set(re.findall(r"`((?:hadirector|vrrp|checks|tests|docs)/[\w/.]*)`", PAGE))
    assert len(paths) > 30
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []
