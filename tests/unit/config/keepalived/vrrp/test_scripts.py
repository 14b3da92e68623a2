"""The lines of scripts are split as in keepalived, and a shell is never assumed."""

from __future__ import annotations

import pytest

from hadirector.config.keepalived.syntax.commands import Command, split_command
from tests.unit.config.keepalived.reading import read
from tests.unit.config.keepalived.vrrp.test_traps import TRACKS_CHECK, script


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ('script "/bin/a -b c"', Command(("/bin/a", "-b", "c"), ())),
        ("script /bin/a b c", Command(("/bin/a",), ("b", "c"))),
        ("""notify "/bin/a 'b c'" root""", Command(("/bin/a", "b c"), ("root",))),
        (r'script "/bin/a b\ c \x41\101\cA\n"', Command(("/bin/a", "b c", "AA\x01\n"), ())),
        ("""script '/bin/a "b  c"'""", Command(("/bin/a", "b  c"), ())),
        ("script", Command((), ())),
    ],
)
def test_the_command_is_split_twice(line: str, command: Command) -> None:
    assert split_command(line) == command


@pytest.mark.parametrize(
    "command",
    [
        "ps aux | grep -q nginx",
        "/bin/a && /bin/b",
        "/bin/a > /dev/null",
        "/bin/a 2>&1",
        "/bin/a; /bin/b",
        "test $(pidof nginx)",
    ],
)
def test_a_command_that_needs_a_shell_is_refused(command: str) -> None:
    text = script("check", f'script "{command}"') + TRACKS_CHECK
    (fault,) = read(text).faults
    first = command.split(maxsplit=1)[0]
    assert fault == (
        "2:9: vrrp_script check: script: keepalived runs no shell: the words after"
        f" {first} are its arguments, and a shell would run {command}; write a script, or run it in"
        " a shell with --accept shell"
    )
    (track,) = read(text, accepted="shell").instance["track"]
    assert track["shell"] == command
    assert "script" not in track


def test_a_shell_with_its_own_command_needs_no_other_shell() -> None:
    text = script("check", """script "/bin/sh -c 'pidof nginx || exit 1'" """) + TRACKS_CHECK
    (track,) = read(text).instance["track"]
    assert (track["script"], track["arguments"]) == ("/bin/sh", ["-c", "pidof nginx || exit 1"])


def test_a_redirection_from_a_network_file_is_refused() -> None:
    text = script("check", 'script "</dev/tcp/127.0.0.1/80"') + TRACKS_CHECK
    assert read(text).faults == [
        "2:9: vrrp_script check: script: keepalived gives </dev/tcp/127.0.0.1/80 to /bin/sh, which"
        " mostly cannot open it; use nc -z HOST PORT"
    ]


@pytest.mark.parametrize("command", ["killall -0 haproxy", "/usr/bin/killall -0 haproxy"])
def test_a_script_that_looks_for_a_process_becomes_a_process(command: str) -> None:
    text = script("check", f'script "{command}"', "interval 2", "weight 2") + TRACKS_CHECK
    found = read(text)
    assert found.instance["track"] == [{"process": "haproxy", "weight": 2}]
    assert found.notes == [
        (
            "process",
            f"2:9: vrrp_script check: {command} is replaced: process haproxy is watched without a"
            " command, and interval, rise and fall do not apply",
        )
    ]


@pytest.mark.parametrize("command", ["/bin/pidof -s x", "/usr/bin/killall haproxy", "/bin/killall"])
def test_another_use_of_these_commands_stays_a_script(command: str) -> None:
    (track,) = read(script("check", f'script "{command}"') + TRACKS_CHECK).instance["track"]
    assert track["script"] == command.split(maxsplit=1)[0]


def test_the_timeout_of_a_script_is_at_most_its_interval() -> None:
    lines = ("script /bin/check", "interval 2", "timeout 5")
    found = read(script("check", *lines) + TRACKS_CHECK)
    (track,) = found.instance["track"]
    assert (track["interval"], track["timeout"]) == ("2s", "2s")
    assert [note for _, note in found.notes] == [
        "4:9: vrrp_script check: timeout: the timeout is reduced to the interval, 2s"
    ]


def test_a_script_has_the_group_of_its_user() -> None:
    found = read(script("check", "script /bin/check", "user nginx :www") + TRACKS_CHECK)
    (track,) = found.instance["track"]
    assert (track["user"], track["group"]) == ("nginx", "www")
    assert found.notes == []


def test_each_state_has_its_own_notify_script() -> None:
    text = """vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        192.0.2.1
    }
    notify /bin/any
    notify_master "/bin/active now" nobody
    notify_fault /bin/fault
}
"""
    assert read(text).instance["notify"] == [
        {
            "script": "/bin/active",
            "arguments": ["now"],
            "user": "nobody",
            "on": ["active"],
            "tell": "nothing",
        },
        {"script": "/bin/fault", "user": "root", "on": ["fault"], "tell": "nothing"},
        {"script": "/bin/any", "user": "root"},
    ]
