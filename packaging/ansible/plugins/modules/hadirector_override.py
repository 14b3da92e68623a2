"""Sets and removes overrides of real servers, and waits for their effect: a module of Ansible.

hadirector_override.yml describes its options and its answer.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import quote

from ansible.module_utils.basic import AnsibleModule

# Ansible and mypy find a file of the collection by a relative import.
from ..module_utils.api import ApiError, Director  # noqa: TID252

ACTIONS: Final = {"drained": "drain", "disabled": "disable", "weight": "weight"}
"""The action of the override that leads to each state."""
COMPARED: Final = ("weight", "reason", "ticket", "keep_clients")
TIMES: Final = {"expires_in": "expires_at", "deadline_in": "deadline_at"}
"""Options that are times from now, and the fields of an override with their moments."""
PAUSE_SECONDS: Final = 0.5
NAMES_MAX: Final = 10

Override = Mapping[str, Any]
Patterns = Mapping[str, str] | None


def route_of(virtual_server: str, real_server: str) -> str:
    """Return the route of a real server."""
    return f"/v1/virtual-servers/{quote(virtual_server, '')}/real-servers/{quote(real_server, '')}"


def route_of_name(name: str) -> str:
    """Return the route of a real server with a full name, such as web/192.0.2.45:80."""
    virtual_server, _, real_server = name.partition("/")
    return route_of(virtual_server, real_server)


def select_names(director: Director, virtual_server: str, real_server: str) -> list[str]:
    """Return the full names of the selected real servers, at least one. Raises ApiError.

    ``*`` stands for any text. An address without a port selects every port.
    """
    if "*" not in virtual_server + real_server:
        found = director.request("GET", route_of(virtual_server, real_server))
        return [f"{virtual_server}/{found['address']}"]
    status = director.request("GET", "/v1/status")
    names = [
        (server["name"], member["address"])
        for server in status["virtual_servers"]
        for member in server["real_servers"]
    ]
    selected = [
        f"{server}/{member}"
        for server, member in names
        if _matches(server, virtual_server)
        and (_matches(member, real_server) or _matches(address_of(member), real_server))
    ]
    if not selected:
        raise ApiError(_unknown(f"{virtual_server}/{real_server}", [f"{s}/{m}" for s, m in names]))
    return selected


def address_of(name: str) -> str:
    """Return the address in the name of a real server: 192.0.2.45:80, [fd00::45]:80, fd00::45."""
    if name.startswith("["):
        return name[1:].partition("]")[0]
    address, _, port = name.rpartition(":")
    return address if address and port.isdecimal() and ":" not in address else name


def _matches(text: str, pattern: str) -> bool:
    # The brackets of an IPv6 address are not a set of characters.
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def _unknown(pattern: str, names: list[str]) -> str:
    listed = ", ".join(names[:NAMES_MAX]) + (", ..." if len(names) > NAMES_MAX else "")
    close = get_close_matches(pattern, names, 1)
    suggestion = f"; did you mean {close[0]}?" if close else ""
    return f"no real server {pattern} (there are: {listed or 'none'}){suggestion}"


def read_overrides(director: Director) -> dict[str, Override]:
    """Return all overrides by the full names of their real servers. Raises ApiError."""
    found: dict[str, Override] = {}
    after: str | None = ""
    while after is not None:
        page = director.request("GET", f"/v1/overrides?after={quote(after, '')}")
        found.update((override["name"], override) for override in page["overrides"])
        after = page.get("next")
    return found


def satisfies(override: Override | None, wanted: Mapping[str, Any]) -> bool:
    """Return whether a real server needs no new override.

    A disabled real server satisfies a drain: it is out of the table, and the operator who has
    disabled it decides when it returns. Options that are not given are not compared, and a time is
    only compared with the absence of a time.
    """
    if override is None:
        return False
    if wanted["action"] == "drain" and override["action"] == "disable":
        return True
    return override["action"] == wanted["action"] and all(
        override[key] == value if key in COMPARED else override[TIMES[key]] is not None
        for key, value in wanted.items()
        if key != "action"
    )


def set_overrides(
    director: Director, changing: Collection[str], wanted: Mapping[str, Any], patterns: Patterns
) -> None:
    """Set an override for each real server. Raises ApiError.

    With patterns, the director sets the overrides of all selected real servers together, or none.
    """
    if patterns is not None:
        director.request("POST", "/v1/overrides", {**patterns, **wanted})
        return
    for name in changing:
        director.request("PUT", f"{route_of_name(name)}/override", wanted)


def remove_overrides(
    director: Director, changing: Collection[str], reason: str, patterns: Patterns
) -> None:
    """Remove the override of each real server, or with patterns all together. Raises ApiError."""
    if patterns is not None:
        director.request("POST", "/v1/overrides/remove", {**patterns, "reason": reason})
        return
    for name in changing:
        director.request("DELETE", f"{route_of_name(name)}/override", {"reason": reason})


def look_at_drains(director: Director, names: Collection[str]) -> str | None:
    """Return which real server is still in the table; None if all of them are out of it.

    Raises ApiError, with the status 409 if an operator has ended a drain.
    """
    overrides = read_overrides(director)
    for name in names:
        override = overrides.get(name)
        if override is None or override["state"] == "weight":
            raise ApiError(f"{name}: the drain was ended by an operator", http.client.CONFLICT)
        if override["state"] == "draining":
            return f"{name} is not drained: {_count(override['connections'])}; the drain goes on"
    return None


def look_at_service(director: Director, names: Collection[str]) -> str | None:
    """Return which real server gets no connections; None if all of them do. Raises ApiError."""
    for name in names:
        member = director.request("GET", route_of_name(name))
        if member["verdict"] != "passing":
            return f"{name} is {member['verdict']}: {member['reason']}"
        if member["configured_weight"] and not member["actual_weight"]:
            reason = member["weight_reason"] or "the table is not written yet"
            return f"{name} passes, but gets no connections: {reason}"
    return None


def _count(connections: int | None) -> str:
    if connections is None:
        return "the number of connections is not known"
    return f"{connections} connection{' is' if connections == 1 else 's are'} left"


def wait(look: Callable[[], str | None], seconds: float) -> str | None:
    """Look again until nothing is missing; return the missing part after ``seconds``.

    A director that does not answer is waited for. Raises ApiError if it refuses the request.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            missing = look()
        except ApiError as error:
            if error.status is not None and error.status < http.client.INTERNAL_SERVER_ERROR:
                raise
            missing = str(error)
        left = end - time.monotonic()
        if missing is None or left <= 0:
            return missing
        time.sleep(min(PAUSE_SECONDS, left))


