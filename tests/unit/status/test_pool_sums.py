"""The connections and the traffic of a pool are the sums over its real servers."""

from __future__ import annotations

from checks.definition.result import Verdict
from hadirector.dataplane.dataplane import NO_TRAFFIC, Traffic
from hadirector.status.report import PoolSums, RealServerStatus


def real_server(active: int, inactive: int, total: Traffic, rate: Traffic) -> RealServerStatus:
    return RealServerStatus(
        address="192.0.2.1:80",
        configured_weight=1,
        wanted_weight=1,
        actual_weight=1,
        active_connections=active,
        inactive_connections=inactive,
        verdict=Verdict.PASSING,
        reason="",
        total=total,
        per_second=rate,
    )


def test_each_figure_is_added() -> None:
    sums = PoolSums()
    sums.add(real_server(3, 10, Traffic(1, 2, 3, 4, 5), Traffic(1, 1, 1, 1, 1)))
    sums.add(real_server(4, 20, Traffic(10, 20, 30, 40, 50), NO_TRAFFIC))
    assert (sums.active_connections, sums.inactive_connections) == (7, 30)
    assert sums.total == Traffic(11, 22, 33, 44, 55)
    assert sums.per_second == Traffic(1, 1, 1, 1, 1)


def test_a_pool_without_real_servers_has_no_traffic() -> None:
    assert PoolSums().total == NO_TRAFFIC
