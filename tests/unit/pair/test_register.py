"""Shared overrides: what two directors agree on, whatever the order of their messages."""

from __future__ import annotations

from functools import reduce
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hadirector.overrides.model import Action, Author, Override, RealServerName
from hadirector.overrides.registers import Register, Registers, Removal
from hadirector.overrides.stamp import Stamp
from hadirector.pair.register import Conflict, find_fault, merge, rank, renew, settle

ONE = RealServerName("web", "192.0.2.45:80")
TWO = RealServerName("web", "192.0.2.46:80")
ANN, BOB = Author("unix:ann"), Author("unix:bob")
DAY = 24 * 3600.0


def drain(name: RealServerName = ONE, author: Author = ANN, at: float = 100.0) -> Override:
    return Override(name=name, action=Action.DRAIN, author=author.name, set_at=at)


def weight(value: int, name: RealServerName = ONE, author: Author = BOB) -> Override:
    return Override(name=name, action=Action.WEIGHT, weight=value, author=author.name, set_at=100.0)


def exchange(one: Registers, other: Registers) -> tuple[Registers, Registers]:
    """Merge each with what the other one had."""
    return merge(one, other).registers, merge(other, one).registers


# --- the algebra --------------------------------------------------------------------------------


def _value(parts: tuple[RealServerName, int, str, int, bool]) -> Register:
    name, counter, director, effect, expired = parts
    stamp = Stamp(counter, director)
    if effect == 0:
        return Removal(name=name, stamp=stamp, removed_at=0.0, expired=expired)
    return replace(weight(effect, name), stamp=stamp, set_at=None)


VALUES = st.builds(
    _value,
    st.tuples(
        st.sampled_from((ONE, TWO)),
        st.integers(1, 4),
        st.sampled_from(("lb1", "lb2", "lb3")),
        st.integers(0, 2),
        st.booleans(),
    ),
)
REGISTERS = st.lists(VALUES, max_size=4).map(lambda values: Registers().add(values))


def joined(one: Registers, other: Registers) -> Registers:
    return merge(one, other).registers


def ranks(registers: Registers) -> dict[RealServerName, object]:
    return {value.name: rank(value) for value in registers.stamped}


@given(REGISTERS, REGISTERS)
def test_a_merge_does_not_depend_on_the_side(one: Registers, other: Registers) -> None:
    assert ranks(joined(one, other)) == ranks(joined(other, one))


@given(st.lists(REGISTERS, min_size=3, max_size=3))
def test_a_merge_does_not_depend_on_the_order(parts: list[Registers]) -> None:
    results = [ranks(reduce(joined, order)) for order in permutations(parts)]
    one, two, three = parts
    results.append(ranks(joined(one, joined(two, three))))
    assert all(result == results[0] for result in results)


@given(REGISTERS, REGISTERS)
def test_a_merge_with_the_same_registers_again_changes_nothing(
    one: Registers, other: Registers
) -> None:
    first = merge(one, other)
    again = merge(first.registers, other)
    assert again.registers == first.registers
    assert (again.adopted, again.removed, again.superseded) == ((), (), ())


# An operator of one director does something, or a director takes in the state of another one.
NAMES = ("lb1", "lb2", "lb3")
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("weight"),
            st.sampled_from(NAMES),
            st.sampled_from((ONE, TWO)),
            st.integers(1, 9),
        ),
        st.tuples(
            st.just("remove"), st.sampled_from(NAMES), st.sampled_from((ONE, TWO)), st.just(0)
        ),
        st.tuples(
            st.just("expire"), st.sampled_from(NAMES), st.sampled_from((ONE, TWO)), st.just(0)
        ),
        st.tuples(st.just("pull"), st.sampled_from(NAMES), st.just(ONE), st.integers(0, 2)),
        st.tuples(st.just("settle"), st.sampled_from(NAMES), st.just(ONE), st.just(0)),
    ),
    max_size=30,
)


class Site:
    """Three directors. Each knows the latest state of the peers that it has pulled."""

    def __init__(self) -> None:
        self.own = dict.fromkeys(NAMES, Registers())
        self.heard = {name: dict.fromkeys(NAMES, Registers()) for name in NAMES}

    def step(self, kind: str, name: str, server: RealServerName, number: int) -> None:
        mine = self.own[name]
        if kind == "weight":
            mine = mine.set([weight(number, server)], name)
        elif kind == "pull":
            self.pull(name, NAMES[number])
            return
        elif kind == "settle":
            peers = [self.heard[name][peer] for peer in NAMES if peer != name]
            mine = settle(mine, peers, 0.0)
        elif server in mine.overrides:
            mine = (
                mine.remove([server], name, ANN, "", 0.0)
                if kind == "remove"
                else mine.expire([server], name, 0.0)
            )
        self.own[name] = mine

    def pull(self, name: str, peer: str) -> None:
        if name != peer:
            self.heard[name][peer] = self.own[peer]
            self.own[name] = merge(self.own[name], self.own[peer]).registers

    def heal(self) -> None:
        """Let every director pull every other one until nothing can change any more."""
        for _ in range(3):
            for name in NAMES:
                for peer in NAMES:
                    self.pull(name, peer)


