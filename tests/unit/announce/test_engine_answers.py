"""The sessions in real answers of BIRD 2.0.12 and FRR 8.4.4."""

import pytest

from hadirector.announce.engine_answers import EngineReading, Session, read_bird, read_frr

BIRD = """\
BIRD 2.0.12 ready.
Access restricted
Name       Proto      Table      State  Since         Info
device1    Device     ---        up     12:07:55.149  \n\
hadirector Direct     ---        up     12:07:55.149  \n\
  Channel ipv4
    State:          UP
router1    BGP        ---        start  12:07:55.149  Active        Socket: Connection refused
  BGP state:          Active
    Neighbor address: 10.99.0.254
    Neighbor AS:      0
router2    BGP        ---        up     12:07:55.149  Established   \n\
  BGP state:          Established
    Neighbor address: fe80::1%eth0
"""
FRR = """\
{"ipv4Unicast":{"routerId":"10.99.0.1","as":65001,"peers":{"10.99.0.254":{"remoteAs":65000,
"msgRcvd":6,"peerUptimeMsec":0,"state":"Established","pfxSnt":1}},"failedPeers":0},
"ipv6Unicast":{"peers":{"fe80::1":{"state":"Active"}}}}
"""


def test_bird_names_each_session_with_its_neighbor() -> None:
    assert read_bird(BIRD) == EngineReading(
        (Session("10.99.0.254", "Active"), Session("fe80::1%eth0", "Established"))
    )


def test_frr_names_each_session_with_its_neighbor() -> None:
    assert read_frr(FRR) == EngineReading(
        (Session("10.99.0.254", "Established"), Session("fe80::1", "Active"))
    )


def test_only_an_established_session_announces() -> None:
    assert [each.established for each in read_bird(BIRD).sessions] == [False, True]


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", '{"ipv4Unicast": 7}', "{", "% BGP instance not found"]
)
def test_an_unknown_form_is_a_fault_of_the_engine(text: str) -> None:
    assert read_frr(text).fault == "vtysh answered in an unknown form"
    assert read_bird(text).fault == "birdc answered in an unknown form"


def test_the_number_and_the_length_of_sessions_are_limited() -> None:
    many = "BIRD 2\n" + "".join(
        f"r{number} BGP\n  BGP state: {'x' * 500}\n" for number in range(200)
    )
    sessions = read_bird(many).sessions
    assert (len(sessions), sessions[0]) == (100, Session("r0", "x" * 100))
