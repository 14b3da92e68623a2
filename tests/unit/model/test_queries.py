"""Queries on a configuration."""

from __future__ import annotations

import pytest

from hadirector.model.configuration import Configuration
from hadirector.model.ipvs import ConnectionTimeouts
from hadirector.model.queries import needs_ipvs
from tests.builders import a_configuration, a_virtual_server, an_instance

VRRP_ONLY = a_configuration(dataplane="ipvs", vrrp=(an_instance(),))
POOL = a_virtual_server()


@pytest.mark.parametrize(
    ("configuration", "needed"),
    [
        (VRRP_ONLY, False),
        (a_configuration(POOL, dataplane="ipvs"), True),
        (a_configuration(POOL, dataplane="userspace"), False),
        (a_configuration(dataplane="ipvs", connection_timeouts=ConnectionTimeouts(tcp=900)), True),
    ],
)
def test_only_virtual_servers_and_ipvs_settings_need_ipvs(
    configuration: Configuration, needed: bool
) -> None:
    assert needs_ipvs(configuration) is needed
