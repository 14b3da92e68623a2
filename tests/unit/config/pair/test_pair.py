"""The pair link: the model that its keys make, and the faults of wrong values."""

from collections.abc import Callable

import pytest

from hadirector.config.document.errors import ConfigError
from hadirector.config.loader import parse
from hadirector.model.pair import Pair, PairPeer

FaultsOf = Callable[[str], list[str]]
LB1 = "{name: lb1, address: '192.0.2.1:9471', certificate: /p/lb1.pem}"
LB2 = "{name: lb2, address: '[2001:db8:0::2]:9471', certificate: /p/lb2.pem}"
OWN = "name: edge, listen: '192.0.2.1:9471', certificate: /p/lb1.pem, key: /p/lb1.key"


def text(keys: str) -> str:
    return f"virtual_servers: []\npair: {{{keys}}}"


def pair_of(keys: str) -> Pair | None:
    return parse(text(keys).encode(), "f", "lb1").pair


def test_a_director_skips_its_own_name() -> None:
    assert pair_of(f"{OWN}, peers: [{LB1}, {LB2}]") == Pair(
        name="edge",
        address="192.0.2.1",
        port=9471,
        certificate="/p/lb1.pem",
        key="/p/lb1.key",
        peers=(PairPeer(name="lb2", address="2001:db8::2", port=9471, certificate="/p/lb2.pem"),),
        overrides="shared",
        unready_priority_weight=-50,
    )


def test_the_other_keys_are_read() -> None:
    pair = pair_of(f"{OWN}, peers: [{LB2}], overrides: local, unready_priority_weight: 0")
    assert pair is not None
    assert (pair.overrides, pair.unready_priority_weight) == ("local", 0)
    assert (pair.where, pair.peers[0].where) == ("192.0.2.1:9471", "[2001:db8::2]:9471")


def test_without_the_section_there_is_no_link() -> None:
    assert parse(b"virtual_servers: []", "f", "lb1").pair is None


def test_the_name_of_a_host_section_is_the_own_name() -> None:
    own = "listen: '192.0.2.2:9471', certificate: /p/lb2.pem, key: /p/lb2.key"
    file = f"{text(f'name: edge, peers: [{LB1}, {LB2}]')}\nhosts: {{lb2: {{pair: {{{own}}}}}}}"
    found = parse(file.encode(), "f", "lb2").pair
    assert found is not None
    assert (found.where, [peer.name for peer in found.peers]) == ("192.0.2.2:9471", ["lb1"])


ADDRESS = 'such as 192.0.2.1:80 or "[2001:db8::1]:80"; host names are not resolved'


@pytest.mark.parametrize(
    ("keys", "faults"),
    [
        (
            f"peers: [{LB2}]",
            [
                '2:7: pair: the key "name" is missing',
                '2:7: pair: the key "listen" is missing',
                '2:7: pair: the key "certificate" is missing',
                '2:7: pair: the key "key" is missing',
            ],
        ),
        (f"{OWN}, peers: []", ["2:95: pair.peers: wrong value (got 0 peers, expected 1 to 8)"]),
        (
            f"{OWN}, peers: [{{name: lb2, address: 192.0.2.2, certificate: /p}}]",
            [
                '2:117: pair.peers[0].address: wrong value (got "192.0.2.2", expected an address'
                f" with its port, {ADDRESS})"
            ],
        ),
        (
            f"{OWN}, peers: [{LB2}, {LB2}]",
            [
                '2:174: pair.peers[1].name: duplicate name "lb2", first at pair.peers[0].name',
                '2:188: pair.peers[1].address: duplicate address "[2001:db8::2]:9471", first at'
                " pair.peers[0].address",
                '2:225: pair.peers[1].certificate: duplicate certificate "/p/lb2.pem", first at'
                " pair.peers[0].certificate",
            ],
        ),
        (
            f"{OWN}, peers: [{LB2}], overrides: both, unready_priority_weight: 10",
            [
                '2:179: pair.overrides: wrong value (got "both", expected one of shared, local)',
                "2:210: pair.unready_priority_weight: wrong value (got 10, expected a whole number"
                " from -254 to 0)",
            ],
        ),
    ],
)
def test_a_wrong_value_is_a_fault_with_its_place(
    keys: str, faults: list[str], faults_of: FaultsOf
) -> None:
    assert faults_of(text(keys)) == faults


@pytest.mark.parametrize(
    ("peers", "fault"),
    [
        (
            LB1,
            "f:2:95: pair.peers: the list names no director besides this one, lb1 (add the other"
            " director)",
        ),
        (
            "{name: lb3, address: '192.0.2.1:9471', certificate: /p/lb3.pem}",
            "f:2:28: pair.listen: 192.0.2.1:9471 is also the address of the peer lb3; the name of"
            " this director is lb1",
        ),
    ],
)
def test_a_link_to_itself_is_a_fault(peers: str, fault: str) -> None:
    with pytest.raises(ConfigError) as refused:
        pair_of(f"{OWN}, peers: [{peers}]")
    assert str(refused.value) == fault
