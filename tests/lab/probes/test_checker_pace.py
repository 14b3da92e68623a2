"""How often the checker probes: by verdict, within its limits, and soon after the start."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable

import pytest

from checks.definition.check import CheckDefinition, Limits, Timing
from checks.definition.options import TcpProbe
from checks.definition.result import Reason, Result, Verdict
from checks.scheduling.checker import Checker
from tests.running import running


class Log:
    """The reported verdicts, and their times."""

    def __init__(self) -> None:
        self.verdicts: dict[str, Verdict] = {}
        self.flips: list[float] = []

    def __call__(self, identity: str, verdict: Verdict, _result: Result) -> None:
        self.verdicts[identity] = verdict
        self.flips.append(time.monotonic())


async def eventually(what: str, is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.01)


def listener(address: str = "127.0.0.1") -> socket.socket:
    made = socket.create_server((address, 0), backlog=4096)
    made.setblocking(False)
    return made


def accept_all(made: socket.socket) -> int:
    accepted = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            made.accept()[0].close()
            accepted += 1
    return accepted


def check(identity: str, port: int, timing: Timing, address: str = "127.0.0.1") -> CheckDefinition:
    return CheckDefinition(
        identity=identity, address=address, port=port, probe=TcpProbe(), timing=timing
    )


async def test_a_suspect_is_probed_fast_and_a_failed_target_seldom() -> None:
    """At an interval of 1 s, five failures take 5 s; at 50 ms, a fifth of a second and one.

    The next probe would come within 1 s, or in an hour.
    """
    timing = Timing(interval=1.0, timeout=0.05, fall=5, fast_interval=0.05, slow_interval=3600.0)
    log = Log()
    checker = Checker(log)
    with listener() as made:
        port = made.getsockname()[1]
        async with running(checker):
            checker.configure([check("web", port, timing)], {})
            await eventually("passes", lambda: log.verdicts.get("web") is Verdict.PASSING)
            made.close()
            closed_at = time.monotonic()
            await eventually("fails", lambda: log.verdicts["web"] is Verdict.FAILING)
            assert time.monotonic() - closed_at < 3.5
            probes = checker.probes
            await asyncio.sleep(1.3)
            assert checker.probes == probes


async def test_no_more_probes_begin_in_a_second_than_are_allowed() -> None:
    """200 targets every 50 ms would need 4000. The others are delayed and do not fail."""
    timing = Timing(interval=0.05, timeout=0.05, rise=1, fall=1)
    log = Log()
    checker = Checker(log)
    with listener() as made:
        targets = [check(str(number), made.getsockname()[1], timing) for number in range(200)]
        async with running(checker):
            began = time.monotonic()
            checker.configure(targets, {}, limits=Limits(100))
            await asyncio.sleep(1.0)
            elapsed = time.monotonic() - began
            assert 20 <= checker.probes <= 100 * (elapsed + 0.1)
            assert checker.delayed_probes > 0
            assert checker.lateness.snapshot().longest > 0.2
            assert Verdict.FAILING not in log.verdicts.values()


async def test_a_target_at_its_limit_does_not_delay_others() -> None:
    """The last check is complete long before the second check of the limited target."""
    timing = Timing(interval=60.0, timeout=0.5)
    log = Log()
    checker = Checker(log)
    with listener() as one, listener() as other:
        targets = [check(f"one {n}", one.getsockname()[1], timing) for n in range(3)]
        targets.append(check("other", other.getsockname()[1], timing))
        async with running(checker):
            checker.configure(targets, {}, limits=Limits(None, 1))
            await eventually("the other is known", lambda: "other" in log.verdicts)
        assert list(log.verdicts) == ["one 0", "other"]


async def test_a_limit_shorter_than_a_batch_lets_the_other_checks_wait() -> None:
    """Six checks of one target are due within one batch of 50 ms, whose limit allows three."""
    timing = Timing(interval=1.0, timeout=0.5, rise=1, fall=1)
    log = Log()
    checker = Checker(log)
    with listener() as made:
        targets = [check(f"web {n}", made.getsockname()[1], timing) for n in range(6)]
        async with running(checker):
            checker.configure(targets, {}, limits=Limits(None, 50))
            await eventually("every check has its turn", lambda: len(log.verdicts) == 6)
        assert set(log.verdicts.values()) == {Verdict.PASSING}


async def test_all_checks_of_a_target_share_its_limit() -> None:
    """Three checks every 50 ms would be 60 probes per second for each target."""
    timing = Timing(interval=0.05, timeout=0.05, rise=1, fall=1)
    log = Log()
    checker = Checker(log)
    with listener() as one, listener() as other:
        ports = {"one": one.getsockname()[1], "other": other.getsockname()[1]}
        targets = [check(f"{name} {n}", ports[name], timing) for name in ports for n in range(3)]
        async with running(checker):
            began = time.monotonic()
            checker.configure(targets, {}, limits=Limits(None, 10))
            await eventually("every check has its turn", lambda: len(log.verdicts) == 6)
            await asyncio.sleep(0.7)
            most = 10 * (time.monotonic() - began + 0.1)
            accepted = [accept_all(one), accept_all(other)]
        assert all(3 <= count <= most for count in accepted), accepted
        assert checker.delayed_probes > 0
        assert Verdict.FAILING not in log.verdicts.values()


async def test_the_limit_of_a_target_applies_to_hints() -> None:
    """Three refusals take milliseconds without a limit, and 0.2 s at ten per second."""
    timing = Timing(interval=60.0, timeout=0.5, fall=3)
    log = Log()
    checker = Checker(log)
    with listener() as made:
        target = check("web", made.getsockname()[1], timing)
        async with running(checker):
            checker.configure([target], {}, limits=Limits(None, 10))
            await eventually("passes", lambda: log.verdicts.get("web") is Verdict.PASSING)
            made.close()
            hinted_at = time.monotonic()
            checker.hint("web")
            await eventually("fails", lambda: log.verdicts["web"] is Verdict.FAILING)
            assert time.monotonic() - hinted_at > 0.15


@pytest.mark.parametrize("answering", [True, False])
async def test_every_one_of_5000_targets_is_known_soon(answering: bool) -> None:
    """On a quiet machine this takes less than 3 s, as the benchmark measures."""
    timing = Timing(interval=20.0, timeout=10.0)  # long enough for a full backlog
    log = Log()
    checker = Checker(log, probes_at_once_max=5000)
    with listener("0.0.0.0") as made, socket.socket() as deaf:
        deaf.bind(("0.0.0.0", 0))  # without listen(), so connections are refused
        port = (made if answering else deaf).getsockname()[1]
        targets = [
            check(str(n), port, timing, f"127.0.{n // 250}.{n % 250 + 1}") for n in range(5000)
        ]
        loop = asyncio.get_running_loop()
        loop.add_reader(made, accept_all, made)
        async with running(checker):
            checker.configure(targets, {})
            await eventually("all are known", lambda: len(log.verdicts) == 5000, 20.0)
        loop.remove_reader(made)
    assert set(log.verdicts.values()) == {Verdict.PASSING if answering else Verdict.FAILING}


async def test_jitter_delays_each_probe() -> None:
    """The delay varies up to the jitter. The due times keep their interval."""
    timing = Timing(interval=0.1, timeout=0.1, jitter=0.05)
    seen: list[tuple[float, float]] = []
    checker = Checker(Log())
    with listener() as made:
        async with running(checker):
            checker.configure([check("web", made.getsockname()[1], timing)], {})
            [target] = checker._targets.values()
            first = target.due

            def has_begun_often() -> bool:
                if target.is_queued and (target.due, target.begins_at) not in seen:
                    seen.append((target.due, target.begins_at))
                return len(seen) > 8

            await eventually("begins often", has_begun_often)
    assert all(0.0 <= begin - due < 0.05 for due, begin in seen)
    assert len({round(begin - due, 4) for due, begin in seen}) > 3
    periods = [(due - first) / 0.1 for due, _ in seen]
    assert periods == pytest.approx([round(period) for period in periods])


async def test_an_unchanged_result_is_returned_once() -> None:
    """A result that is put back is returned again."""
    timing = Timing(interval=0.05, timeout=5.0, fall=1)
    log = Log()
    checker = Checker(log)
    with listener() as made:
        port = made.getsockname()[1]
        async with running(checker):
            checker.configure([check("web", port, timing)], {})
            await eventually("passes", lambda: "web" in log.verdicts)
            passed = checker.take_latest()
            assert passed["web"].reason is Reason.PASSED
            probes = checker.probes
            await eventually("is probed again", lambda: checker.probes > probes + 2)
            assert checker.take_latest() == {}
            checker.put_back(passed)
            assert checker.take_latest() == passed
            made.close()
            await eventually("fails", lambda: log.verdicts["web"] is Verdict.FAILING)
            # A reset, if the kernel had just accepted a connection at the close.
            assert checker.take_latest()["web"].reason in {Reason.REFUSED, Reason.RESET}
