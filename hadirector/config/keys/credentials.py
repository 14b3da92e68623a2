"""Readers of files with keys and certificates, which may be credentials of systemd.

A name without a slash is a file in $CREDENTIALS_DIRECTORY, which systemd sets for a unit with
`LoadCredential=` (systemd.exec(5)). A command that an administrator runs does not have this
variable. It looks in the directory of the running unit.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Annotated, Final

from hadirector.config.keys.readers import Reader, expectation_error

VARIABLE: Final = "CREDENTIALS_DIRECTORY"
UNIT_DIRECTORY: Final = "/run/credentials/hadirector.service"
WHAT: Final = "the absolute path of a file, or the name of a credential"
DESCRIPTION: Final = "absolute path, or the name of a credential"

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,254}", re.ASCII)
_PATH: Final = re.compile(r"/[\x20-\x7e]{1,1023}")


class CredentialMissingError(Exception):
    """No directory has a credential of this name. The message has the places, not the name."""


def resolve_file(value: object, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the path of a file, or None if the value is neither a path nor a name.

    Raises CredentialMissingError.
    """
    if isinstance(value, str) and _PATH.fullmatch(value):
        return value
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        return None
    directory = environment.get(VARIABLE)
    found = os.path.join(directory or UNIT_DIRECTORY, value)
    if os.path.exists(found):  # unlike Path.exists, also if the directory is closed to this user
        return found
    if directory:
        raise CredentialMissingError(f"there is no such file in {directory} (${VARIABLE})")
    raise CredentialMissingError(
        f"${VARIABLE} is not set, and there is no such file in {UNIT_DIRECTORY}"
    )


def _read_file(value: object) -> str:
    try:
        found = resolve_file(value)
    except CredentialMissingError as error:
        raise expectation_error(f"{WHAT}; {error}") from error
    if found is None:
        raise expectation_error(WHAT)
    return found


CREDENTIAL_FILE: Final = Reader(_read_file, DESCRIPTION)
CredentialFile = Annotated[str, CREDENTIAL_FILE]
