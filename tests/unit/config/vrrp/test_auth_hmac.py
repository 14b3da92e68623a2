"""auth_hmac in a configuration: the keys are in files, and no fault shows a key."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hadirector.config.loader import parse
from hadirector.reload.plan import plan
from vrrp.model.configuration import HmacAuthentication, HmacKey, InstanceConfiguration, Secret

FaultsOf = Callable[[str], list[str]]

INSTANCE = (
    "vrrp: [{{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.9],"
    " {rest}}}]"
)
RAW, HEX = b"0123456789abcdef" * 2, b"hex:" + b"00ff" * 16


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Return a directory with two valid key files, 7 and 8."""
    for name, content in (("7", RAW), ("8", HEX)):
        (tmp_path / name).write_bytes(content + b"\n")
        (tmp_path / name).chmod(0o640)
    return tmp_path


def instance_of(rest: str) -> InstanceConfiguration:
    (instance,) = parse(INSTANCE.format(rest=rest).encode(), "f", "host").vrrp
    return instance


def faults(faults_of: FaultsOf, rest: str) -> list[str]:
    """Return the faults without their places, which depend on the name of a directory."""
    return [fault.partition(": ")[2] for fault in faults_of(INSTANCE.format(rest=rest))]


def test_the_keys_of_auth_hmac_reach_the_instance(keys: Path) -> None:
    authentication = instance_of(
        f"auth_hmac: {{mode: permissive, send_key: 8, window: 90s,"
        f" keys: [{{id: 7, file: {keys}/7}}, {{id: 8, file: {keys}/8}}]}}"
    ).authentication
    assert authentication == HmacAuthentication(
        mode="permissive",
        send_key=8,
        keys=(HmacKey(7, Secret(RAW)), HmacKey(8, Secret(b"\x00\xff" * 16))),
        window=90.0,
        sequence_file="/run/hadirector/auth_hmac.sequence",
    )


@pytest.mark.parametrize(
    ("interval", "window"), [("10ms", 5.0), ("1s", 5.0), ("2s", 6.0), ("40s", 120.0)]
)
def test_by_default_the_window_is_three_intervals_and_at_least_5_s(
    keys: Path, interval: str, window: float
) -> None:
    """These are the values of keepalived. The default mode is enforce."""
    hmac = f"auth_hmac: {{send_key: 7, keys: [{{id: 7, file: {keys}/7}}]}}"
    authentication = instance_of(f"advert_interval: {interval}, {hmac}").authentication
    assert isinstance(authentication, HmacAuthentication)
    assert (authentication.window, authentication.mode) == (window, "enforce")


@pytest.mark.parametrize(
    ("rest", "fault"),
    [
        ("send_key: 7, keys: []", ".send_key: wrong value (got 7, expected the id of one of the"
                                  " keys: there are no keys)"),
        ("send_key: 9, keys: [{id: 7, file: @/7}, {id: 8, file: @/8}]", ".send_key: wrong value"
         " (got 9, expected the id of one of the keys: 7, 8)"),
        ("send_key: 7, keys: [{id: 7, file: @/7}, {id: 7, file: @/8}]", ".keys[1].id: duplicate"
         " key id 7, first at vrrp[0].auth_hmac.keys[0].id"),
        ("send_key: 256, keys: [{id: 7, file: @/7}]", ".send_key: wrong value (got 256, expected"
         " a whole number from 0 to 255)"),
        ("mode: off, send_key: 7, keys: [{id: 7, file: @/7}]", '.mode: wrong value (got "off",'
         " expected one of receive_only, permissive, enforce)"),
        ("window: 301s, send_key: 7, keys: [{id: 7, file: @/7}]", '.window: wrong value (got'
         ' "301s", expected a duration from 1s to 300s, such as 200ms, 2s, 1m or 1h)'),
        ("send_key: 7, keys: [{id: 7, file: 'hex:c0ffee'}]", ".keys[0].file: wrong value (got a"
                                                             " value that is not shown,"
                                                             " expected the absolute path of a"
                                                             " key file, or a credential)"),
        ("send_key: 7, keys: [{id: 7, file: [hex, c0ffee]}]", ".keys[0].file: wrong value (got"
                                                              " a value that is not shown,"
                                                              " expected the absolute path of a"
                                                              " key file, or a credential)"),
    ],
)  # fmt: skip
def test_a_fault_of_auth_hmac(faults_of: FaultsOf, keys: Path, rest: str, fault: str) -> None:
    """One fault for each rule. @ stands for the directory of the keys."""
    rest = "auth_hmac: {" + rest.replace("@", str(keys)) + "}"
    assert faults(faults_of, rest) == ["vrrp[0].auth_hmac" + fault]


