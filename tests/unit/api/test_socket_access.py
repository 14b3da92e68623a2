"""Groups of the host may open the socket, and the kernel holds all other users off."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from hadirector.api.actor import Role, decide_role
from hadirector.api.socket_access import ATTRIBUTE, admit_groups, encode_access
from hadirector.model.configuration import ApiRoles
from tests.unit.api.served import serve
from tests.waiting import eventually_async


def test_the_list_has_the_form_of_the_kernel() -> None:
    """include/uapi/linux/posix_acl_xattr.h: the version, and entries in the order of their tags."""
    assert encode_access([1000, 4]) == bytes.fromhex(
        "02000000"
        "01000600ffffffff"
        "04000600ffffffff"
        "0800060004000000"
        "08000600e8030000"
        "10000600ffffffff"
        "20000000ffffffff"
    )


@pytest.mark.netns
@pytest.mark.parametrize(("group", "admitted"), [(4, True), (65533, False)])
def test_only_the_users_of_the_groups_can_connect(
    tmp_path: Path, group: int, admitted: bool
) -> None:
    """Group 4 is adm in Debian."""
    path = tmp_path / "api.sock"
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_mode & 0o005 != 0o005:
            directory.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o660)
        listener.listen()
        admit_groups(path, ["adm"])
        child = os.fork()
        if not child:
            os.setgroups([group])
            os.setgid(65534)
            os.setuid(65534)
            with socket.socket(socket.AF_UNIX) as client:
                os._exit(0 if client.connect_ex(str(path)) == 0 else 1)
        _, status = os.waitpid(child, 0)
    assert (os.waitstatus_to_exitcode(status) == 0) is admitted


def test_a_group_that_this_host_does_not_have_is_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file"
    path.touch()
    admit_groups(path, ["no-such-group"])
    written = capsys.readouterr()
    assert "api_group_unknown" in written.out + written.err


@pytest.mark.netns
async def test_other_roles_change_the_access_to_the_socket_at_once(tmp_path: Path) -> None:
    """As a reload does. The groups 4 and 8 are adm and mail in Debian."""
    async with serve(tmp_path, roles=ApiRoles(read=("adm",))) as served:
        assert os.getxattr(served.path, ATTRIBUTE) == encode_access([4])
        parts = served.director._parts
        parts.change_roles(ApiRoles(read=("adm",), operate=("mail",)))
        await eventually_async(
            lambda: os.getxattr(served.path, ATTRIBUTE), 5, expected=encode_access([4, 8])
        )


def test_the_configured_groups_decide_the_role() -> None:
    roles = ApiRoles(operate=("lb-ops",), read=("adm",))
    assert roles.names == ("lb-ops", "adm")
    assert decide_role(1000, ["lb-ops"], roles, owner=0) is Role.OPERATE
