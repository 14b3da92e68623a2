"""Make, list and revoke the tokens of the clients of the web process."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import secrets
import stat
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from hadirector.model.web import ROLES
from hadirector.web.tokens import (
    NAME,
    PATTERN,
    PREFIX,
    RANDOM_BYTES,
    TOKENS_MAX,
    Token,
    digest_of,
    format_time,
    format_tokens,
    parse_tokens,
)

DEFAULT_FILE: Final = "/etc/hadirector/tokens"
_LIFETIME: Final = re.compile(r"([1-9][0-9]{0,4})([hd])", re.ASCII)


class TokensFileError(Exception):
    """The file cannot be changed. The message is the reason."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make a token and print it: it is shown only this time")
    add.add_argument("name", type=_name, metavar="NAME", help="the name of the client")
    add.add_argument("--role", required=True, choices=ROLES, help="what the client may do")
    add.add_argument(
        "--only",
        type=_pattern,
        metavar="PATTERN",
        help="limit changes to these objects, such as 'web/*' (default: all objects)",
    )
    add.add_argument(
        "--expires",
        type=_lifetime,
        metavar="TIME",
        help="how long the token is valid, such as 12h or 90d (default: until it is revoked)",
    )
    listing = actions.add_parser(
        "list", help="list the names, roles and expiry times of the tokens"
    )
    revoke = actions.add_parser("revoke", help="remove a token; it is refused from now on")
    revoke.add_argument("name", metavar="NAME", help="the name of the client")
    for action in (add, listing, revoke):
        action.add_argument(
            "--file",
            type=Path,
            default=Path(DEFAULT_FILE),
            metavar="FILE",
            help=f"api.tokens_file of the configuration (default: {DEFAULT_FILE})",
        )
        action.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run the action. Return 1 if the file cannot be changed, or has no such token."""
    try:
        match arguments.action:
            case "add":
                _add(arguments)
            case "list":
                _list(arguments.file, as_json=arguments.json)
            case "revoke":
                _revoke(arguments.file, arguments.name, as_json=arguments.json)
    except TokensFileError as error:
        print(f"hadirector: {error}", file=sys.stderr)
        return 1
    return 0


def _add(arguments: argparse.Namespace) -> None:
    tokens = _read(arguments.file, missing_ok=True)
    if any(token.name == arguments.name for token in tokens):
        raise TokensFileError(
            f"{arguments.file} has a token {arguments.name} already (revoke it first)"
        )
    if len(tokens) >= TOKENS_MAX:
        raise TokensFileError(f"{arguments.file} has {TOKENS_MAX} tokens already")
    secret = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    expires = None
    if arguments.expires is not None:
        expires = datetime.now(UTC).replace(microsecond=0) + arguments.expires
    added = Token(arguments.name, arguments.role, digest_of(secret), expires, arguments.only)
    _write(arguments.file, [*tokens, added])
    if arguments.json:
        _print_json({**_facts(added), "token": secret})
        return
    print(secret)
    print(f"{_describe(added)}; the token is not shown again", file=sys.stderr)


def _list(file: Path, *, as_json: bool) -> None:
    tokens = _read(file)
    if as_json:
        _print_json({"tokens": [_facts(token) for token in tokens]})
        return
    for token in tokens:
        print(_describe(token))


def _revoke(file: Path, name: str, *, as_json: bool) -> None:
    tokens = _read(file)
    left = [token for token in tokens if token.name != name]
    if len(left) == len(tokens):
        names = ", ".join(token.name for token in tokens) or "none"
        raise TokensFileError(f"{file} has no token {name} (there are: {names})")
    _write(file, left)
    if as_json:
        _print_json({"revoked": name})
    else:
        print(f"{name}: revoked")


def _print_json(content: Mapping[str, object]) -> None:
    print(msgspec.json.encode(content).decode())


def _facts(token: Token) -> dict[str, object]:
    """Return the content of a token for programs, without its digest."""
    return {
        "name": token.name,
        "role": token.role,
        "only": token.only,
        "expires_at": None if token.expires is None else format_time(token.expires),
        "valid": token.is_valid(datetime.now(UTC)),
    }


def _describe(token: Token) -> str:
    now = datetime.now(UTC)
    expires = "" if token.expires is None else f", until {format_time(token.expires)}"
    expired = "" if token.is_valid(now) else " (expired)"
    only = "" if token.only is None else f", only {token.only}"
    return f"{token.name}: {token.role}{only}{expires}{expired}"


def _read(file: Path, *, missing_ok: bool = False) -> tuple[Token, ...]:
    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        if missing_ok:
            return ()
        raise TokensFileError(f"{file}: {error.strerror}") from error
    except OSError as error:
        raise TokensFileError(f"{file}: {error.strerror}") from error
    found = parse_tokens(content)
    if found.faults:
        raise TokensFileError(f"{file}: {found.faults[0]} (correct the file first)")
    return found.tokens


def _write(file: Path, tokens: Sequence[Token]) -> None:
    """Replace the file atomically. Its owner stays; other users can never read it."""
    unfinished = file.with_name(f"{file.name}.new")
    try:
        unfinished.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(unfinished, flags, 0o600), "wb") as opened:
            with contextlib.suppress(FileNotFoundError):
                status = file.stat()
                os.fchown(opened.fileno(), status.st_uid, status.st_gid)
                os.fchmod(opened.fileno(), stat.S_IMODE(status.st_mode) & 0o660)
            opened.write(format_tokens(tokens))
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(unfinished, file)
    except OSError as error:
        raise TokensFileError(f"{file}: {error.strerror}") from error


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("expected 1 to 64 letters, digits and _.@-")
    return text


def _pattern(text: str) -> str:
    if not PATTERN.fullmatch(text):
        raise argparse.ArgumentTypeError("expected a pattern of names, such as web or 'web/*'")
    return text


def _lifetime(text: str) -> timedelta:
    found = _LIFETIME.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError("expected a time such as 12h or 90d")
    number, unit = int(found[1]), found[2]
    return timedelta(hours=number) if unit == "h" else timedelta(days=number)
