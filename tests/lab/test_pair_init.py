"""The identity of a director for the pair link: its files, and what the command prints."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hadirector.cli import main
from hadirector.config.loader import parse


def test_init_makes_an_identity_and_prints_what_the_peers_need(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "pair"
    assert main(["pair", "init", "--name", "lb1", "--directory", str(directory)]) == 0
    printed = capsys.readouterr().out
    certificate, key = directory / "lb1.pem", directory / "lb1.key"
    assert [f"{file.stat().st_mode:o}" for file in (directory, certificate, key)] == [
        "40750",
        "100644",
        "100640",
    ]
    assert certificate.read_text() in printed
    assert "PRIVATE" not in printed
    shown = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-text", "-fingerprint", "-sha256"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "Public Key Algorithm: ED25519" in shown
    assert "CA:FALSE" in shown
    assert shown.split("Fingerprint=")[1].strip() in printed
    section = printed[printed.index("pair:\n") :]
    other = f'    - {{name: lb2, address: "192.0.2.2:9471", certificate: {directory}/lb2.pem}}'
    pair = parse(f"virtual_servers: []\n{section}{other}".encode(), "f", "lb1").pair
    assert pair is not None
    assert (pair.certificate, pair.key) == (str(certificate), str(key))


def test_an_identity_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The peers know the old certificate."""
    (tmp_path / "lb1.key").write_text("old")
    assert main(["pair", "init", "--name", "lb1", "--directory", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"hadirector: {tmp_path}/lb1.key exists already (remove it to make a new identity)\n"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["lb1.key"]


@pytest.mark.parametrize(
    ("argument", "fault"),
    [
        ("--name=../lb1", "expected 1 to 64 letters, digits and _.:@[]-"),
        ("--days=0", "expected 1 to 36500"),
        ("--days=-1", "expected 1 to 36500"),
    ],
)
def test_a_wrong_argument_is_refused(
    argument: str, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["pair", "init", argument])
    assert fault in capsys.readouterr().err
