"""The addresses of virtual servers that no VRRP instance of the file holds."""

from __future__ import annotations

from hadirector.config.loader import parse
from hadirector.model.configuration import UnheldAddress

FILE = """\
vrrp:
  - name: web
    interface: eth0
    virtual_router_id: 51
    virtual_addresses: [10.0.0.100, 10.0.0.101/24]
    unadvertised_addresses: ["2001:db8::1"]
virtual_servers:
  - {address: "10.0.0.101:80", real_servers: [{address: 10.0.0.11}]}
  - {address: "[2001:db8::1]:80", real_servers: [{address: "2001:db8::11"}]}
  - {fwmark: 7, check: none, real_servers: [{address: 10.0.0.11}]}
  - {address: "10.0.0.110:80", real_servers: [{address: 10.0.0.11}]}
  - {address: "10.0.0.110:443", real_servers: [{address: 10.0.0.11}]}
  - {name: far, addresses: ["192.168.3.4:80"], real_servers: [{address: 10.0.0.11}]}
"""


def test_an_address_that_no_instance_holds_is_found_once_with_a_similar_one() -> None:
    assert parse(FILE.encode(), "f", "host").unheld_addresses == (
        UnheldAddress(
            address="10.0.0.110",
            place="f:11:15",
            similar="; the VRRP instance web (f:5:37) holds 10.0.0.101",
        ),
        UnheldAddress(address="192.168.3.4", place="f:13:28"),
    )


def test_the_description_names_the_address() -> None:
    unheld = UnheldAddress(address="192.168.3.4", place="f:13:27")
    text = "no VRRP instance and no interface of this host holds 192.168.3.4"
    assert unheld.description == text
