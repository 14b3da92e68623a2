"""The completion of words, and the scripts of the shells."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hadirector.cli import COMMANDS, main
from hadirector.cli.complete import Names, complete, split_line
from hadirector.cli.completion import SCRIPTS
from hadirector.cli.live_names import request_names

NAMES = Names(
    ("web", "mail"),
    ("web/192.0.2.45:80", "mail/192.0.2.45:25", "mail/[fd00::45]:25"),
    ("192.0.2.45", "fd00::45"),
    ("edge", "inside"),
)


def words(line: str) -> list[str] | None:
    found = complete(split_line(line), lambda: NAMES)
    return None if found is None else [candidate.word for candidate in found]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("dr", ["drain", "drill"]),
        ("und", ["undrain"]),
        ("xyz", []),
        ("xyz ", []),
        ("drain ", ["host", "web", "mail", *NAMES.real_servers]),
        ("drain mail/", ["mail/192.0.2.45:25", "mail/[fd00::45]:25"]),
        ("drain web/192.0.2.45:", ["web/192.0.2.45:80"]),
        ("drain --reason disk ho", ["host"]),
        ("drain --no-follow host ", ["192.0.2.45", "fd00::45"]),
        ("drain host 192.0.2.45 ", []),
        ("weight web/192.0.2.45:80 ", []),
        ("why in", ["instance"]),
        ("why instance ", ["edge", "inside"]),
        ("handover ed", ["edge"]),
        ("handover edge ", []),
        ("wait ", ["drained", "ready", "ok", "active", "backup"]),
        ("wait backup ", ["edge", "inside"]),
        ("wait drained host ", ["192.0.2.45", "fd00::45"]),
        ("drain --fo", ["--for", "--follow"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("drain --reason ", []),
        # The shell completes the names of files.
        ("check-config ", None),
        ("check-config /etc/ha", None),
        ("drain --socket /ru", None),
    ],
)
def test_a_word_is_completed(line: str, found: list[str] | None) -> None:
    assert words(line) == found


def test_an_empty_line_completes_to_all_commands() -> None:
    assert words("") == list(COMMANDS)
    candidates = complete([""], lambda: NAMES)
    assert candidates is not None
    assert candidates[0].description == "run the director in the foreground"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_each_command_are_completed(command: str) -> None:
    found = complete([command, "-"], lambda: NAMES)
    assert found is not None
    assert all(candidate.word.startswith("-") for candidate in found)


def test_a_line_with_an_open_quotation_mark_is_split_at_spaces() -> None:
    assert split_line("drain --reason 'new ker") == ["drain", "--reason", "'new", "ker"]
    assert split_line("drain --reason 'new kernel' ") == ["drain", "--reason", "new kernel", ""]


def test_without_a_director_there_are_no_names(tmp_path: Path) -> None:
    assert request_names(["drain", "--socket", str(tmp_path / "none"), ""]) == Names()
    assert request_names(["drain", "--socket"]) == Names()


def test_the_hidden_command_prints_words_with_descriptions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["__complete", "und"]) == 0
    assert capsys.readouterr().out == "undrain\tend the drain of a real server\n"
    assert main(["__complete", "--line", "hadirector check-config "]) == 3
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "__complete" not in capsys.readouterr().out


def test_the_bash_script_completes_words_with_colons(tmp_path: Path) -> None:
    """Bash replaces only the part of a word after its last colon."""
    program = tmp_path / "hadirector"
    program.write_text("#!/bin/sh\nprintf 'web/192.0.2.45:80\\tpassing\\nweb/[fd00::45]:80\\n'\n")
    program.chmod(0o755)
    lines = (
        SCRIPTS["bash"],
        'try() { COMP_LINE="$1"; COMP_POINT=${#1}; _hadirector "$2"; echo "${COMPREPLY[*]}"; }',
        f'try "hadirector drain " {program}',
        f'try "hadirector drain web/192.0.2.45:" {program}',
    )
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "web/192.0.2.45:80 web/[fd00::45]:80",
        "80 web/[fd00::45]:80",
    ]


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_script_of_each_shell_is_printed(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    assert "__complete" in capsys.readouterr().out
