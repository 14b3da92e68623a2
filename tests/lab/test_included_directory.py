"""A reload reads the files of ``include_dir`` again."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadirector.cli import main
from tests.lab.loopback import RunningDirector
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(60)


def server(name: str, port: int) -> str:
    return f"virtual_servers: [{{name: {name}, address: '127.0.15.100:{port}'}}]\n"


def test_a_reload_and_a_plan_read_the_directory_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = tmp_path / "conf.d"
    files.mkdir()
    (files / "b.yaml").write_text(server("b", 81))
    run = tmp_path / "director"
    director = RunningDirector(
        run,
        f"director: {{dataplane: dry-run, runtime_directory: {run}/run}}\n"
        f"include_dir: ../conf.d\n{server('a', 80)}",
    )
    socket = f"{run}/run/api.sock"
    try:
        eventually(director.answers, 20.0)
        assert [each.name for each in director.status().virtual_servers] == ["a", "b"]
        (files / "c.yaml").write_text(server("c", 82))
        (files / "b.yaml").unlink()
        assert main(["plan", "-c", str(director.file), "--socket", socket]) == 0
        assert capsys.readouterr().out.splitlines()[:2] == [
            "start virtual server c",
            "stop virtual server b",
        ]
        assert main(["reload", "--socket", socket]) == 0
        eventually(
            lambda: [each.name for each in director.status().virtual_servers] == ["a", "c"], 10.0
        )
        (files / "c.yaml").write_text("vrrp: []\n")
        assert main(["reload", "--socket", socket]) == 1
        assert f'{files}/c.yaml:1:1: unknown key "vrrp"' in capsys.readouterr().err.replace(
            f"{run}/../", f"{tmp_path}/"
        )
    finally:
        director.end()