def plan(
    names: Collection[str], overrides: Mapping[str, Override], parameters: Mapping[str, Any]
) -> tuple[list[str], dict[str, Any]]:
    """Return the names of the real servers that need a change, and the wanted override.

    Without a wanted override, their overrides are removed.
    """
    if parameters["state"] == "absent":
        actions = ACTIONS.values() if parameters["action"] is None else (parameters["action"],)
        found = [name for name in names if name in overrides]
        return [name for name in found if overrides[name]["action"] in actions], {}
    options = (*COMPARED, *TIMES)
    wanted = {key: parameters[key] for key in options if parameters[key] is not None}
    wanted["action"] = ACTIONS[parameters["state"]]
    return [name for name in names if not satisfies(overrides.get(name), wanted)], wanted


def select_members(
    director: Director, parameters: Mapping[str, Any], overrides: Mapping[str, Override]
) -> list[str]:
    """Return the full names of the selected real servers. Raises ApiError.

    An override whose real server is no longer configured can be removed too.
    """
    virtual_server, real_server = parameters["virtual_server"], parameters["real_server"]
    name = f"{virtual_server}/{real_server}"
    if parameters["state"] == "absent" and name in overrides:
        return [name]
    return select_names(director, virtual_server, real_server)


def find_missing(
    director: Director, names: Collection[str], parameters: Mapping[str, Any]
) -> str | None:
    """Wait until the state is reached, and return the missing part. Raises ApiError."""
    seconds = parameters["timeout"]
    if parameters["state"] == "drained":
        return wait(lambda: look_at_drains(director, names), seconds)
    if parameters["state"] == "absent":
        present = read_overrides(director)
        configured = [name for name in names if name not in present]
        return wait(lambda: look_at_service(director, configured), seconds)
    return None


def describe(names: Collection[str], overrides: Mapping[str, Override]) -> dict[str, Any]:
    """Return the part of the overrides that a difference shows."""
    keys = ("action", *COMPARED)
    return {
        name: {key: overrides[name][key] for key in keys if overrides[name].get(key)}
        for name in names
        if name in overrides
    }


def perform(director: Director, module: AnsibleModule) -> dict[str, Any]:
    """Bring the overrides into the wanted state, wait, and return the result.

    In a result with ``failed``, the state is not reached in time. Raises ApiError.
    """
    parameters = module.params
    before = read_overrides(director)
    names = select_members(director, parameters, before)
    changing, wanted = plan(names, before, parameters)
    after = {name: override for name, override in before.items() if name not in changing}
    after.update(dict.fromkeys(changing, wanted) if wanted else {})
    result: dict[str, Any] = {"changed": bool(changing), "real_servers": names}
    result["diff"] = {"before": describe(names, before), "after": describe(names, after)}
    if module.check_mode:
        return result
    several = len(changing) == len(names) > 1
    patterns = {key: parameters[key] for key in ("virtual_server", "real_server")}
    if wanted:
        set_overrides(director, changing, wanted, patterns if several else None)
    else:
        reason = parameters["reason"] or ""
        remove_overrides(director, changing, reason, patterns if several else None)
    missing = find_missing(director, names, parameters) if parameters["wait"] else None
    overrides = read_overrides(director)
    result["overrides"] = [overrides[name] for name in names if name in overrides]
    if missing is not None:
        result.update(failed=True, msg=f"{missing} (after {parameters['timeout']:g} s)")
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "virtual_server": {"type": "str", "default": "*"},
            "real_server": {"type": "str", "required": True},
            "state": {"choices": [*ACTIONS, "absent"], "required": True},
            "action": {"choices": [*ACTIONS.values()]},
            "weight": {"type": "int"},
            "reason": {"type": "str"},
            "ticket": {"type": "str"},
            "expires_in": {"type": "float"},
            "deadline_in": {"type": "float"},
            "keep_clients": {"type": "bool"},
            "wait": {"type": "bool", "default": True},
            "timeout": {"type": "float", "default": 300.0},
            "socket": {"type": "path", "default": "/run/hadirector/api.sock"},
            "api": {"type": "str"},
            "token": {"type": "str", "no_log": True},
            "ca_file": {"type": "path"},
        },
        required_if=[("state", "weight", ["weight"])],
        supports_check_mode=True,
    )
    parameters = module.params
    director = Director(*(parameters[key] for key in ("socket", "api", "token", "ca_file")))
    try:
        result = perform(director, module)
    except ApiError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
