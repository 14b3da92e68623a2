"""What would happen if the active director died now."""

from __future__ import annotations

from msgspec.structs import replace

from hadirector.host.status import SyncDaemonStatus
from hadirector.status.takeover import PoolReserve, Successor, Takeover, predict_takeover
from vrrp.model.report import InstanceStatus, State

BACKUP = InstanceStatus(
    "web",
    State.BACKUP,
    100,
    51,
    "eth0",
    ("192.0.2.22/32",),
    False,
    False,
    "192.0.2.1",
    3.609375,
    {},
)
RECEIVES = SyncDaemonStatus(("backup on eth1, id 51, 224.0.0.81:8848",), ())
SENDS = SyncDaemonStatus(("master on eth1, id 51, 224.0.0.81:8848",), ())
POOL = PoolReserve("web", 2, 3)
CUT = "established connections are cut: no sync daemon receives connections on this host"


def predict(
    instance: InstanceStatus,
    sync: SyncDaemonStatus = RECEIVES,
    *,
    unfit: tuple[str, ...] = (),
    syncable: bool = True,
) -> Takeover:
    return predict_takeover(instance, unfit, sync, syncable=syncable, pools=(POOL,))


def test_a_backup_takes_over_within_its_active_down_interval() -> None:
    assert predict(BACKUP) == Takeover(
        True,
        3.609375,
        "this director would be ACTIVE within 3.61 s",
        "established connections continue (sync daemon backup on eth1, id 51, 224.0.0.81:8848)",
        (POOL,),
    )


def test_connections_are_cut_unless_a_thread_receives_them() -> None:
    assert predict(BACKUP, SENDS).connections == CUT
    assert predict(BACKUP, SyncDaemonStatus((), ())).connections == CUT
    assert predict(BACKUP, syncable=False).connections == (
        "established connections are cut: the sync daemon cannot carry them"
    )


def test_an_instance_in_fault_does_not_take_over() -> None:
    faulty = replace(BACKUP, state=State.INITIALIZE, fault="link_down")
    assert predict(faulty) == Takeover(False, None, "this director would not take over: link_down")


def test_a_director_that_is_not_fit_gives_way() -> None:
    assert predict(BACKUP, unfit=("no table",)).reason == (
        "this director would be ACTIVE within 3.61 s, but it is not fit to serve, and any other"
        " router takes precedence"
    )


def test_the_active_director_cannot_know_its_successor() -> None:
    found = predict(replace(BACKUP, state=State.ACTIVE))
    assert (found.takes_over, found.within, found.pools) == (None, None, ())
    assert "`hadirector why instance web`" in found.reason


def test_the_successor_of_an_active_director_is_known_over_the_pair_link() -> None:
    successor = Successor(
        name="lb2",
        priority=100,
        age=0.4,
        unready=("it is blind",),
        pools=(PoolReserve("web", 2, 3), PoolReserve("mail", 1, 1)),
        sync=SyncDaemonStatus(("backup on lb2, id 7",), ()),
    )
    found = predict_takeover(
        replace(BACKUP, state=State.ACTIVE),
        (),
        SyncDaemonStatus((), ()),
        syncable=True,
        pools=[PoolReserve("web", 3, 3)],
        successor=successor,
    )
    assert found.reason == ("lb2 would take over (priority 100, not ready: it is blind; 0.4 s ago)")
    assert found.takes_over is None
    assert found.pools == (PoolReserve("web", 2, 3),)
    assert found.connections == "established connections continue (sync daemon backup on lb2, id 7)"
