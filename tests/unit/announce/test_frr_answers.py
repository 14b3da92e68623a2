"""Parts of real answers of FRR 8.4.4."""

import pytest

from hadirector.announce.frr_answers import read_frr_graceful, read_frr_origins

NEIGHBORS = """\
{"10.99.0.254":{"remoteAs":65000,"gracefulRestartInfo":{"endOfRibSend":{},"localGrMode":"Restart*"}},
"10.99.0.253":{"gracefulRestartInfo":{"localGrMode":"Disable"}},"10.99.0.252":{}}
"""
ROUTES = """\
{"vrfId":0,"routes":{"203.0.113.1/32":[{"valid":true,"metric":0,"origin":"incomplete"}],
"203.0.113.2/32":[{"origin":"IGP"}],"203.0.113.3/32":[]}}
"""


def test_only_the_mode_restart_keeps_the_routes_of_a_dead_engine() -> None:
    assert read_frr_graceful(NEIGHBORS) == ("10.99.0.254",)


def test_each_address_has_its_origin() -> None:
    assert read_frr_origins(ROUTES) == {"203.0.113.1": "incomplete", "203.0.113.2": "IGP"}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"routes": 1}', '{"10.0.0.1": 1}'])
def test_an_unknown_form_has_no_content(text: str) -> None:
    assert read_frr_graceful(text) == ()
    assert read_frr_origins(text) == {}
