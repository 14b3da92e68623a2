"""How an advertisement is shown in logs and in a debugger."""

from __future__ import annotations

from vrrp.model.configuration import InstanceConfiguration, PassAuthentication, Secret
from vrrp.protocol.validation import own_advertisement


def test_the_repr_of_an_advertisement_is_one_line_without_its_password() -> None:
    configured = InstanceConfiguration(
        name="web",
        interface="eth0",
        virtual_router_id=51,
        version=2,
        priority=150,
        virtual_addresses=("10.99.0.100/32",),
        authentication=PassAuthentication(Secret(b"abc")),
    )
    sent = own_advertisement(configured, 150)
    assert sent.auth_data == b"abc\0\0\0\0\0"
    assert repr(sent) == "<Advertisement v2 VRID 51 priority 150 every 1s: 10.99.0.100>"
    assert list(sent.__rich_repr__()) == []