def healed(steps: list[tuple[str, str, RealServerName, int]]) -> Site:
    """Return the directors after these steps, when every one knows what the others know."""
    site = Site()
    for step in steps:
        site.step(*step)
    site.heal()
    return site


@given(STEPS)
def test_all_directors_agree_after_every_partition(
    steps: list[tuple[str, str, RealServerName, int]],
) -> None:
    site = healed(steps)
    effects = [
        {name: (each.weight, each.stamp) for name, each in registers.overrides.items()}
        for registers in site.own.values()
    ]
    assert effects[0] == effects[1] == effects[2]


@given(STEPS)
def test_removals_are_dropped_once_all_directors_know_them(
    steps: list[tuple[str, str, RealServerName, int]],
) -> None:
    site = healed(steps)
    for name in NAMES:
        site.step("settle", name, ONE, 0)
    kept = {name: dict(each.overrides) for name, each in site.own.items()}
    assert all(not each.removals for each in site.own.values())
    site.heal()
    assert {name: dict(each.overrides) for name, each in site.own.items()} == kept


# --- examples -----------------------------------------------------------------------------------


def test_a_later_order_replaces_an_earlier_one_and_is_no_conflict() -> None:
    lb1 = Registers().set([drain()], "lb1")
    merged = merge(Registers(), lb1)
    assert merged.adopted == (replace(drain(), stamp=Stamp(1, "lb1")),)
    lb2 = merged.registers.set([weight(5)], "lb2")
    back = merge(lb1, lb2)
    assert back.adopted == (replace(weight(5), stamp=Stamp(2, "lb2", (("lb1", 1),))),)
    assert back.conflicts == ()


def test_two_orders_without_knowledge_of_each_other_are_one_conflict_on_each_side() -> None:
    """The counters are equal, so the name decides: lb2."""
    lb1 = Registers().set([drain()], "lb1")
    lb2 = Registers().set([weight(5)], "lb2")
    ours, theirs = merge(lb1, lb2), merge(lb2, lb1)
    winner = replace(weight(5), stamp=Stamp(1, "lb2"))
    loser = replace(drain(), stamp=Stamp(1, "lb1"))
    assert ours.registers.overrides == theirs.registers.overrides == {ONE: winner}
    assert ours.conflicts == theirs.conflicts == (Conflict(winner, loser),)
    # The winner has seen the state of lb1, and sees it again before lb1 has pulled.
    assert merge(theirs.registers, lb1).conflicts == ()
    assert merge(ours.registers, theirs.registers).conflicts == ()


def test_the_higher_counter_wins_a_conflict() -> None:
    lb1 = Registers().set([weight(3, TWO)], "lb1").set([drain()], "lb1")
    lb2 = Registers().set([weight(5)], "lb2")
    assert merge(lb2, lb1).registers.overrides[ONE].action is Action.DRAIN


def test_the_same_order_on_both_directors_is_no_conflict() -> None:
    """Operators of a pair used to repeat every command on the peer."""
    lb1 = Registers().set([drain()], "lb1")
    lb2 = Registers().set([drain(author=BOB)], "lb2")
    assert merge(lb1, lb2).conflicts == merge(lb2, lb1).conflicts == ()


def test_a_removal_reaches_the_peer_with_its_author_and_reason() -> None:
    lb1 = Registers().set([drain()], "lb1")
    lb2 = merge(Registers(), lb1).registers
    removed = lb1.remove([ONE], "lb1", ANN, "kernel done", 200.0)
    [(override, removal)] = merge(lb2, removed).removed
    assert override.action is Action.DRAIN
    assert removal.description == "removed by unix:ann: kernel done"
    assert merge(lb2, removed).registers.overrides == {}


def test_an_expiry_on_one_director_ends_the_override_on_the_other() -> None:
    """Otherwise a peer whose clock is a little slow would bring the override back."""
    lb1 = Registers().set([drain()], "lb1")
    lb2 = merge(Registers(), lb1).registers
    expired = lb1.expire([ONE], "lb1", 300.0)
    assert merge(expired, lb2).registers.overrides == {}
    assert merge(lb2, expired).registers.overrides == {}
    assert merge(lb2, expired).conflicts == ()


