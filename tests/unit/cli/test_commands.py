"""The command line as a whole: help, versions, and what a command imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hadirector.api.client import ApiError
from hadirector.cli import COMMANDS, main

HEAVY = {
    "aiohttp",
    "asyncio",
    "checks",
    "http.client",
    "msgspec",
    "prometheus_client",
    "pydantic",
    "rich",
    "ssl",
    "structlog",
    "vrrp",
    "yaml",
}


def imported(arguments: list[str]) -> set[str]:
    """Names of all modules that a command has imported when it ends."""
    program = (
        "import sys, hadirector.cli\n"
        "try:\n"
        f"    hadirector.cli.main({arguments})\n"
        "except SystemExit:\n"
        "    pass\n"
        "print('\\n', sorted(sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    names: list[str] = ast.literal_eval(ended.stdout.splitlines()[-1].strip())
    return set(names)


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["demo", "--help"], ["__complete", "dr"]]
)
def test_version_and_help_import_next_to_nothing(arguments: list[str]) -> None:
    assert HEAVY & imported(arguments) == set()


def test_status_imports_neither_rich_nor_what_only_a_director_needs(tmp_path: Path) -> None:
    """Without a director it ends before it renders, so the renderer is imported in addition."""
    modules = imported(["status", "--socket", str(tmp_path / "none")])
    assert "hadirector.api.client" in modules
    program = "import sys, hadirector.cli.status_text; print(sorted(sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    modules |= set(ast.literal_eval(ended.stdout))
    unwanted = HEAVY - {"checks", "http.client", "msgspec", "ssl", "vrrp"}
    assert unwanted & modules == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_describes_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_code:
        main([name, "--help"])
    assert exit_code.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: hadirector {name} ")
    description = out.split("\n\n")[1]
    assert (description[0].isupper(), description[-1]) == (True, ".")


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    for name, entry in COMMANDS.items():
        assert f"  {name} " in out
        assert entry.summary in out


DOCUMENTS = [
    "docs/operations.md",
    "docs/troubleshooting.md",
    "docs/promises.md",
    "docs/installing.md",
    "docs/migrating.md",
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_names_only_commands_that_exist(document: str) -> None:
    text = (Path(__file__).parents[3] / document).read_text()
    named = set(re.findall(r"`hadirector ([a-z][a-z-]*)", text))
    assert named
    assert named <= COMMANDS.keys()


class Answers:
    """The answers of a director to a command, by route."""

    def __init__(self, **answers: object) -> None:
        self.answers = answers

    def request(self, _endpoint: str, method: str, route: str, *_: object) -> bytes:
        answer = self.answers[f"{method} {route}"]
        if isinstance(answer, Exception):
            raise answer
        return msgspec.json.encode(answer)


def test_a_change_is_reported_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = Answers(**{"POST /v1/reload": {"changed": "nothing"}})
    monkeypatch.setattr("hadirector.cli.reload.request", good.request)
    assert main(["reload", "--json"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out) == {
        "done": True,
        "lines": ["nothing"],
        "faults": [],
    }
    bad = Answers(**{"POST /v1/reload": ApiError("lb.yaml:3:1: unknown key")})
    monkeypatch.setattr("hadirector.cli.reload.request", bad.request)
    assert main(["reload", "--json"]) == 1
    assert msgspec.json.decode(capsys.readouterr().out) == {
        "done": False,
        "lines": [],
        "faults": ["lb.yaml:3:1: unknown key"],
    }
    assert main(["reload"]) == 1
    assert capsys.readouterr().err == "hadirector: lb.yaml:3:1: unknown key\n"


def test_a_token_is_made_listed_and_revoked_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = ["--file", str(tmp_path / "tokens"), "--json"]
    assert main(["token", "add", "ann", "--role", "operate", "--only", "web/*", *file]) == 0
    added = msgspec.json.decode(capsys.readouterr().out)
    secret = added.pop("token")
    assert added == {
        "name": "ann",
        "role": "operate",
        "only": "web/*",
        "expires_at": None,
        "valid": True,
    }
    assert main(["token", "list", *file]) == 0
    output = capsys.readouterr().out
    assert msgspec.json.decode(output) == {"tokens": [added]}
    assert secret not in output
    assert main(["token", "revoke", "ann", *file]) == 0
    assert msgspec.json.decode(capsys.readouterr().out) == {"revoked": "ann"}


WITHOUT_JSON = {
    "run",
    "observe",
    "demo",
    "completion",
    "announce-config",
    "schema",
    "service",
    "pair",
}
"""Commands whose output is a log, a file, instructions, or the table of the demo."""


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WITHOUT_JSON))
def test_a_command_has_its_output_as_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    actions = {"token": ["list"], "realserver": ["check"], "pair": ["diff"]}
    with pytest.raises(SystemExit):
        main([name, *actions.get(name, []), "--help"])
    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["sta"], "no command sta; did you mean status? ('hadirector --help' lists all)"),
        (["drian", "web/a"], "no command drian; did you mean drain or undrain or drill?"),
        (["xyzzy"], "no command xyzzy ('hadirector --help' lists all)"),
        (["drain"], "the following arguments are required: NAME"),
        (["drain", "a/b", "--for", "soon"], "argument --for: expected a duration from 1s"),
        (["weight", "a/b", "65536"], "argument N: expected 0 to 65535 or 'configured'"),
        (["events", "--limit", "-1"], "argument --limit: -1: expected a number of events"),
        (["status", "--every"], "unrecognized arguments: --every"),
    ],
)
def test_wrong_usage_ends_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_code:
        main(arguments)
    assert exit_code.value.code == 2
    assert message in capsys.readouterr().err
