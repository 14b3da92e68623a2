"""Names of credentials are found in the directory that systemd gives the service."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic_core import PydanticCustomError

from hadirector.config.keys import credentials
from hadirector.config.keys.credentials import CREDENTIAL_FILE, resolve_file


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "web.key").write_text("secret")
    return tmp_path


def test_a_name_is_a_file_in_the_directory_of_credentials(directory: Path) -> None:
    assert CREDENTIAL_FILE("web.key") == f"{directory}/web.key"


def test_an_absolute_path_is_unchanged(directory: Path) -> None:
    assert CREDENTIAL_FILE("/etc/hadirector/web.key") == "/etc/hadirector/web.key"


def test_the_fault_names_the_place_that_was_searched(directory: Path) -> None:
    with pytest.raises(PydanticCustomError) as fault:
        CREDENTIAL_FILE("other.key")
    assert fault.value.message() == (
        "the absolute path of a file, or the name of a credential;"
        f" there is no such file in {directory} ($CREDENTIALS_DIRECTORY)"
    )


def test_a_command_of_an_administrator_looks_in_the_directory_of_the_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setattr(credentials, "UNIT_DIRECTORY", str(tmp_path))
    with pytest.raises(PydanticCustomError) as fault:
        CREDENTIAL_FILE("web.key")
    assert fault.value.message() == (
        "the absolute path of a file, or the name of a credential; $CREDENTIALS_DIRECTORY is not"
        f" set, and there is no such file in {tmp_path}"
    )
    (tmp_path / "web.key").touch()
    assert resolve_file("web.key") == f"{tmp_path}/web.key"


@pytest.mark.parametrize("value", ["../web.key", ".hidden", "a/b", "", "a b", 7, None])
def test_no_other_text_is_a_name(directory: Path, value: object) -> None:
    assert resolve_file(value) is None
