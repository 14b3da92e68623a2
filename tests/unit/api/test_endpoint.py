"""Where a director answers: the URL, the token and the arguments of a command."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from hadirector.api.endpoint import EndpointError, Remote, check_remote, read_token
from hadirector.cli.api_socket import add_argument, choose_endpoint

GOOD = (
    "https://lb1.example.net:9470",
    "https://192.0.2.1:9470/prefix/",
    "https://[fd00::1]:9470",
    "http://127.0.0.1:9470",
    "http://[::1]:9470",
    "http://localhost:9470",
)
BAD = {
    "http://192.0.2.1:9470": "http is only for this host (expected https)",
    "http://localhost.example.net": "http is only for this host (expected https)",
    "ftp://192.0.2.1": "expected https://HOST:PORT",
    "192.0.2.1:9470": "expected https://HOST:PORT",
    "https://": "expected https://HOST:PORT",
    "https://a:99999": "Port out of range 0-65535 (expected https://HOST:PORT)",
    "https://a:0": "expected https://HOST:PORT",
    "https://ann:secret@a": "expected https://HOST:PORT without anything else",
    "https://a/?x=1": "expected https://HOST:PORT without anything else",
}


@pytest.mark.parametrize("url", GOOD)
def test_a_url_of_a_director_is_accepted(url: str) -> None:
    check_remote(Remote(url))


@pytest.mark.parametrize("url", BAD)
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(EndpointError, match=f"{re.escape(BAD[url])}$"):
        check_remote(Remote(url))


def token_file(directory: Path, content: bytes, mode: int = 0o600) -> str:
    file = directory / "token"
    file.write_bytes(content)
    file.chmod(mode)
    return str(file)


def test_a_token_is_the_only_line_of_its_file(tmp_path: Path) -> None:
    assert read_token(token_file(tmp_path, b"hadt_abc\n")) == "hadt_abc"


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (b"", 0o600, "expected one token"),
        (b"secret secret\n", 0o600, "expected one token"),
        (b"secret\nHost: x\n", 0o600, "expected one token"),
        (b"secret\xc3\xa9", 0o600, "expected one token"),
        (b"s" * 4097, 0o600, "more than 4096 bytes"),
        (b"secret", 0o604, "every user may read or write it"),
    ],
)
def test_a_token_file_with_a_fault_is_refused_without_its_content(
    content: bytes, mode: int, message: str, tmp_path: Path
) -> None:
    with pytest.raises(EndpointError, match=message) as error:
        read_token(token_file(tmp_path, content, mode))
    assert "secret" not in str(error.value)


def test_a_token_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(EndpointError, match=r"none: No such file or directory$"):
        read_token(str(tmp_path / "none"))


URL = "https://lb1:9470"
REMOTE = {"HADIRECTOR_API": URL, "HADIRECTOR_TOKEN_FILE": "/t"}


@pytest.mark.parametrize(
    ("words", "environment", "endpoint"),
    [
        ([], {}, "/run/hadirector/api.sock"),
        (["--socket", "/s"], {}, "/s"),
        (["--api", URL], {}, Remote(URL)),
        (["--api", URL, "--token-file", "/t", "--ca-file", "/c"], {}, Remote(URL, "/t", "/c")),
        ([], REMOTE, Remote(URL, "/t")),
        (["--token-file", "/u"], REMOTE, Remote(URL, "/u")),
        ([], {"HADIRECTOR_API": ""}, "/run/hadirector/api.sock"),
        # A socket on the command line precedes the environment.
        (["--socket", "/s"], REMOTE, "/s"),
    ],
)
def test_the_arguments_precede_the_environment(
    words: list[str], environment: dict[str, str], endpoint: object
) -> None:
    parser = argparse.ArgumentParser()
    add_argument(parser)
    arguments = parser.parse_args(words)
    assert choose_endpoint(arguments, environment) is None
    assert arguments.socket == endpoint


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--token-file", "/t"], "--token-file and --ca-file have no effect without --api"),
        (
            ["--socket", "/s", "--ca-file", "/c"],
            "--token-file and --ca-file have no effect without --api",
        ),
        (["--api", "lb1:9470"], "--api lb1:9470: expected https://HOST:PORT"),
    ],
)
def test_wrong_arguments_are_a_fault_of_the_usage(words: list[str], fault: str) -> None:
    parser = argparse.ArgumentParser()
    add_argument(parser)
    assert choose_endpoint(parser.parse_args(words), {}) == fault


def test_a_command_without_a_director_has_no_endpoint() -> None:
    assert choose_endpoint(argparse.Namespace(), REMOTE) is None
