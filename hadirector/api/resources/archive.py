"""The configurations that a director has run with: apply, confirm, roll back, and the archive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from hadirector.api.preconditions import read_tags
from hadirector.api.problems import Code, ProblemError, unknown_object
from hadirector.api.route import Call, Nothing, Reply
from hadirector.api.scope import require_whole_director
from hadirector.director.configurations.apply import Applied, Order, Seconds
from hadirector.overrides.model import Line
from hadirector.status.configurations import (
    ConfigurationInUse,
    ConfigurationList,
    ConfigurationText,
)

NUMBER_DIGITS_MAX: Final = 9


class CheckQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of a check. ``file`` is the name of the text in its faults."""

    file: str = "the file"


class ApplyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of an application. Without ``confirm_within``, it needs no confirmation."""

    confirm_within: Seconds | None = None
    reason: Line = ""


class RollbackBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a rollback. Without a number, the pending configuration is undone at once."""

    number: Annotated[int, msgspec.Meta(ge=1)] | None = None
    reason: Line = ""
    confirm_within: Seconds | None = None


class Checked(msgspec.Struct, frozen=True):
    """A text without a fault: the changes of its application, in one line."""

    changed: str


class Confirmed(msgspec.Struct, frozen=True):
    """The number of the configuration that stays."""

    confirmed: int


async def read_configuration(call: Call[Nothing, Nothing]) -> Reply[ConfigurationInUse]:
    """Answer with the configuration in use. Its ETag is its hash."""
    found = await call.context.director.applications.describe()
    tag = {} if found.running is None else {"ETag": f'"{found.running.sha256}"'}
    return Reply(found, headers=tag)


async def check(call: Call[CheckQuery, bytes]) -> Reply[Checked]:
    """Check a text as an application does. Change nothing."""
    async with call.context.previewing:
        reconfiguration = call.context.director.reconfiguration
        configuration = await reconfiguration.read(call.query.file, call.body)
        return Reply(Checked(await reconfiguration.check(configuration)))


async def apply(call: Call[ApplyQuery, bytes]) -> Reply[Applied]:
    """Apply the text in the body if the configuration with the hash in If-Match runs."""
    require_whole_director(call.actor)
    query = call.query
    order = _order(call.actor.name, query.reason, query.confirm_within)
    expected = expected_hash(call.request.headers)
    applied = await call.context.director.applications.apply(call.body, order, expected)
    return Reply(applied, headers={"ETag": f'"{applied.sha256}"'})


async def confirm(call: Call[Nothing, Nothing]) -> Reply[Confirmed]:
    """Keep the configuration that waits for its confirmation."""
    require_whole_director(call.actor)
    applications = call.context.director.applications
    return Reply(Confirmed(await applications.confirm(call.actor.name)))


async def roll_back(call: Call[Nothing, RollbackBody]) -> Reply[Applied]:
    """Undo the pending configuration, or apply a configuration of the archive again."""
    require_whole_director(call.actor)
    applications, body, actor = call.context.director.applications, call.body, call.actor.name
    if body.number is None:
        return Reply(await applications.undo(actor, body.reason))
    order = _order(actor, body.reason, body.confirm_within)
    return Reply(await applications.roll_back(body.number, order))


async def read_archive(call: Call[Nothing, Nothing]) -> Reply[ConfigurationList]:
    """Answer with the list of the archived configurations."""
    return Reply(call.context.director.applications.describe_archive())


async def read_text(call: Call[Nothing, Nothing]) -> Reply[ConfigurationText]:
    """Answer with an archived configuration, without its secrets."""
    applications, name = call.context.director.applications, call.names["number"]
    known = applications.describe_archive().configurations
    if not name.isascii() or not name.isdigit() or len(name) > NUMBER_DIGITS_MAX:
        raise unknown_object("configuration", name, [str(each.number) for each in known])
    found = next((each for each in known if each.number == int(name)), None)
    if found is None:
        raise unknown_object("configuration", name, [str(each.number) for each in known])
    return Reply(ConfigurationText(found, await applications.mask_text(found.number)))


def expected_hash(headers: Mapping[str, str]) -> str:
    """Return the hash in If-Match. Raises ProblemError without exactly one tag."""
    value = headers.get("If-Match")
    if value is None:
        raise ProblemError(
            Code.PRECONDITION_REQUIRED, "If-Match is missing (expected the ETag of /v1/config)"
        )
    tags = read_tags(value)
    if len(tags) != 1:
        raise ProblemError(Code.STALE, "If-Match has no ETag (expected an ETag in double quotes)")
    return next(iter(tags))


def _order(actor: str, reason: str, confirm_within: float | None) -> Order:
    try:
        return Order(actor=actor, reason=reason, confirm_within=confirm_within)
    except ValueError as error:
        raise ProblemError(Code.MALFORMED, str(error)) from error
