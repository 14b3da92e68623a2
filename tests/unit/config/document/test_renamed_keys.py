"""A key with an old name is refused, and the message has the new name."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("clamp: true", '1:91: vrrp[0]: the key "clamp" is now called clamp_learned_interval'),
        (
            "blind_weight: 0",
            '1:91: vrrp[0]: the key "blind_weight" is now called blind_priority_weight',
        ),
    ],
)
def test_a_renamed_key_of_an_instance(
    faults_of: Callable[[str], list[str]], key: str, fault: str
) -> None:
    instance = "name: a, interface: eth0, virtual_router_id: 1, virtual_addresses: [10.0.0.1/24]"
    assert faults_of(f"vrrp: [{{{instance}, {key}}}]") == [fault]


def test_a_renamed_key_of_a_check(faults_of: Callable[[str], list[str]]) -> None:
    check = "{type: tcp, sentinel: true}"
    server = f"{{name: w, address: 10.0.0.1:80, protocol: tcp, check: {check}, real_servers: []}}"
    assert faults_of(f"virtual_servers: [{server}]") == [
        '1:85: virtual_servers[0].check: the key "sentinel" is now called idle_connection'
    ]
