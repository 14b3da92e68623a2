"""A keepalived.conf and its conversion to YAML give the same configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from hadirector.cli import main
from hadirector.config.document.errors import ConfigError
from hadirector.config.loader import parse
from hadirector.model.configuration import Configuration

CORPUS = sorted((Path(__file__).parents[4] / "tests/corpus/keepalived").glob("*.conf"))


def without_places(configuration: Configuration) -> Configuration:
    """Leave out the values that have the places of a file."""
    return replace(
        configuration,
        needed_interfaces=(),
        needed_scripts=(),
        unheld_addresses=(),
        warnings=(),
        differences=(),
        difference_count=0,
    )


def load(data: bytes) -> Configuration | None:
    try:
        return without_places(parse(data, "file", "lb1"))
    except ConfigError:
        return None


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_run_and_convert_agree(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = load(file.read_bytes())
    status = main(["convert", str(file)])
    converted = capsys.readouterr().out
    if expected is None:
        assert (status, converted) == (1, "")
    else:
        assert status == 0
        assert load(converted.encode()) == expected


def test_most_files_of_the_corpus_are_valid() -> None:
    valid = [file for file in CORPUS if load(file.read_bytes()) is not None]
    assert len(valid) > 60
