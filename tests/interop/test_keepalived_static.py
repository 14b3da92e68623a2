"""keepalived 2.2.7 and hadirector hold the same static items and next hops, and remove them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.lab.twins import Twins, differences

pytestmark = [pytest.mark.netns, pytest.mark.keepalived, pytest.mark.timeout(180)]

TEXT = """\
global_defs {
    default_interface eth1
}
static_ipaddress {
    10.60.0.1/24 dev eth0 label eth0:1
    10.60.1.1/24 scope site
    2001:db8:60::1/64 dev eth1
}
static_routes {
    10.61.0.0/16 via 10.99.0.9 dev eth0 metric 7
    10.62.0.0/16 nexthop via 10.99.0.9 dev eth0 weight 3 nexthop via 10.98.0.9 dev eth1 onlink
    blackhole 10.63.0.0/16
}
static_rules {
    from 10.60.0.0/24 table 100
    to 10.61.0.0/16 table 100 priority 900
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        10.99.0.100
    }
    virtual_routes {
        10.64.0.0/16 via 10.99.0.9 or 10.98.0.9
    }
    virtual_rules {
        from 10.64.0.0/16 table 100
    }
}
"""


def test_the_addresses_routes_and_rules_are_equal_and_go_at_the_stop(tmp_path: Path) -> None:
    with Twins() as twins:
        name = f"twins-static-{os.getpid()}"
        theirs, ours = twins.run(TEXT, tmp_path, name, "--accept", "static")
    assert differences(theirs, ours) == []
    active = "\n".join(ours.active)
    for part in ('"10.60.1.1"', '"10.61.0.0/16"', '"weight": 3', '"priority": 16384', "10.98.0.9"):
        assert part in active
    left = "\n".join(ours.left)
    for part in ("10.60.", "10.61.", "10.62.", "10.63.", "10.64.", "2001:db8:60::1"):
        assert part not in left
