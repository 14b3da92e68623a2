"""The API answers any request as its OpenAPI document says. `make soak` sends 10,000 requests."""

from __future__ import annotations

from pathlib import Path

from tests.soak.api_requests import send_requests


def test_requests_of_all_kinds_are_answered_as_the_document_says(tmp_path: Path) -> None:
    """Without a privilege. A failure prints the request as a command of curl."""
    done = send_requests(tmp_path / "lb1", "--seed", "1", "--phases", "fuzzing", examples=5)
    assert done.returncode == 0, done.stdout
    assert "Failures" not in done.stdout
    assert "request_failed" not in (tmp_path / "lb1/log").read_text()
