"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from openstreamer.client.times import parse_since, parse_time
from openstreamer.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1700000000", 1_700_000_000),
        ("2023-11-14T22:13:20", 1_700_000_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        ("2023-11-14 23:13:20+01:00", 1_700_000_000),
        ("2023-11-14", 1_699_920_000),
        ("0", 0),
    ],
)
def test_texts(text: str, seconds: int) -> None:
    assert parse_time(text) == seconds


def test_datetimes() -> None:
    assert parse_time(datetime(2023, 11, 14, 22, 13, 20)) == 1_700_000_000
    assert parse_time(datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)) == 1_700_000_000
    east = timezone(timedelta(hours=3))
    assert parse_time(datetime(2023, 11, 15, 1, 13, 20, tzinfo=east)) == 1_700_000_000
    assert parse_time(1_700_000_000.9) == 1_700_000_000


@pytest.mark.parametrize("text", ["yesterday", "", "4294967295", "1960-01-01", "-5"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        parse_time(text)


def test_since_knows_three_words() -> None:
    assert [parse_since(word) for word in ("resume", "beginning", "now")] == ["resume", "beginning", "now"]
    assert parse_since("1700000000") == 1_700_000_000
    with pytest.raises(UsageError, match="is no time"):
        parse_since("later")