def make_fifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def make_directory(path: Path) -> None:
    path.mkdir(mode=0o700)


def make(content: bytes, mode: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)
        path.chmod(mode)

    return write


@pytest.mark.parametrize(
    ("make_it", "fault"),
    [
        (lambda _: None, "a key file; it cannot be read: No such file or directory"),
        (make_fifo, "a key file; it is not a regular file"),
        (make_directory, "a key file; it is not a regular file"),
        (make(RAW, 0o644), "a key file that is closed to others (chmod o=); its mode is 0644"),
        (make(RAW, 0o602), "a key file that is closed to others (chmod o=); its mode is 0602"),
        (make(b"hunter2", 0o600), "a key file; the key has 7 bytes, expected 32 to 64"),
        (make(b"k" * 134, 0o600), "a key file of at most 133 bytes; it is longer"),
        (
            make(b"hex:" + b"hunter22" * 8, 0o600),
            "a key file; expected pairs of hexadecimal digits after hex:",
        ),
    ],
)
def test_a_faulty_key_file_is_refused_and_not_shown(
    faults_of: FaultsOf, tmp_path: Path, make_it: Callable[[Path], None], fault: str
) -> None:
    """The fault names the file and the reason, and does not show the content."""
    file = tmp_path / "k"
    make_it(file)
    (found,) = faults(faults_of, f"auth_hmac: {{send_key: 7, keys: [{{id: 7, file: {file}}}]}}")
    assert "hunter2" not in found
    assert found.endswith(f", expected {fault})")


def test_a_key_can_be_a_credential(
    faults_of: FaultsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing one is not shown, because an operator may have written the key there."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    key = "auth_hmac: {send_key: 7, keys: [{id: 7, file: hunter2}]}"
    assert faults(faults_of, key) == [
        "vrrp[0].auth_hmac.keys[0].file: wrong value (got a value that is not shown, expected the"
        f" name of a credential; there is no such file in {tmp_path} ($CREDENTIALS_DIRECTORY))"
    ]
    make(RAW, 0o400)(tmp_path / "hunter2")
    assert faults(faults_of, key) == []


def test_a_password_together_with_auth_hmac_is_refused(faults_of: FaultsOf, keys: Path) -> None:
    rest = (
        "version: 2, authentication: {type: pass, password: x},"
        f" auth_hmac: {{send_key: 7, keys: [{{id: 7, file: {keys}/7}}]}}"
    )
    assert faults(faults_of, rest) == [
        "vrrp[0].authentication: auth_hmac replaces the password; leave the password out"
    ]


UDP = "transport: udp, unicast: {source: 10.0.0.1, peers: [10.0.0.2]}, "


@pytest.mark.parametrize(("mode", "count"), [("enforce", 0), ("permissive", 2)])
def test_udp_to_other_hosts_needs_enforced_authentication(
    faults_of: FaultsOf, keys: Path, mode: str, count: int
) -> None:
    """Each address is refused at its place."""
    hmac = f"auth_hmac: {{mode: {mode}, send_key: 7, keys: [{{id: 7, file: {keys}/7}}]}}"
    found = faults(faults_of, UDP + hmac)
    assert len(found) == count
    assert all("other addresses need auth_hmac in mode enforce" in fault for fault in found)


def test_a_new_key_is_a_change_of_the_instance_and_is_not_shown(keys: Path) -> None:
    """The plan of a reload names the instance. Plan and configuration do not show the key."""
    text = INSTANCE.format(
        rest=f"auth_hmac: {{send_key: 7, keys: [{{id: 7, file: {keys}/7}}]}}"
    ).encode()
    before = parse(text, "f", "host")
    (keys / "7").write_bytes(b"f" * 32)
    after = parse(text, "f", "host")
    assert plan(before, after).summary == "change VRRP instance a"
    assert RAW.decode() not in repr(before)
