"""The notes about a keepalived.conf in the configuration of the director."""

from __future__ import annotations

from hadirector.config.keepalived.report import Note, summarize_notes
from hadirector.config.keepalived.syntax.place import Place
from hadirector.config.loader import parse
from vrrp.model.configuration import Unicast

FILE = b"""\
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    smtp_alert
    virtual_ipaddress {
        10.99.0.100/24 brd +
    }
}
"""


def test_the_configuration_of_a_keepalived_conf_has_its_notes_with_their_places() -> None:
    configuration = parse(FILE, "k.conf", "lb1")
    assert configuration.differences == (
        "k.conf:4:5: vrrp_instance VI_1: smtp_alert: no mail is sent; events, metrics and the alert"
        " rules report the same changes",
        "k.conf:6:24: vrrp_instance VI_1: 10.99.0.100/24: hadirector adds the address without"
        " a broadcast address",
    )
    assert configuration.difference_count == 2


def test_unicast_without_a_source_reaches_the_model() -> None:
    text = FILE.replace(b"smtp_alert", b"unicast_peer {\n10.99.0.2\n}")
    transport = parse(text, "k.conf", "lb1").vrrp[0].transport
    assert transport == Unicast(peers=("10.99.0.2",), source=None)


def test_the_configuration_of_another_file_has_no_notes() -> None:
    text = (
        b"vrrp: [{name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.1]}]"
    )
    configuration = parse(text, "h.yaml", "lb1")
    assert (configuration.differences, configuration.difference_count) == ((), 0)


def test_a_log_line_has_thirty_lines_of_notes_at_most() -> None:
    notes = [Note(f"kind {number}", Place("k.conf", number, 1), "text") for number in range(1, 41)]
    lines = summarize_notes(notes[:30])
    assert (len(lines), lines[-1]) == (30, "k.conf:30:1: text")
    lines = summarize_notes(notes)
    assert len(lines) == 30
    assert lines[-2:] == (
        "k.conf:29:1: text",
        "k.conf: hadirector check-config prints 11 more lines",
    )
