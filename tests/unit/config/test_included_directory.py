"""The virtual servers of a configuration may be in further files, and each fault names its file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hadirector.config import included_directory
from hadirector.config.document.errors import ConfigError
from hadirector.config.loader import load, load_hosts

MAIN = "include_dir: conf.d\nvirtual_servers: [{name: a, address: 10.0.0.1:80}]\n"


@pytest.fixture
def main(tmp_path: Path) -> Path:
    file = tmp_path / "main.yaml"
    file.write_text(MAIN)
    (tmp_path / "conf.d").mkdir()
    return file


def write(main: Path, **files: str) -> None:
    for name, text in files.items():
        (main.parent / "conf.d" / f"{name}.yaml").write_text(text)


def server(name: str, address: str, more: str = "") -> str:
    return f"virtual_servers:\n- {{name: {name}, address: '{address}'{more}}}\n"


def faults(main: Path) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(main)
    return [str(fault).replace(f"{main.parent}/", "") for fault in raised.value.faults]


def test_the_virtual_servers_of_the_files_follow_in_the_order_of_their_names(main: Path) -> None:
    """Other suffixes and hidden files are left out."""
    write(main, c=server("c", "10.0.0.1:83"), b=server("b", "10.0.0.1:82"))
    (main.parent / "conf.d" / ".d.yaml").write_text("]")
    (main.parent / "conf.d" / "e.yaml~").write_text("]")
    (main.parent / "conf.d" / "f.yaml.d").mkdir()
    found = load(main)
    assert [each.name for each in found.virtual_servers] == ["a", "b", "c"]
    directory = f"{main.parent}/conf.d"
    assert found.other_files == (directory, f"{directory}/b.yaml", f"{directory}/c.yaml")


def test_an_empty_directory_is_valid_without_other_virtual_servers(main: Path) -> None:
    main.write_text(f"include_dir: {main.parent}/conf.d\n")
    assert load(main).virtual_servers == ()


def test_a_host_addresses_a_virtual_server_of_another_file(main: Path) -> None:
    main.write_text(MAIN + "hosts: {lb1: {virtual_servers: {b: {scheduler: rr}}}, lb2: {}}\n")
    write(main, b=server("b", "10.0.0.1:82"))
    hosts, _ = load_hosts(main)
    schedulers = {
        host.name: str(host.configuration.virtual_servers[1].service.scheduler) for host in hosts
    }
    assert schedulers == {"lb1": "rr", "lb2": "wlc"}
    assert len(hosts[0].configuration.other_files) == 2


def test_each_fault_has_its_place_in_its_file(main: Path) -> None:
    write(
        main,
        b=server("b", "10.0.0.1:82", ", schedule: rr"),
        c="vrrp: []\nvirtual_servers: 3\n",
        d="- 1\n",
        e="",
        f="virtual_servers: [\n",
        g="virtual_servers:\n",
    )
    assert faults(main) == [
        'conf.d/b.yaml:2:37: virtual_servers[1]: unknown key "schedule", did you mean "scheduler"?',
        'conf.d/c.yaml:1:1: unknown key "vrrp" (a file of include_dir has only virtual_servers)',
        "conf.d/c.yaml:2:18: virtual_servers: wrong value (got 3, expected a list)",
        "conf.d/d.yaml:1:1: wrong value (got a list, expected a mapping with the key"
        " virtual_servers)",
        "conf.d/e.yaml:1:1: the file is empty (expected virtual_servers)",
        "conf.d/f.yaml:2:1: not valid YAML: did not find expected node content while parsing a flow"
        " node, which starts in line 2",
        "conf.d/g.yaml:1:17: virtual_servers: the value is missing (write a value, or leave the key"
        " out)",
    ]


def test_a_duplicate_in_another_file_is_named_with_both_places(main: Path) -> None:
    write(main, b=server("a", "10.0.0.1:82"), c=server("c", "10.0.0.1:82"))
    assert faults(main) == [
        'conf.d/b.yaml:2:10: virtual_servers[1].name: duplicate name "a", first at'
        " virtual_servers[0].name (main.yaml:2:26)",
        "conf.d/c.yaml:2:22: virtual_servers[2].address: duplicate virtual server tcp 10.0.0.1:82,"
        " first at virtual_servers[1].address (conf.d/b.yaml:2:22)",
    ]


def test_a_file_that_cannot_be_read_is_named(main: Path) -> None:
    """Reading a pipe does not wait for a writer."""
    directory = main.parent / "conf.d"
    os.mkfifo(directory / "fifo.yaml")
    (directory / "directory.yaml").mkdir()
    (directory / "loop.yaml").symlink_to("loop.yaml")
    (directory / "gone.yaml").symlink_to("nowhere")
    (directory / "latin.yaml").write_bytes(b"# \xe9\n")
    assert [fault.split(": ", 1) for fault in faults(main)] == [
        ["conf.d/directory.yaml", "the file cannot be read: Is a directory"],
        ["conf.d/fifo.yaml", "the file is not a regular file"],
        ["conf.d/gone.yaml", "the file cannot be read: No such file or directory"],
        ["conf.d/latin.yaml:1:3", "not UTF-8 text (got byte 0xe9)"],
        ["conf.d/loop.yaml", "the file cannot be read: Too many levels of symbolic links"],
    ]


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("missing", "the directory missing cannot be read: No such file or directory"),
        ("main.yaml", "the directory main.yaml cannot be read: Not a directory"),
        ("loop", "the directory loop cannot be read: Too many levels of symbolic links"),
        ("3", "wrong value (got 3, expected the path of a directory, in quotes)"),
        ("''", 'wrong value (got "", expected the path of a directory)'),
        ('"a\\0b"', 'wrong value (got "a\\u0000b", expected the path of a directory)'),
    ],
)  # fmt: skip
def test_a_directory_that_cannot_be_read_is_a_fault(main: Path, value: str, fault: str) -> None:
    (main.parent / "loop").symlink_to("loop")
    main.write_text(f"include_dir: {value}\n" + MAIN.splitlines()[1])
    assert faults(main) == [f"main.yaml:1:14: include_dir: {fault}"]


def test_the_number_of_files_has_a_limit(main: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(included_directory, "FILES_MAX", 1)
    write(main, b=server("b", "10.0.0.1:82"))
    assert len(load(main).virtual_servers) == 2
    write(main, c=server("c", "10.0.0.1:83"))
    assert faults(main) == [
        "main.yaml:1:14: include_dir: too many files (got 2, expected at most 1)"
    ]


@pytest.mark.parametrize(
    ("limit", "most", "fault"),
    [
        ("FILE_BYTES_MAX", 200, "all files together are too large (expected at most 200 bytes)"),
        ("VALUES_MAX", 10, "all files together have more than 10 values"),
    ],
)
def test_all_files_together_have_the_limits_of_one_file(
    main: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, fault: str
) -> None:
    """The main file has 70 bytes and 5 values, and each other file 54 bytes and 5 values."""
    monkeypatch.setattr(included_directory, limit, most)
    write(main, b=server("b", "10.0.0.1:82"))
    assert len(load(main).virtual_servers) == 2
    padding = " " * 100
    write(main, c=server("c", "10.0.0.1:83") + f"#{padding}\n")
    assert faults(main) == [f"conf.d/c.yaml: {fault}"]
