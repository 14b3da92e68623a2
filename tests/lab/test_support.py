"""The bundle of ``hadirector support``: its content, its limits, and that it has no secrets."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hadirector.cli import main, support
from hadirector.cli.support_parts import Part, PartError
from tests.lab.loopback import RunningDirector, WebServer, free_ports
from tests.waiting import eventually

SECRETS = {
    "the password of VRRP": "pw7Vrrp2",
    "a key of auth_hmac": "6b65792d6f662d617574682d686d6163-k",
    "the password of a check": "pw-of-basic-9Ht",
    "a header of a check": "bearer-of-header-3Kd",
    "the body of a check": "body-with-key-5Qz",
    "the text that a check sends": "sent-word-8Lm",
    "a password in a comment": "old-password-2Xc",
}


def configuration(directory: Path, web: int, ports: list[int], key_file: Path) -> str:
    real_servers = f"[{{address: '127.0.0.1:{web}'}}]"
    http = (
        f"{{type: http, interval: 200ms, timeout: 1s, method: POST, username: monitor,"
        f" password: {SECRETS['the password of a check']},"
        f" headers: {{X-Key: {SECRETS['a header of a check']}}},"
        f" body: {SECRETS['the body of a check']}}}"
    )
    sent = SECRETS["the text that a check sends"]
    tcp = f"{{type: tcp, interval: 200ms, timeout: 200ms, expect: never, send: {sent}}}"
    return f"""\
director: {{name: lb1, dataplane: userspace, runtime_directory: {directory}/run,
  state_directory: {directory}/state}}
api: {{unix: {directory}/run/api.sock}}
# password: {SECRETS["a password in a comment"]}
vrrp:
  - name: two
    interface: lo
    virtual_router_id: 36
    version: 2
    advert_interval: 1s
    virtual_addresses: [127.0.36.100]
    transport: udp
    unicast: {{source: 127.0.36.1, peers: [127.0.36.2]}}
    authentication: {{type: pass, password: {SECRETS["the password of VRRP"]}}}
  - name: three
    interface: lo
    virtual_router_id: 37
    virtual_addresses: [127.0.36.101]
    transport: udp
    unicast: {{source: 127.0.36.3, peers: [127.0.36.4]}}
    auth_hmac: {{send_key: 7, keys: [{{id: 7, file: {key_file}}}]}}
virtual_servers:
  - {{name: web, address: '127.0.0.1:{ports[0]}', scheduler: rr, check: {http},
     real_servers: {real_servers}}}
  - {{name: raw, address: '127.0.0.1:{ports[1]}', scheduler: rr, check: {tcp},
     real_servers: {real_servers}}}
"""


@pytest.fixture
def director(tmp_path: Path) -> Iterator[RunningDirector]:
    web = WebServer()
    key_file = tmp_path / "key"
    key_file.write_text(SECRETS["a key of auth_hmac"])
    key_file.chmod(0o600)
    directory = tmp_path / "lb1"
    running = RunningDirector(
        directory, configuration(directory, web.port, free_ports(2), key_file)
    )
    try:
        eventually(running.answers, 30.0, "the API")
        yield running
    finally:
        running.end()
        web.kill()


def read(bundle: Path) -> dict[str, bytes]:
    """Return the content of each file of a bundle, by its name without the first directory."""
    with tarfile.open(bundle) as archive:
        files = [(member, archive.extractfile(member)) for member in archive.getmembers()]
        return {
            member.name.partition("/")[2]: file.read() for member, file in files if file is not None
        }


def test_a_bundle_has_what_a_report_needs_and_no_secret(
    director: RunningDirector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--socket", f"{director.directory}/run/api.sock"]
    eventually(lambda: len(director.status().instances) == 2, 30.0, "the instances")
    assert main(["disable", "raw", "--reason", "new kernel", *place]) == 0
    bundle = tmp_path / "bundle.tar.gz"
    assert main(["support", "--output", str(bundle), *place]) == 0, capsys.readouterr().err
    assert bundle.stat().st_mode & 0o777 == 0o600
    files = read(bundle)
    for name in ("status.json", "events.json", "instances.json", "host/versions.json"):
        assert msgspec.json.decode(files[name]), name
    assert b"hadirector_verdict" in files["metrics.txt"]
    assert b"new kernel" in files["overrides.json"]
    text = files["configuration/current.yaml"].decode()
    assert "virtual_router_id: 36" in text
    assert text.count("<secret ") == len(SECRETS) - 1  # the key of auth_hmac has its own file
    for name, content in files.items():
        for what, secret in SECRETS.items():
            assert secret.encode() not in content, f"{name} has {what}"
    manifest = msgspec.json.decode(files["manifest.json"])
    assert {member["name"] for member in manifest["members"] if not member["missing"]} == {
        name for name in files if name != "manifest.json"
    }


def test_a_bundle_never_replaces_a_file(
    director: RunningDirector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    existing = tmp_path / "bundle.tar.gz"
    existing.write_text("mine")
    place = ["--socket", f"{director.directory}/run/api.sock"]
    assert main(["support", "--output", str(existing), *place]) == 2
    assert "File exists" in capsys.readouterr().err
    assert existing.read_text() == "mine"


def test_without_a_director_the_bundle_has_the_facts_of_the_host(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    words = ["support", "--json", "--output", str(bundle), "--socket", str(tmp_path / "none")]
    assert main(words) == 1
    manifest = msgspec.json.decode(capsys.readouterr().out)
    missing = {member["name"]: member["missing"] for member in manifest["members"]}
    assert "no director answers" in missing["status.json"]
    assert "host/versions.json" in read(bundle)


def test_a_part_is_limited_and_has_no_secret_of_the_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> bytes:
        raise PartError("no such part")

    monkeypatch.setattr(support, "MEMBER_BYTES_MAX", 40)
    monkeypatch.setattr(support, "TOTAL_BYTES_MAX", 60)
    parts = [
        Part("a", lambda: b"x" * 100),
        Part("b", fail),
        Part("c", lambda: b"my token t0ken"),
        Part("d", lambda: os.urandom(10)),
    ]
    files = list(support.collect(parts, [b"t0ken"]))
    assert [(len(file.content), file.member.truncated) for file in files] == [
        (40, True),
        (0, False),
        (20, True),
        (0, True),
    ]
    assert files[1].member.missing == "no such part"
    assert files[2].content == b"my token [a secret t"
