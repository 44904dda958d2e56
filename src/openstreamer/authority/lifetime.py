"""When a certificate has to be renewed, and when people are to be told. Pure: time is an argument.

All times are epoch seconds. Rules: `docs/certificates.md`.
"""

from __future__ import annotations

import enum

DAY = 86400

CA_DAYS_LEFT = 180
"""A CA that ends within so many days is to be rotated: handing new files to clients takes people time."""


class Renewal(enum.Enum):
    """What to do about a certificate."""

    NOTHING = "nothing"
    RENEW = "renew"
    IN_VAIN = "in vain"
    """It is time, but a new one would end no later: its CA ends, and has to be rotated first."""


def renewal(now: float, begins: float, ends: float, new_end: float, *, days: float) -> Renewal:
    """Decide about a certificate that lasts from `begins` to `ends`; one made now would last to `new_end`.

    It is time `days` before the end, but not before two thirds of its life have gone: otherwise one that
    lasts shorter than that would be renewed at every look. One that has ended is always due.
    """
    ahead = min(days * DAY, (ends - begins) / 3)
    if ends - now > ahead:
        return Renewal.NOTHING
    # An hour's gain is none; and the clock may have moved a little between two looks.
    return Renewal.RENEW if new_end > ends + 3600 else Renewal.IN_VAIN


def ends_within(now: float, ends: float, *, days: float) -> bool:
    """Whether something ends within so many days, or has ended."""
    return ends - now <= days * DAY


def days_left(now: float, ends: float) -> int:
    """Whole days left; negative if it has ended."""
    return int((ends - now) // DAY)


def in_words(now: float, ends: float) -> str:
    """The end of a certificate, in words that follow its name."""
    left = days_left(now, ends)
    if ends <= now:
        return "has expired"
    if left < 1:
        return f"ends in {int((ends - now) // 3600)} hours"
    return f"ends in {left} day{'' if left == 1 else 's'}"
