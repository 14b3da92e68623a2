"""Reads the keys of auth_hmac. Each key is in a file of its own.

No message shows a key. A message does not show a wrong path either, because an operator may have
written the key there.
"""

from __future__ import annotations

import os
import stat

from checks.script_runner.permission import find_other_writer, walk
from hadirector.config.keys.credentials import (
    DESCRIPTION,
    CredentialMissingError,
    resolve_file,
)
from hadirector.config.keys.readers import Reader, expectation_error, hidden_expectation_error
from hadirector.storage import IrregularFileError, open_regular_file
from vrrp.model.configuration import Secret
from vrrp.protocol.authentication import KEY_BYTES_MAX, read_key

_FILE_BYTES_MAX = len("hex:") + 2 * KEY_BYTES_MAX + 1


def _read_key_file(value: object) -> Secret:
    """Read the key in the file of this name. Raises the error for a key that is not usable."""
    try:
        file = resolve_file(value)
    except CredentialMissingError as error:
        raise hidden_expectation_error(f"the name of a credential; {error}") from error
    if file is None:
        raise hidden_expectation_error("the absolute path of a key file, or a credential")
    try:
        with open_regular_file(file) as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            content = opened.read(_FILE_BYTES_MAX + 1)
    except (IsADirectoryError, IrregularFileError) as error:
        raise expectation_error("a key file; it is not a regular file") from error
    except OSError as error:
        raise expectation_error(f"a key file; it cannot be read: {error.strerror}") from error
    if mode & stat.S_IRWXO:
        raise expectation_error(
            f"a key file that is closed to others (chmod o=); its mode is {mode:04o}"
        )
    if (fault := _find_other_writer(file)) is not None:
        raise expectation_error(f"a key file that no other user can replace; {fault}")
    if len(content) > _FILE_BYTES_MAX:
        raise expectation_error(f"a key file of at most {_FILE_BYTES_MAX} bytes; it is longer")
    try:
        return read_key(content)
    except ValueError as error:
        raise expectation_error(f"a key file; {error}") from None


def _find_other_writer(file: str) -> str | None:
    trusted = {0, os.geteuid()}
    faults = (find_other_writer(path, status, trusted) for path, status in walk(file))
    return next((fault for fault in faults if fault is not None), None)


KEY_FILE = Reader(_read_key_file, DESCRIPTION)
