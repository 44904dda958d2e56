"""What `since` and `until` may say, as numbers that can be compared with archive times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, cast

from openstreamer.errors import UsageError

_WORDS = ("resume", "beginning", "now")
_LAST = 0xFFFFFFFE


def parse_time(value: str | int | float | datetime) -> int:
    """UNIX seconds of an epoch second, an ISO 8601 text (no zone: UTC) or a datetime (no zone: UTC).

    Raises:
        UsageError: it is none of these, or outside of what the protocol's 32 bits hold.
    """
    if isinstance(value, str):
        text = value.strip()
        if text.isdecimal():
            value = int(text)
        else:
            try:
                value = datetime.fromisoformat(text)
            except ValueError:
                raise UsageError(
                    f"{text!r} is no time: write an epoch second, or ISO 8601 such as 2026-01-31T08:00:00Z"
                ) from None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=UTC)
        value = value.timestamp()
    seconds = int(value)
    if not 0 <= seconds <= _LAST:
        raise UsageError(f"{seconds} is no time that the protocol can name (1970 to 2106)")
    return seconds


def parse_since(value: str | int | float | datetime) -> int | Literal["resume", "beginning", "now"]:
    """One of the words resume, beginning, now; or a time as `parse_time` reads it.

    Raises:
        UsageError: it is neither.
    """
    if isinstance(value, str) and value.strip() in _WORDS:
        return cast(Literal["resume", "beginning", "now"], value.strip())
    return parse_time(value)
