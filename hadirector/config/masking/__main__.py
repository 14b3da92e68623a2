"""The short-lived process that masks a text: 32 bytes of a key, then the text, on standard input.

The labels are made with the key, so that nobody can guess a secret from its label.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys

from hadirector.config.masking import KEY_BYTES, MaskingError
from hadirector.config.masking.mask import mask_secrets
from hadirector.config.subprocess.limits import limit_this_process

NICENESS = 10
LABEL_DIGITS = 8


def main() -> int:
    """Write the masked text; return 1 with the reason on standard output if that is impossible."""
    os.nice(NICENESS)
    limit_this_process()
    key = sys.stdin.buffer.read(KEY_BYTES)

    def label(secret: str) -> str:
        digest = hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()
        return f"<secret {digest[:LABEL_DIGITS]}>"

    try:
        masked = mask_secrets(sys.stdin.buffer.read(), label)
    except MaskingError as error:
        sys.stdout.write(str(error))
        return 1
    sys.stdout.buffer.write(masked.encode())
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
