"""The role of a user on the Unix socket, and its proof by the kernel."""

from __future__ import annotations

import os
import socket

import pytest

from hadirector.api.actor import (
    Accounts,
    Actor,
    Peer,
    Role,
    decide_role,
    prove_actor,
    read_peer,
)
from hadirector.model.configuration import ApiRoles

NO_GROUPS = ApiRoles()
GROUPS = ApiRoles(read=("adm",), operate=("lb-ops",), admin=("lb-admins",))


@pytest.mark.parametrize(
    ("user", "groups", "roles", "role"),
    [
        (0, [], GROUPS, Role.ADMIN),
        (990, [], GROUPS, Role.ADMIN),
        (1000, [], NO_GROUPS, Role.ADMIN),
        (1000, [], GROUPS, Role.READ),
        (1000, ["adm"], GROUPS, Role.READ),
        (1000, ["users", "lb-ops"], GROUPS, Role.OPERATE),
        (1000, ["adm", "lb-ops"], GROUPS, Role.OPERATE),
        (1000, ["lb-ops", "lb-admins"], GROUPS, Role.ADMIN),
    ],
)
def test_the_role_is_the_highest_of_the_groups(
    user: int, groups: list[str], roles: ApiRoles, role: Role
) -> None:
    assert decide_role(user, groups, roles, owner=990) is role


def test_each_role_includes_the_roles_before_it() -> None:
    assert Role.ADMIN.includes(Role.READ)
    assert Role.OPERATE.includes(Role.OPERATE)
    assert not Role.READ.includes(Role.OPERATE)
    assert not Role.OPERATE.includes(Role.ADMIN)


def test_the_kernel_names_the_peer_of_a_socket() -> None:
    first, second = socket.socketpair()
    with first, second:
        peer = read_peer(first)
    assert peer.pid == os.getpid()
    assert peer.user == os.geteuid()
    assert peer.groups >= {os.getegid(), *os.getgroups()}


async def test_an_actor_has_the_proven_name_and_the_claim() -> None:
    actor = await prove_actor(
        Peer(7, 0, frozenset({0})), GROUPS, Accounts(), claimed="sudo:ann", request_id="a1"
    )
    assert actor == Actor("unix:root", Role.ADMIN, "pid 7", "a1", "sudo:ann")


async def test_a_user_without_a_name_has_a_number() -> None:
    actor = await prove_actor(
        Peer(7, 4_000_000, frozenset({4_000_001})), GROUPS, Accounts(), claimed="", request_id=""
    )
    assert (actor.name, actor.role) == ("unix:uid 4000000", Role.READ)