def test_an_order_after_an_expiry_is_in_force() -> None:
    expired = Registers().set([drain()], "lb1").expire([ONE], "lb1", 300.0)
    again = expired.set([drain()], "lb1")
    assert merge(expired, again).registers.overrides.keys() == {ONE}


def test_a_removal_stays_until_every_peer_knows_it() -> None:
    lb1 = Registers().set([drain()], "lb1")
    lb2 = merge(Registers(), lb1).registers
    removed = lb1.remove([ONE], "lb1", ANN, "", 200.0)
    knows, does_not = merge(lb2, removed).registers, lb2
    assert settle(removed, [knows, does_not], 300.0).removals.keys() == {ONE}
    assert settle(removed, [knows, knows], 300.0).removals == {}
    assert settle(removed, [does_not], 200.0 + 7 * DAY - 1).removals.keys() == {ONE}
    assert settle(removed, [does_not], 200.0 + 7 * DAY).removals == {}


def test_an_expiry_stays_while_a_peer_has_the_override() -> None:
    lb1 = Registers().set([drain()], "lb1")
    lb2 = merge(Registers(), lb1).registers
    expired = lb1.expire([ONE], "lb1", 300.0)
    assert settle(expired, [lb2], 301.0).removals.keys() == {ONE}
    assert settle(expired, [lb2.expire([ONE], "lb2", 301.0)], 301.0).removals == {}


def test_the_overrides_of_a_restored_backup_lose() -> None:
    """The removal is forgotten on both sides, because both knew it."""
    backup = Registers().set([drain()], "lb1")
    removed = backup.remove([ONE], "lb1", ANN, "", 200.0)
    lb2 = settle(merge(merge(Registers(), backup).registers, removed).registers, [removed], 200.0)
    assert lb2 == Registers(counters={"lb1": 2})
    assert merge(lb2, backup).registers.overrides == {}
    merged = merge(backup, lb2)
    assert merged.registers.overrides == {}
    assert [override.name for override in merged.superseded] == [ONE]


def test_an_order_after_the_restore_wins() -> None:
    """Its counter was used before. Only orders of this run are known to be new."""
    backup = Registers().set([drain(at=50.0)], "lb1")
    lb2 = Registers(counters={"lb1": 8})
    restored = backup.set([replace(weight(3, TWO), set_at=1000.0)], "lb1")
    renewed = renew(restored, lb2, "lb1", 900.0)
    assert renewed.overrides[TWO].stamp == Stamp(9, "lb1", (("lb1", 2),))
    ours, theirs = exchange(renewed, lb2)
    assert ours.overrides.keys() == theirs.overrides.keys() == {TWO}
    assert renew(backup, Registers(), "lb1", 900.0) is backup


def test_equal_stamps_with_different_contents_are_decided_the_same_way() -> None:
    """A restored director has used a counter twice."""
    one = Registers().set([weight(3)], "lb1")
    other = Registers().set([weight(4)], "lb1")
    ours, theirs = exchange(one, other)
    assert ours.overrides == theirs.overrides


def test_an_incomplete_state_removes_nothing_and_proves_nothing() -> None:
    lb1 = Registers().set([drain()], "lb1").set([weight(3, TWO)], "lb1")
    both = merge(Registers(), lb1).registers
    part = Registers({TWO: lb1.overrides[TWO]}, {}, lb1.counters)
    assert merge(both, part, complete=False).registers == both
    some = merge(Registers(), part, complete=False).registers
    assert some.counters == {}
    assert merge(some, lb1).registers.overrides == lb1.overrides


def test_a_peer_cannot_use_up_the_counters() -> None:
    assert find_fault(Registers(), Registers(counters={"lb2": 1_000_000})) is None
    assert find_fault(Registers(), Registers(counters={"lb2": 1_000_001})) == "counter_leap"
    leaping = replace(weight(1), stamp=Stamp(1_000_001, "lb2"))
    assert find_fault(Registers(), Registers({ONE: leaping})) == "counter_leap"


def test_the_overrides_of_a_pair_are_limited() -> None:
    full = {name: drain(name) for name in (RealServerName("a", f"{i}") for i in range(10_000))}
    assert find_fault(Registers(full), Registers({ONE: drain()})) == "too_many_overrides"


def test_without_sharing_overrides_have_no_stamp() -> None:
    registers = Registers().set([drain()], "")
    assert registers == Registers({ONE: drain()})
    assert registers.remove([ONE], "", ANN, "", 0.0) == Registers()
    assert registers.expire([ONE], "", 0.0) == Registers()
    assert registers.share("lb1").overrides[ONE].stamp == Stamp(1, "lb1")
