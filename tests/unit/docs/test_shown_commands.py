"""Every command that a page for newcomers shows exists, with these arguments."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest
import yaml

from hadirector.cli import COMMANDS, load
from hadirector.config.loader import load_hosts

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / name for name in ("README.md", "docs/index.md", "docs/tutorial.md")]
PAGES += [ROOT / name for name in ("docs/installing.md", "docs/operations.md")]
SHOWN = re.compile(r"^(?: {4}|\$ )(?:\.venv/bin/)?hadirector (.+)$", re.MULTILINE)
TARGETS = re.compile(r"^(?: {4}|\$ )make (\w+)", re.MULTILINE)


def commands(page: Path) -> list[str]:
    shown = (each.partition("  ")[0] for each in SHOWN.findall(page.read_text(encoding="utf-8")))
    return sorted({each.partition(" >")[0] for each in shown})


@pytest.mark.parametrize(
    ("page", "command"),
    [(page.name, command) for page in PAGES for command in commands(page)],
)
def test_a_shown_command_has_these_arguments(page: str, command: str) -> None:
    name, *arguments = shlex.split(command, comments=True)
    if name == "--version":
        return
    parser = argparse.ArgumentParser()
    load(name).add_arguments(parser)
    parser.parse_args(arguments)
    assert name in COMMANDS


def test_commands_are_found() -> None:
    assert sum(len(commands(page)) for page in PAGES) > 12


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_shown_target_of_make_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in TARGETS.findall(page.read_text(encoding="utf-8")):
        assert re.search(rf"^{target}:.* ## ", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_a_shown_configuration_is_valid(page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    whole = [block for block in blocks if "virtual_servers" in yaml.safe_load(block)]
    assert len(whole) == 1
    file = tmp_path / "hadirector.yaml"
    file.write_text(whole[0])
    hosts, _ = load_hosts(file)
    assert all(host.configuration.virtual_servers for host in hosts)
