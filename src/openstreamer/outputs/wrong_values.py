"""What is wrong with the value of a setting, in words: the validator's own name types and patterns.

Used for settings on the command line and for those of a configuration file alike.
"""

from __future__ import annotations

import typing
from typing import Any

_PATTERNS = {
    "^[0-9]+[kKmMgG]?$": "a size: a number, perhaps with k, m or g behind it",
    "^[0-9]+[smhd]?$": "a span of time: a number, perhaps with s, m, h or d behind it",
    "^[!-~]{1,48}$": "1 to 48 ASCII characters without a space",
    "^[!-~]*$": "ASCII characters without a space",
    "^([0-9a-fA-F]{2})*$": "pairs of hexadecimal digits",
    r"^[0-9]+(\.[0-9]+)+$": "numbers with dots between them",
}

_EXPECTED = {
    "Expected 'str": "expected text",
    "Expected 'bool'": "expected true or false",
    "Expected 'int": "expected a number",
    "Expected 'float'": "expected a number",
    "Expected 'array'": "expected a list",
    "Expected 'object'": "expected a table",
}

_KINDS = {
    "'str'": "text",
    "'bool'": "true or false",
    "'int'": "a whole number",
    "'float'": "a number",
    "'array'": "a list",
    "'object'": "a table",
}


def choices(hint: Any) -> list[str]:
    """The words that a setting can be, where it is a choice of such."""
    while typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    return [str(each) for each in typing.get_args(hint)] if typing.get_origin(hint) is typing.Literal else []


def plainly(reason: str) -> str:
    """The validator's reason, without the place in it, as a sentence."""
    for pattern, words in _PATTERNS.items():
        if f"matching regex {pattern!r}" in reason or f"matching regex '{pattern}'" in reason:
            return f"expected {words}"
    reason = reason.replace("`", "'")
    for theirs, ours in _EXPECTED.items():
        if reason.startswith(theirs):
            tail = reason[len(theirs) :]
            got = tail.partition("got ")[2]
            return f"{ours}, got {_KINDS.get(got, got)}" if got else ours + tail.removeprefix("'")
    return reason[:1].lower() + reason[1:]


def explain(message: str, values: dict[str, Any], hints: dict[str, Any]) -> str:
    """A validator's message about one of these values: the setting, and what it should be."""
    reason, _, place = message.partition(" - at `$.")
    key = place.rstrip("`").partition("[")[0]
    there_are = choices(hints.get(key))
    if there_are:
        return f"{key}: {values.get(key)!r} is none of {', '.join(there_are)}"
    return f"{key}: {plainly(reason)}" if key else plainly(reason)
