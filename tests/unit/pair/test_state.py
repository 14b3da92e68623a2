"""The state that directors of a pair send: its limits, unknown fields, and its lasting content."""

import msgspec
import pytest
from msgspec.structs import replace

from hadirector.pair.state import (
    InstanceState,
    PairState,
    PauseState,
    ReadinessFact,
    RegisterGroup,
    SenderState,
    SharedOverrides,
    StateError,
    VirtualServerState,
    decode,
    encode,
    lasting_content,
)
from vrrp.model.report import State

STATE = PairState(
    pair="edge",
    name="lb2",
    incarnation="a1b2",
    generation=7,
    version="1.2.0",
    clock=1_700_000_000.5,
    instances=(
        InstanceState(
            name="web",
            vrid=51,
            interface="eth0",
            family=4,
            state=State.ACTIVE,
            since_seconds=12.5,
            priority=200,
            address="192.0.2.2",
            sent=412,
            senders=(SenderState("192.0.2.1", 3, 2.5, {"hmac_tag": 4}),),
            counted_for=99.5,
        ),
    ),
    readiness=(ReadinessFact("blind", "critical", 4.0),),
    virtual_servers=(VirtualServerState("web", 2, 3, "aa", "bb", "cc", 9),),
    overrides=SharedOverrides(
        {"lb1": 4, "lb2": 5},
        groups=(
            RegisterGroup(("web/10.0.0.1:80",), 4, "lb1", {"lb1": 3}, "drain", expires_in=60.0),
            RegisterGroup(("web/10.0.0.2:80",), 5, "lb2", {}, "removed", age=3.0),
        ),
    ),
    pause=PauseState("ann", "work", seconds_left=30.0),
)


def test_a_state_survives_its_way() -> None:
    assert decode(encode(STATE)) == STATE


def test_a_later_version_may_have_more_fields_and_an_earlier_one_fewer() -> None:
    later = msgspec.json.decode(encode(STATE)) | {"weather": {"rain": True}}
    later["instances"][0]["colour"] = "blue"
    assert decode(msgspec.json.encode(later)) == STATE
    assert decode(b'{"protocol":{"lowest":1,"highest":3},"name":"lb2"}').name == "lb2"
    assert decode(b"{}") == PairState()


def test_the_versions_are_read_before_anything_else() -> None:
    """The rest may have a form that this version cannot read."""
    with pytest.raises(StateError) as refused:
        decode(b'{"protocol":{"lowest":2,"highest":3},"name":["lb2"]}')
    assert str(refused.value) == (
        "the peer has the versions 2 to 3 of the state, and this director has 1"
    )


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "the state has a fault: Input data was truncated"),
        (b"\xff\xfe", "the state has a fault: "),
        (b"[" * 100_000, "the state has a fault: "),
        (b'{"name":"lb\\u001b[2J"}', "the state has a fault: Expected `str` matching regex"),
        (b'{"name":"lb2\\n"}', "the state has a fault: Expected `str` matching regex"),
        (b'{"name":"' + b"x" * 65 + b'"}', "the state has a fault: Expected `str` of length <= 64"),
        (b'{"clock":1e400}', "the state has a fault: Number out of range"),
        (b'{"clock":NaN}', "the state has a fault: JSON is malformed"),
        (b'{"clock":-1}', "the state has a fault: Expected `float` >= 0"),
        (b'{"generation":1e300}', "the state has a fault: Expected `int`"),
        (b'{"instances":[{"priority":256}]}', "the state has a fault: Expected `int` <= 255"),
        (
            b'{"instances":[' + b",".join([b"{}"] * 256) + b"]}",
            "the state has a fault: Expected `array` of length <= 255",
        ),
        (
            b'{"pause":{"reason":"\\u202egood"}}',
            "the state has a fault: Expected `str` matching regex",
        ),
        (
            b'{"overrides":{"groups":[' + b",".join([b"{}"] * 2000) + b"]}}",
            "the overrides in the state have more than 131072 bytes",
        ),
        (
            b'{"configuration":{"sections":{'
            + b",".join(b'"%0100d":"0"' % number for number in range(1000))
            + b"}}}",
            "the hashes of the configuration in the state have more than 87381 bytes",
        ),
        (b" " * 262_145, "the state has more than 262144 bytes"),
    ],
)
def test_a_hostile_state_is_refused(content: bytes, fault: str) -> None:
    with pytest.raises(StateError) as refused:
        decode(content)
    assert str(refused.value).startswith(fault)


def test_ages_and_counters_are_no_content() -> None:
    instance = replace(
        STATE.instances[0], since_seconds=13.5, sent=413, senders=(), counted_for=100.5
    )
    later = replace(
        STATE,
        generation=8,
        clock=1_700_000_001.5,
        instances=(instance,),
        readiness=(ReadinessFact("blind", "critical", 5.0),),
        virtual_servers=(VirtualServerState("web", 2, 3, "aa", "bb", "cc", 10),),
        overrides=SharedOverrides(
            {"lb1": 4, "lb2": 5},
            groups=(
                RegisterGroup(("web/10.0.0.1:80",), 4, "lb1", {"lb1": 3}, "drain", expires_in=59),
                RegisterGroup(("web/10.0.0.2:80",), 5, "lb2", {}, "removed", age=4.0),
            ),
        ),
        pause=PauseState("ann", "work", seconds_left=29.0),
    )
    assert lasting_content(later) == lasting_content(STATE)


@pytest.mark.parametrize(
    "change",
    [
        {"instances": (InstanceState("web", 51, "eth0", 4, State.BACKUP),)},
        {"readiness": ()},
        {"virtual_servers": (VirtualServerState("web", 1, 3, "ab", "bb", "cc", 9),)},
        {"overrides": None},
        {"overrides": SharedOverrides({"lb1": 4, "lb2": 6})},
        {"pause": None},
        {"incarnation": "c3"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_else_is(change: dict[str, object]) -> None:
    assert lasting_content(replace(STATE, **change)) != lasting_content(STATE)


def test_a_state_at_its_limits_fits() -> None:
    """1000 virtual servers with long names, and 100 orders."""
    servers = tuple(
        VirtualServerState(f"{number:064}", 99, 99, "0" * 8, "0" * 8, "0" * 8, 99)
        for number in range(1000)
    )
    groups = tuple(
        RegisterGroup((f"{n:060}",), 1, "lb1", {}, "drain", "ann", reason="x" * 100)
        for n in range(100)
    )
    state = replace(STATE, virtual_servers=servers, overrides=SharedOverrides(groups=groups))
    assert decode(encode(state)) == state
