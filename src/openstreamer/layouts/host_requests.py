"""What a client can ask for in a host data request, and the block that answers it.

Even data types ask for one host, odd ones for a range; each pair stands for a release. Rules: chapter 2 of
the integration guide, "Host Request Message Format". The guide knows the data types 0 to 7; those above are
recalled and not seen in any source, and marked as guesses. Not here: the profiles (host_profile.py), and how
one is brought into an older block (protocol/host_profiles.py).
"""

from __future__ import annotations

import msgspec


class HostDataType(msgspec.Struct, frozen=True):
    """One pair of data types: the release it was made for, its block, whether that is a guess.

    `inner` is the release whose forms blocks inside have (eras.py), None for the newest.
    """

    release: str
    block_type: int
    inner: tuple[int, ...] | None
    guess: bool = False


NOTES, BANNERS = 1, 2
"""Flags of the request: fill in what users noted of a host, and what its servers say first."""

NEWEST = HostDataType("5.3+", 149, None)
"""What the data types 6 and 7 get where the session asked for forms of 5.3 or later, see below."""

HOST_DATA_TYPES: dict[int, HostDataType] = {
    0: HostDataType("3.5-4.6", 47, (4, 6)),
    2: HostDataType("4.7-4.8", 47, (4, 8)),
    4: HostDataType("4.9-4.10", 92, (4, 10)),
    6: HostDataType("5.0+", 111, (5, 0)),
    8: HostDataType("5.1", 135, (5, 1), guess=True),
    10: HostDataType("5.2", 140, None, guess=True),
    12: HostDataType("5.3+", 149, None, guess=True),
}
"""Data type of a single request -> what it asks for; the next number asks for the same of a range."""

PROFILE_BLOCKS = (47, 92, 111, 135, 140, 149)
"""Full host profile blocks, oldest first."""

SINCE_5_3: dict[str, int] = {
    "intrusion": 6,
    "correlation": 9,
    "discovery": 11,
    "connection": 10,
    "user": 5,
    "malware": 4,
    "file": 3,
    "impact-alert": 2,
}
"""Event class -> first version of its extended request that no release before 5.3 had.

For all of 5.0 and later the guide names the data types 6 and 7 and one block, 111, although it describes
newer blocks. So a session that asks for anything of 5.3 or later gets the block of 5.3, any other gets 111.
"""
