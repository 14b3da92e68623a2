"""The types of names and texts that several sections use."""

from __future__ import annotations

from typing import Annotated

from hadirector.config.keys.readers import duration, integer, text

# Commands take VIRTUAL_SERVER/REAL_SERVER, so a name has no blank and no slash.
Name = Annotated[
    str,
    text(r"[A-Za-z0-9_.:@\[\]-]{1,64}", "a name of letters, digits and _.:@[]-", "name"),
]
# The rules of the kernel: net/core/dev.c, dev_valid_name.
InterfaceName = Annotated[
    str,
    text(
        r"(?!\.{1,2}\Z)[^\s/:\x00-\x1f\x7f-\U0010ffff]{1,15}",
        "an interface name of 1 to 15 characters",
        "interface name",
    ),
]
FilePath = Annotated[
    str, text(r"/[\x20-\x7e]{1,1023}", "the absolute path of a file", "absolute path")
]
Program = Annotated[
    str,
    text(
        r"/[\x20-\x7e]{1,1023}|(?![.-])[A-Za-z0-9_.+@-]{1,255}",
        "the absolute path of a program, or the name of a program on PATH",
        "absolute path, or a name without a slash",
    ),
]
ShellText = Annotated[
    str,
    text(
        r"(?=(?s:.)*\S)[^\x00-\x08\x0b-\x1f\x7f]{1,4096}",
        "a text for /bin/sh of at most 4096 characters",
        "text",
    ),
]
UserName = Annotated[
    str, text(r"[a-z_][a-z0-9_-]{0,31}", "the name of a user of this host", "user name")
]
GroupName = Annotated[
    str, text(r"[a-z_][a-z0-9_-]{0,31}", "the name of a group of this host", "group name")
]
Argument = Annotated[
    str, text(r"[^\x00-\x1f\x7f]{0,1023}", "an argument without control characters", "text")
]
Count = Annotated[int, integer(1, 100)]
ProbeDuration = Annotated[float, duration("10ms", "1h")]
