"""How many checks workers there are, and who runs which check."""

import pytest
from msgspec.structs import replace

from checks.definition.check import CheckDefinition, Limits, Timing
from checks.definition.options import (
    AllProbe,
    GrpcProbe,
    HttpProbe,
    HttpsProbe,
    Member,
    Probe,
    ScriptProbe,
    SmtpProbe,
    TcpProbe,
)
from checks.scheduling.lateness import ProbeLateness, merge
from hadirector.health.sharding import count_workers, divide_into_shares, jump_hash, worker_of


def checks(count: int, probe: Probe | None = None, interval: float = 1.0) -> list[CheckDefinition]:
    return [
        CheckDefinition(
            identity=f"tcp 192.0.2.1:{port}",
            address="192.0.2.1",
            port=port,
            probe=probe or TcpProbe(),
            timing=Timing(interval=interval),
        )
        for port in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "interval", "workers"),
    [(0, 1.0, 1), (4000, 1.0, 1), (4001, 1.0, 2), (4001, 2.0, 1), (9000, 1.0, 3), (40000, 1.0, 8)],
)
def test_workers_follow_the_probes_per_second_up_to_the_processors(
    count: int, interval: float, workers: int
) -> None:
    assert count_workers(checks(count, interval=interval), None, 8) == workers


@pytest.mark.parametrize(
    ("probe", "workers"),
    [
        (TcpProbe(), 1),
        (HttpProbe(), 2),
        (GrpcProbe(), 2),
        (SmtpProbe(), 2),
        (HttpsProbe(), 10),
        (GrpcProbe(tls=True), 10),
        (SmtpProbe(starttls=True), 10),
        (ScriptProbe(script="/bin/true"), 20),
        (AllProbe(checks=(Member(probe=HttpsProbe()), Member(probe=TcpProbe()))), 11),
    ],
)
def test_what_takes_longer_gets_more_workers(probe: Probe, workers: int) -> None:
    assert count_workers(checks(4000, probe), None, 64) == workers


def test_no_more_workers_than_the_allowance_can_use() -> None:
    assert count_workers(checks(40000), 5000, 8) == 2


@pytest.mark.parametrize(
    ("key", "buckets", "bucket"),
    [(42, 57, 43), (0xDEAD10CC, 1, 0), (0xDEAD10CC, 666, 361), (256, 1024, 520)],
)
def test_the_hash_is_the_published_one(key: int, buckets: int, bucket: int) -> None:
    """Values that other implementations of the same paper give."""
    assert jump_hash(key, buckets) == bucket


def test_shares_are_whole_and_even() -> None:
    every = {each.identity: each for each in checks(10000)}
    dealt = divide_into_shares(every, Limits(9001), 4)
    found = [check.identity for share in dealt for check in share.checks]
    assert sorted(found) == sorted(every)
    assert all(2300 < len(share.checks) < 2700 for share in dealt)
    allowances = [share.limits.probes_per_second or 0 for share in dealt]
    assert 8997 <= sum(allowances) <= 9001
    assert all(2070 < each < 2430 for each in allowances)


def test_the_allowance_follows_the_probes_and_not_the_number_of_checks() -> None:
    """Equal in number, but one worker's are ten times as frequent."""
    slow = {each.identity: each for each in checks(1000) if worker_of(each, 2) == 0}
    fast = {each.identity: each for each in checks(1000, interval=0.1) if worker_of(each, 2) == 1}
    first, second = divide_into_shares({**slow, **fast}, Limits(1100), 2)
    assert first.limits.probes_per_second is not None
    assert second.limits.probes_per_second is not None
    assert 80 <= first.limits.probes_per_second <= 120
    assert 980 <= second.limits.probes_per_second <= 1020


def test_one_worker_has_everything_in_the_given_order() -> None:
    every = {each.identity: each for each in checks(100)}
    assert divide_into_shares(every, Limits(7, 3), 1) == ((tuple(every.values()), Limits(7, 3)),)


def test_a_worker_without_checks_still_has_a_share() -> None:
    assert divide_into_shares({}, Limits(100), 2) == (((), Limits(1)), ((), Limits(1)))


def test_a_target_has_one_worker_that_keeps_its_limit_whole() -> None:
    """However many checks it has; what all targets may have is divided."""
    several = {
        f"{way} {each.identity}": replace(each, identity=f"{way} {each.identity}")
        for way in ("via", "straight")
        for each in checks(1000)
    }
    dealt = divide_into_shares(several, Limits(1000, 5), 4)
    homes = [{check.port for check in share.checks} for share in dealt]
    assert sum(len(ports) for ports in homes) == 1000
    assert [share.limits.target_probes_per_second for share in dealt] == [5, 5, 5, 5]


@pytest.mark.parametrize("workers", range(1, 8))
def test_a_new_worker_takes_and_nothing_else_moves(workers: int) -> None:
    moved = 0
    for check in checks(2000):
        before, after = worker_of(check, workers), worker_of(check, workers + 1)
        assert after in (before, workers)
        moved += after == workers
    assert 0.8 < moved * (workers + 1) / 2000 < 1.2


def test_lateness_of_several_adds_up() -> None:
    one = ProbeLateness((1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0), longest=0.015, total=0.04)
    other = ProbeLateness((4, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1), longest=6.5, total=7.0)
    together = ProbeLateness((5, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1), longest=6.5, total=7.04)
    assert merge([one, other]) == together
    assert merge([]) == ProbeLateness()
