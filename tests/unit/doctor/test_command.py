"""Arguments and files that the command `doctor` refuses before it examines the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.cli import main


def test_a_faulty_or_unreadable_file_is_the_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every fault has its place."""
    file = tmp_path / "f.yaml"
    assert main(["doctor", "-c", str(file)]) == 2
    message = f"{file}: the file cannot be read: No such file or directory\n"
    assert capsys.readouterr().err == message
    file.write_text("virtual_servers: 7\nnothing: 1\n")
    assert main(["doctor", "-c", str(file)]) == 2
    [first, second] = capsys.readouterr().err.splitlines()
    assert first.startswith(f"{file}:1:18: ")
    assert second.startswith(f"{file}:2:1: ")


def test_a_client_is_an_address(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["doctor", "-c", "f", "--client", "web.example"])
    assert "argument --client: invalid" in capsys.readouterr().err
    clients = [word for number in range(17) for word in ("--client", f"192.0.2.{number}")]
    assert main(["doctor", "-c", "f", *clients]) == 2
    assert capsys.readouterr().err == "hadirector: at most 16 clients can be named\n"
