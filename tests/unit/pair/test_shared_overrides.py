"""The form in which directors exchange their overrides."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from hadirector.overrides.model import Action, Author, Override, RealServerName
from hadirector.overrides.registers import Registers
from hadirector.overrides.stamp import Stamp
from hadirector.pair.shared_overrides import fits, group, pack, unpack
from hadirector.pair.state import RegisterGroup, SharedOverrides


def name(number: int) -> RealServerName:
    return RealServerName("web", f"192.0.2.{number}:80")


def weight(number: int, reason: str = "new kernel") -> Override:
    return Override(
        name=name(number),
        action=Action.WEIGHT,
        author="unix:ann",
        claimed="sudo:bob",
        reason=reason,
        ticket="OPS-12",
        weight=7,
        set_at=100.0,
        expires_at=400.0,
    )


def test_an_order_for_many_real_servers_takes_the_place_of_one() -> None:
    registers = Registers().set([weight(1), weight(2)], "lb1").set([weight(3, "other")], "lb1")
    assert pack(group(registers), 160.0) == SharedOverrides(
        {"lb1": 2},
        True,
        (
            RegisterGroup(
                ("web/192.0.2.3:80",), 2, "lb1", {"lb1": 1}, "weight", "unix:ann", "sudo:bob",
                "other", "OPS-12", 7, None, 60.0, 240.0, None,
            ),
            RegisterGroup(
                ("web/192.0.2.1:80", "web/192.0.2.2:80"), 1, "lb1", {}, "weight", "unix:ann",
                "sudo:bob", "new kernel", "OPS-12", 7, None, 60.0, 240.0, None,
            ),
        ),
    )  # fmt: skip


def test_expiry_travels_as_the_seconds_that_are_left() -> None:
    """The monotonic clock of the peer is at 9000 when it receives the state."""
    sent = pack(group(Registers().set([weight(1)], "lb1")), 160.0)
    received, complete = unpack(sent, 9000.0)
    assert complete
    assert received == Registers(
        {name(1): replace(weight(1), set_at=8940.0, expires_at=9240.0, stamp=Stamp(1, "lb1"))},
        {},
        {"lb1": 1},
    )


def test_the_longest_times_stay_within_the_bounds_of_a_state() -> None:
    """A peer that sent the longest age must not make the next state of this director invalid."""
    longest = RegisterGroup(
        ("web/a",), 2, "lb2", action="drain", age=1e10, expires_in=1e10, deadline_in=1e10
    )
    removal = RegisterGroup(("web/b",), 1, "lb2", action="removed", age=1e10)
    received, _ = unpack(SharedOverrides({"lb2": 2}, True, (longest, removal)), 100.0)
    assert pack(group(received), 101.0).groups[0].age == 1e10
    assert pack(group(received), 101.0).groups[1].age == 1e10
    earlier = pack(group(received), 99.0).groups[0]
    assert (earlier.expires_in, earlier.deadline_in) == (1e10, 1e10)


def test_the_end_of_a_drain_does_not_travel() -> None:
    """Each director counts its own connections."""
    drain = Override(
        name=name(1), action=Action.DRAIN, author="unix:ann", deadline=130.0, ended="all ended"
    )
    sent = pack(group(Registers().set([drain], "lb1")), 160.0)
    [received] = unpack(sent, 9000.0)[0].overrides.values()
    assert (received.ended, received.deadline) == ("", 9000.0)


def test_a_removal_and_an_expiry_travel() -> None:
    registers = Registers().set([weight(1), weight(2)], "lb1").expire([name(1)], "lb1", 150.0)
    registers = registers.remove([name(2)], "lb1", Author("unix:bob"), "done", 155.0)
    received, complete = unpack(pack(group(registers), 160.0), 9000.0)
    assert complete
    assert received.overrides == {}
    assert received.removals == {
        name(1): replace(registers.removals[name(1)], removed_at=8990.0),
        name(2): replace(registers.removals[name(2)], removed_at=8995.0),
    }


def test_an_action_of_a_later_version_is_left_out() -> None:
    """The absence of its value then proves nothing."""
    later = SharedOverrides({"lb1": 1}, True, (RegisterGroup(("web/a",), 1, "lb1", {}, "mirror"),))
    assert unpack(later, 0.0) == (Registers(counters={"lb1": 1}), False)


def test_the_oldest_registers_are_left_out_of_a_state_that_is_too_large() -> None:
    registers = Registers()
    for number in range(250):
        registers = registers.set([weight(number, reason=f"{number:0200}")], "lb1")
    packed = pack(group(registers), 160.0)
    assert not packed.complete
    assert not fits(registers)
    assert len(msgspec.json.encode(packed)) < 98 * 1024
    assert packed.groups[0].counter == 250
    assert len(packed.groups) > 200


def test_all_real_servers_of_ten_large_pools_fit() -> None:
    names = [RealServerName(f"pool{n}", f"10.0.{i // 250}.{i % 250}:80") for n in range(10)
             for i in range(300)]  # fmt: skip
    assert fits(Registers().set([replace(weight(1), name=each) for each in names], "lb1"))
