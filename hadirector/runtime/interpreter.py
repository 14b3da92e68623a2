"""The command line with which our own child processes start the Python interpreter."""

from __future__ import annotations

import sys
from typing import Final

PYTHON_MODULE: Final = (sys.executable, "-I", "-m")
"""Command that runs one of our modules, by its name.

Without ``-I`` Python would import modules from the current directory and from PYTHONPATH. A
director that root starts in a directory such as /tmp would run the code of other users.
"""
