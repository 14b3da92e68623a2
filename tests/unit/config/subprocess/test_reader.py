"""Reading in a process of its own has the same result as loading."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from hadirector.cli import check_config
from hadirector.config import load
from hadirector.config.document.errors import ConfigError
from hadirector.config.reading import ReadingOptions
from hadirector.config.subprocess import frames, launch, reader
from hadirector.model.configuration import NeededInterface

TREE = Path(__file__).parents[4]


async def test_the_process_sends_the_whole_configuration() -> None:
    """The configuration of a pair arrives unchanged."""
    path = TREE / "configs/pair-active.yaml"
    assert await reader.read(path) == load(path)


async def test_the_process_sends_every_fault(tmp_path: Path) -> None:
    """The faults are the same as those of loading. A missing file is a fault."""
    path = tmp_path / "wrong.yaml"
    path.write_text("virtual_servers: [{weight: 1}]\nvrrp: 3\n")
    with pytest.raises(ConfigError) as loaded:
        load(path)
    with pytest.raises(ConfigError) as read:
        await reader.read(path)
    assert read.value.faults == loaded.value.faults
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        await reader.read(tmp_path / "missing.yaml")


def named_in(path: Path, name: str) -> tuple[NeededInterface, ...]:
    """Return the needed interfaces of a file, as if the file had another name."""
    needed = load(path).needed_interfaces
    return tuple(replace(each, place=each.place.replace(str(path), name)) for each in needed)


async def test_a_text_is_read_as_the_future_content_of_a_file() -> None:
    """Its faults have the name of the file."""
    path = TREE / "configs/pair-active.yaml"
    assert await reader.read("draft.yaml", path.read_bytes()) == replace(
        load(path), needed_interfaces=named_in(path, "draft.yaml")
    )
    with pytest.raises(ConfigError, match=r"^draft\.yaml:1:7: vrrp: wrong value"):
        await reader.read("draft.yaml", b"vrrp: 3")


async def test_a_process_that_does_not_read_the_text_is_a_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The text is larger than the buffer of a pipe would be."""
    monkeypatch.setattr(launch, "PYTHON_MODULE", ("/bin/true",))
    with pytest.raises(ConfigError, match=r"^f: the process that reads the file failed: "):
        await reader.read("f", b"#" * 10_000_000)


async def test_a_process_without_output_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload must not use an incomplete configuration."""
    monkeypatch.setattr(launch, "PYTHON_MODULE", ("/bin/true",))
    with pytest.raises(ConfigError, match=r"^f: the process that reads the file failed: "):
        await reader.read("f")


async def test_reading_has_a_time_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process that hangs is killed, and reading fails."""
    hanging = tmp_path / "hanging"
    hanging.write_text("#!/bin/sh\nexec sleep 600\n")
    hanging.chmod(0o700)
    monkeypatch.setattr(launch, "PYTHON_MODULE", (str(hanging),))
    monkeypatch.setattr(reader, "READING_SECONDS_MAX", 0.05)
    with pytest.raises(ConfigError, match=r"^f: reading the file took more than 0.05 s$"):
        await reader.read("f")


def test_many_real_servers_come_in_small_frames(tmp_path: Path) -> None:
    """A frame has at most 64 real servers, and the frames together have all of them."""
    path = tmp_path / "many.yaml"
    servers = "".join(f"\n    - {{address: 10.0.1.{i}}}" for i in range(1, 201))
    path.write_text(
        f"virtual_servers:\n- address: 10.0.0.1:80\n  real_servers:{servers}\n"
        "- address: 10.0.0.2:80\n"
    )
    configuration = load(path)
    head, *pieces, end = frames.split(configuration)
    assert isinstance(head, frames.Head)
    assert isinstance(end, frames.End)
    assembly = frames.Assembly(head)
    sizes = []
    for piece in pieces:
        assert isinstance(piece, frames.Piece | frames.More)
        server = piece.virtual_server if isinstance(piece, frames.Piece) else piece
        sizes.append(len(server.real_servers))
        assembly.add(piece)
    assert sizes == [64, 64, 64, 8, 0]
    assert assembly.finish() == configuration


