"""When a certificate is due: pure arithmetic."""

from __future__ import annotations

import pytest

from openstreamer.authority.lifetime import DAY, Renewal, days_left, ends_within, in_words, renewal

BEGIN = 1_800_000_000
END = BEGIN + 825 * DAY


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (400 * DAY, Renewal.NOTHING),
        (30 * DAY + 1, Renewal.NOTHING),
        (30 * DAY, Renewal.RENEW),
        (DAY, Renewal.RENEW),
        (0, Renewal.RENEW),
        (-100 * DAY, Renewal.RENEW),
    ],
)
def test_it_is_time_some_days_before_the_end_and_ever_after(left: int, expected: Renewal) -> None:
    now = END - left
    assert renewal(now, BEGIN, END, now + 825 * DAY, days=30) is expected


def test_a_certificate_capped_by_its_ca_is_not_renewed_in_vain() -> None:
    now = END - 10 * DAY
    assert renewal(now, BEGIN, END, END, days=30) is Renewal.IN_VAIN
    assert renewal(now, BEGIN, END, END + 60, days=30) is Renewal.IN_VAIN
    assert renewal(now, BEGIN, END, END + 2 * 3600, days=30) is Renewal.RENEW


def test_a_short_one_is_not_renewed_at_every_look() -> None:
    end = BEGIN + 9 * DAY
    for day in range(6):
        now = BEGIN + day * DAY
        assert renewal(now, BEGIN, end, now + 9 * DAY, days=30) is Renewal.NOTHING
    assert renewal(BEGIN + 6 * DAY, BEGIN, end, BEGIN + 15 * DAY, days=30) is Renewal.RENEW


def test_words() -> None:
    assert in_words(BEGIN, BEGIN + 40 * DAY) == "ends in 40 days"
    assert in_words(BEGIN, BEGIN + DAY) == "ends in 1 day"
    assert in_words(BEGIN, BEGIN + 7200) == "ends in 2 hours"
    assert in_words(BEGIN, BEGIN) == "has expired"
    assert days_left(BEGIN, BEGIN - 1) == -1
    assert ends_within(BEGIN, BEGIN + 30 * DAY, days=30)
    assert not ends_within(BEGIN, BEGIN + 30 * DAY + 1, days=30)
