"""The overrides of a document, below those of operators."""

from __future__ import annotations

from msgspec.structs import replace

from hadirector.model.ipvs import Service
from hadirector.model.override_document import DocumentOverride, OverrideDocument
from hadirector.overrides.document import (
    Accepted,
    Layer,
    accept,
    end_drain,
    find_refusal,
    layer_of,
    put_over,
    release,
)
from hadirector.overrides.model import Action, Override, RealServerName
from tests.builders import a_virtual_server

ONE = RealServerName("web", "192.0.2.45:80")
TWO = RealServerName("web", "192.0.2.46:80")
DRAIN = DocumentOverride("web/192.0.2.45:80", "drain", "joe", "disk")
TIMED = DocumentOverride("web/192.0.2.46:80", "disable", "joe", expires_at=5000.0)
DOCUMENT = OverrideDocument(7, (DRAIN, TIMED))
ACCEPTED = Accepted("fleet", DOCUMENT)


def layer(accepted: Accepted, before: Layer | None = None, now: float = 100.0) -> Layer:
    """Return the layer at this monotonic time, on a host that started at 4000 UTC."""
    return layer_of(accepted, before or Layer(), now, 4000.0 + now)


def test_the_ends_of_overrides_are_moments_in_utc() -> None:
    assert layer(ACCEPTED).overrides == {
        ONE: Override(
            name=ONE, action=Action.DRAIN, author="joe", reason="disk", set_at=100.0, source="fleet"
        ),
        TWO: Override(
            name=TWO,
            action=Action.DISABLE,
            author="joe",
            set_at=100.0,
            expires_at=1000.0,
            source="fleet",
        ),
    }
    assert set(layer(ACCEPTED, now=999.0).overrides) == {ONE, TWO}
    assert set(layer(ACCEPTED, now=1000.0).overrides) == {ONE}


def test_an_override_that_stays_the_same_is_the_same_object() -> None:
    first = layer(ACCEPTED)
    again = layer(accept(ACCEPTED, "fleet", replace(DOCUMENT, revision=8)), first, 200.0)
    assert again.overrides[ONE] is first.overrides[ONE]
    assert again.overrides[TWO] is first.overrides[TWO]
    changed = replace(DOCUMENT, overrides=(replace(DRAIN, reason="fan"), TIMED))
    later = layer(accept(ACCEPTED, "fleet", changed), first, 200.0)
    assert later.overrides[ONE].reason == "fan"
    assert later.overrides[TWO] is first.overrides[TWO]


def test_the_override_of_an_operator_takes_precedence() -> None:
    local = Override(name=ONE, action=Action.WEIGHT, weight=3, author="ann")
    document = layer(ACCEPTED).overrides
    assert put_over(document, {ONE: local}) == {ONE: local, TWO: document[TWO]}
    assert put_over(document, {}) == document


def test_a_release_lasts_until_the_document_has_another_override() -> None:
    released = release(ACCEPTED, [ONE])
    assert set(layer(released).overrides) == {TWO}
    same = accept(released, "fleet", replace(DOCUMENT, revision=8))
    assert set(layer(same).overrides) == {TWO}
    gone = accept(same, "fleet", OverrideDocument(9, (TIMED,)))
    back = accept(gone, "fleet", replace(DOCUMENT, revision=10))
    assert set(layer(back).overrides) == {ONE, TWO}
    other = accept(released, "fleet", OverrideDocument(8, (replace(DRAIN, reason="fan"),)))
    assert set(layer(other).overrides) == {ONE}


def test_the_end_of_a_drain_stays_while_the_override_stays() -> None:
    ended = end_drain(ACCEPTED, ONE, "all connections have ended")
    assert layer(ended).overrides[ONE].ended == "all connections have ended"
    same = accept(ended, "fleet", replace(DOCUMENT, revision=8))
    assert layer(same).overrides[ONE].ended == "all connections have ended"
    other = accept(ended, "fleet", OverrideDocument(8, (replace(DRAIN, reason="fan"),)))
    assert layer(other).overrides[ONE].ended == ""


def test_an_older_revision_is_refused() -> None:
    older = replace(DOCUMENT, revision=6)
    assert find_refusal(ACCEPTED, "fleet", older, (), ()) == (
        "its revision 6 is older than the accepted one, 7"
    )
    assert find_refusal(ACCEPTED, "fleet", DOCUMENT, (), ()) == ""
    assert find_refusal(ACCEPTED, "other", older, (), ()) == ""
    assert find_refusal(None, "fleet", older, (), ()) == ""


def test_a_weight_that_splits_hash_tables_is_refused() -> None:
    server = a_virtual_server(service=Service("mh"))
    [key] = server.keys
    name = f"{server.name}/192.0.2.45:80"
    weight = OverrideDocument(1, (DocumentOverride(name, "weight", "joe", weight=3),))
    refusal = find_refusal(None, "fleet", weight, [server], [key.address])
    assert refusal.startswith(f"{name}: {server.name} has the scheduler mh on an announced address")
    assert find_refusal(None, "fleet", weight, [server], []) == ""
    drain = OverrideDocument(1, (DocumentOverride(name, "drain", "joe"),))
    assert find_refusal(None, "fleet", drain, [server], [key.address]) == ""


def test_the_description_names_the_source() -> None:
    assert layer(ACCEPTED).overrides[ONE].description == "draining, by joe (source fleet): disk"