def test_the_director_needs_neither_pydantic_nor_yaml() -> None:
    """Only the reading process imports them."""
    code = (
        "import sys; from hadirector.config.document import errors;"
        "from hadirector.config.subprocess import reader;"
        "print({'pydantic', 'yaml'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], cwd=TREE) == b"set()\n"


async def test_the_process_reads_the_file_for_the_host_of_the_options() -> None:
    """The file has the sections lb1 and lb2."""
    path = TREE / "configs/pair-one-file.yaml"
    found = await reader.read(path, options=ReadingOptions(host="lb2"))
    assert (found.name, found.vrrp[0].priority) == ("lb2", 100)
    with pytest.raises(ConfigError, match='hosts: no section for "lb3", which is --host'):
        await reader.read(path, options=ReadingOptions(host="lb3"))


NAT = """\
sysctls: {leave: [conn_reuse_mode]}
virtual_servers:
  - {address: "192.0.2.1:80", forwarding: nat, real_servers: [{address: 192.0.2.45, check: none}]}
"""
NAT_SUMMARY = """\
0 VRRP instances, 1 virtual server, 1 real server
  net.ipv4.ip_forward = 1: nat: replies of real servers are routed through this host
  net.ipv4.conf.all.send_redirects = 0: nat: redirects would make real servers send replies past \
this host
  net.ipv4.vs.expire_nodest_conn = 1: on_failure remove: connections of a removed real server end \
instead of hanging
  net.ipv4.vs.conn_reuse_mode = 1 (not changed): tcp: a new connection from a reused client port \
is scheduled again
"""
UNHELD = "no VRRP instance and no interface of this host holds 192.0.2.1"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("vrrp: []", (0, "{}: valid: 0 VRRP instances, 0 virtual servers, 0 real servers\n", "")),
        (NAT, (0, f"{{}}: valid: {NAT_SUMMARY}", f"warning: {{}}:3:15: {UNHELD}\n")),
        (
            "director: {check: {type: tcp, interval: 2000, timeout: 90.5}}\nvrrp:\n"
            "  - {name: web, interface: eth7, virtual_router_id: 1, virtual_addresses: [10.0.0.1]}",
            (
                0,
                "{}: valid: 1 VRRP instance, 0 virtual servers, 0 real servers\n",
                "note: {0}:3:28: VRRP instance web: interface eth7 does not exist (there are:"
                " lo)\n"
                "note: {0}:1:41: director.check.interval: 2000 without a unit is 2000 s; write"
                " 2000s or 2000ms\n"
                "note: {0}:1:56: director.check.timeout: 90.5 without a unit is 90.5 s; write 90.5s"
                " or 90.5ms\n",
            ),
        ),
        (
            "director: {check: {type: http, expect_md5: 900150983cd24fb0d6963f7d28e17f72}}\n"
            "vrrp: []",
            (
                0,
                "{}: valid: 0 VRRP instances, 0 virtual servers, 0 real servers\n",
                "note: {0}:1:44: director.check.expect_md5: MD5 is for digests from"
                " keepalived.conf; use expect_sha256, which hadirector probe prints\n",
            ),
        ),
        (
            "vrrp: []\nhosts: {lb1: {}, lb2: {}}",
            (
                0,
                "{0}: host lb1: valid: 0 VRRP instances, 0 virtual servers, 0 real servers\n"
                "{0}: host lb2: valid: 0 VRRP instances, 0 virtual servers, 0 real servers\n",
                "",
            ),
        ),
        ("vrrp: 3", (1, "", "{}:1:7: vrrp: wrong value (got 3, expected a list)\n")),
        (None, (2, "", "{}: the file cannot be read: No such file or directory\n")),
    ],
)
def test_check_config_answers_by_exit_code(
    text: str | None,
    answer: tuple[int, str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """0: valid, perhaps with notes; 1: faults; 2: unreadable. For a valid file the kernel settings
    are printed.
    """
    path = tmp_path / "f.yaml"
    if text is not None:
        path.write_text(text)
    parser = argparse.ArgumentParser()
    check_config.add_arguments(parser)
    monkeypatch.setattr("socket.if_nameindex", lambda: [(1, "lo")])
    monkeypatch.setattr("hadirector.host.preflight.is_local", lambda _address: False)
    code, output, errors = answer
    assert check_config.run(parser.parse_args([str(path)])) == code
    assert capsys.readouterr() == (output.format(path), errors.format(path))


@pytest.mark.parametrize(
    ("arguments", "examined"),
    [([], ["eth1"]), (["--host", "lb1"], ["eth0"]), (["--host", "lb2"], ["eth1"])],
)
def test_check_config_examines_only_this_host(
    arguments: list[str],
    examined: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its name is lb2. The interfaces of lb1 are missing here, and that is no news."""
    path = tmp_path / "f.yaml"
    path.write_text(
        "vrrp: [{name: web, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.1]}]"
        "\nhosts: {lb1: {}, lb2: {vrrp: {web: {interface: eth1}}}}\n"
    )
    parser = argparse.ArgumentParser()
    check_config.add_arguments(parser)
    monkeypatch.setattr("socket.gethostname", lambda: "lb2.example.com")
    monkeypatch.setattr("socket.if_nameindex", lambda: [(1, "lo")])
    assert check_config.run(parser.parse_args([str(path), *arguments])) == 0
    notes = capsys.readouterr().err.splitlines()
    assert [line.split("interface ")[1].split()[0] for line in notes] == examined
