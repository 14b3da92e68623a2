"""Replaces the secrets in a configuration by labels. Pure.

Everything else of the text stays: the order, the comments and the line numbers before a secret. A
text whose secrets cannot be found with certainty is not shown at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import yaml

from hadirector.config.document.errors import ConfigError
from hadirector.config.document.secrets import SECRET_KEYS
from hadirector.config.document.syntax import decode
from hadirector.config.keepalived.recognition import is_keepalived
from hadirector.config.masking import MaskingError

Label = Callable[[str], str]
"""Returns the label of a secret. Equal secrets have equal labels."""

_KEEPALIVED_KEYS: Final = ("auth_pass", "password")
_KEEPALIVED_SECRET: Final = re.compile(
    rf"(?P<before>(?:^|[\s{{;#!])(?:{'|'.join(_KEEPALIVED_KEYS)})[ \t]+)"
    r"(?P<secret>[^\s}][^\n}]*)",
    re.MULTILINE,
)
_DEFINITION: Final = re.compile(r"^(?P<before>[ \t]*\$\w+=)(?P<secret>.+)$", re.MULTILINE)
_COMMENTED_SECRET: Final = re.compile(
    rf"(?P<before>#.*?\b(?:{'|'.join(sorted(SECRET_KEYS))})[ \t]*:[ \t]*)(?P<secret>\S.*)$",
    re.MULTILINE,
)
_USER_OF_URL: Final = re.compile(r"(?P<before>//)(?P<secret>[^\s/\"]+)(?=@)")
"""The user name and the password in a URL (RFC 3986, section 3.2.1), up to the last "@"."""


class _Region(NamedTuple):
    start: int
    end: int


def mask_secrets(data: bytes, label: Label) -> str:
    """Return a YAML file or a keepalived.conf without its secrets. Raises MaskingError."""
    try:
        text = decode(data, "")
    except ConfigError as error:
        raise MaskingError("the text is not UTF-8") from error
    return _mask_keepalived_conf(text, label) if is_keepalived(data) else _mask_yaml(text, label)


def _mask_yaml(text: str, label: Label) -> str:
    try:
        regions = list(_secret_regions(text))
    except yaml.YAMLError as error:
        raise MaskingError("the text is not YAML") from error
    pieces, at = [], 0
    for region in regions:
        secret = text[region.start : region.end].rstrip("\n")
        pieces += [_mask_others(text[at : region.start], label), label(secret)]
        at = region.start + len(secret)
    return "".join([*pieces, _mask_others(text[at:], label)])


def _secret_regions(text: str) -> Iterator[_Region]:
    """Yield the values of secret keys, from the beginning to the end of the text.

    Raises YAMLError and MaskingError.
    """
    events = yaml.parse(text, Loader=yaml.CSafeLoader)
    for event in events:
        yield from _value_regions(event, events)


def _value_regions(event: yaml.Event, events: Iterator[yaml.Event]) -> Iterator[_Region]:
    _refuse_properties(event)
    if isinstance(event, yaml.SequenceStartEvent):
        while not isinstance(item := next(events), yaml.SequenceEndEvent):
            yield from _value_regions(item, events)
    elif isinstance(event, yaml.MappingStartEvent):
        while not isinstance(key := next(events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                raise MaskingError("a key is not a plain word")
            _refuse_properties(key)
            if key.value in SECRET_KEYS:
                yield _skip_value(events)
            else:
                yield from _value_regions(next(events), events)


def _skip_value(events: Iterator[yaml.Event]) -> _Region:
    """Read a whole value, and return its place in the text."""
    first = last = next(events)
    _refuse_properties(first)
    depth = int(isinstance(first, yaml.CollectionStartEvent))
    while depth:
        last = next(events)
        depth += isinstance(last, yaml.CollectionStartEvent)
        depth -= isinstance(last, yaml.CollectionEndEvent)
    assert first.start_mark is not None, "the parser marks every event"
    assert last.end_mark is not None, "the parser marks every event"
    return _Region(first.start_mark.index, last.end_mark.index)


def _refuse_properties(event: yaml.Event) -> None:
    """Raise MaskingError for an alias or an anchor: a secret could stand elsewhere."""
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        raise MaskingError("the text has an alias or an anchor")


def _mask_others(text: str, label: Label) -> str:
    """Mask the text around the secret values: secrets in comments, and the users of URLs."""
    return _replace(_USER_OF_URL, _replace(_COMMENTED_SECRET, text, label), label)


def _mask_keepalived_conf(text: str, label: Label) -> str:
    """Mask passwords and the users of URLs; all definitions ($NAME=...) if a password uses one."""
    uses_definition = any("$" in found["secret"] for found in _KEEPALIVED_SECRET.finditer(text))
    masked = _replace(_USER_OF_URL, _replace(_KEEPALIVED_SECRET, text, label), label)
    return _replace(_DEFINITION, masked, label) if uses_definition else masked


def _replace(pattern: re.Pattern[str], text: str, label: Label) -> str:
    return pattern.sub(lambda found: found["before"] + label(found["secret"].strip()), text)
