"""A keepalived.conf is read into the same document as a YAML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
import yaml

from hadirector.config.document.yaml_text import write_yaml
from hadirector.config.keepalived.options import Options
from hadirector.config.keepalived.read import Reading, read
from hadirector.config.keepalived.recognition import is_keepalived

SERVER = """\
virtual_server 192.0.2.1 80 {
    lb_algo rr
    lb_kind NAT
    real_server 198.51.100.1 80 {
        TCP_CHECK {
        }
    }
}
"""


class Folder:
    """Files by their names, all in the directory /etc."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.environment: Mapping[str, str] = {"HOME": "/root"}
        self._files = files

    def directory(self, file: str) -> str:
        assert file
        return "/etc"

    def find(self, directory: str, pattern: str) -> Sequence[str]:
        assert directory == ""
        return [pattern] if pattern in self._files else []

    def read(self, file: str) -> bytes:
        return self._files[file].encode()


def read_text(
    text: str, files: Mapping[str, str] | None = None, *, strict: bool = False
) -> Reading:
    return read(text.encode(), "k.conf", Folder(files or {}), Options("lb1", strict=strict))


def faults(text: str, files: Mapping[str, str] | None = None) -> list[str]:
    return [str(fault) for fault in read_text(text, files).document.faults]


def test_the_values_have_the_places_of_the_file() -> None:
    document = read_text(SERVER).document
    assert document.faults == []
    assert document.place(("virtual_servers", 0, "scheduler")) == "k.conf:2:13"
    path = ("virtual_servers", 0, "real_servers", 0, "address")
    assert document.place(path) == "k.conf:4:17"


def test_a_definition_may_stand_in_an_included_file() -> None:
    text = f"include vip.conf\n{SERVER.replace('192.0.2.1', '$VIP')}"
    value = read_text(text, {"vip.conf": "$VIP=192.0.2.1\n"}).document.value
    assert isinstance(value, dict)
    assert value["virtual_servers"][0]["address"] == "192.0.2.1:80"


def test_a_fault_in_an_included_file_has_its_place() -> None:
    assert faults("include a.conf\n", {"a.conf": "\n  virtual_servr x {\n  }\n"}) == [
        'a.conf:2:3: top level: unknown keyword "virtual_servr"; did you mean virtual_server?'
    ]


def test_with_strict_a_note_is_a_fault() -> None:
    text = "global_defs {\n  router_id x\n}\n"
    assert faults(text) == []
    strict = [str(each) for each in read_text(text, strict=True).document.faults]
    assert strict[0].startswith("k.conf:2:3: global_defs: router_id: ")


@pytest.mark.parametrize(
    "text",
    [
        "! Configuration File for keepalived\n\nglobal_defs {\n",
        "vrrp_instance VI_1\n{\n",
        "include /etc/keepalived/conf.d/*.conf\n",
        "$X=1\n",
        "@lb1 instance a\n",
    ],
)
def test_the_form_is_recognized(text: str) -> None:
    assert is_keepalived(text.encode())


@pytest.mark.parametrize("text", ["virtual_servers: []\n", "include_dir: conf.d\n", "a: '$X=1'\n"])
def test_yaml_is_not_taken_for_a_keepalived_conf(text: str) -> None:
    assert not is_keepalived(text.encode())


def test_yaml_is_written_as_it_is_read() -> None:
    value = {
        "words": ["a", "1", "1e5", "0x1f", "yes", "null", "1s", "192.0.2.1", "192.0.2.1:80"],
        "numbers": [1, 1.5, True],
        "texts": ["", " a", "a: b", "a #b", "-", "é", "[x]", "fd00::1", "10:20", "a\nb"],
        "maps": [{"a": {"b": [1, {"c": 2}]}, "d": {}, "e": []}],
    }
    text = "\n".join(write_yaml(value, lambda path: ["here"] if path == ("numbers",) else []))
    assert yaml.safe_load(text) == value
    assert "# here\nnumbers: [1, 1.5, true]\n" in text
