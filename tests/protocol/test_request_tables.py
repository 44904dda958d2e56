"""Every request flag bit and every pair of event type and version, against tables written down by hand.

The tables are what the protocol reference says of bits and pairs; they know nothing of those in the program.
"""

from __future__ import annotations

import itertools

import pytest

from openstreamer.layouts.records import EVENT_CLASSES, RECORDS
from openstreamer.layouts.requests import EXTENDED, FLAG_BITS
from openstreamer.protocol.selection import Selection, select

BITS: dict[int, tuple[str | None, int | None, str]] = {
    # bit: (event class, version, what it yields: records, with the block after a slash)
    0: ("packet", None, "2"),
    1: ("metadata", 1, "3 5 4 54 57 58"),
    2: ("intrusion", 1, "7 72"),
    3: ("discovery", 1, "13 14 31"),
    4: ("correlation", 1, "8/19"),
    5: ("impact-alert", 1, "9/20"),
    6: ("intrusion", 1, "7 72"),
    7: ("discovery", 2, "13 14 31"),
    8: ("connection", 1, "33/18"),
    9: ("correlation", 2, "36/33"),
    10: ("discovery", 3, "10/34 11/36 15/42"),
    11: (None, None, ""),
    12: ("connection", 3, "33/43"),
    13: ("correlation", 3, "65/52"),
    14: ("metadata", 2, "66"),
    15: ("metadata", 3, "66 68"),
    16: (None, None, ""),
    17: ("discovery", 4, "10/34 11/68 76/83"),
    18: ("connection", 4, "71/56 73/66"),
    19: ("correlation", 4, "65/70"),
    20: ("metadata", 4, "4 54 62 66 67 69 70 98 115/14 119/15 123"),
    21: ("user", 1, "92/75 93/75 94/75 95/73"),
    22: ("correlation", 5, "97/84"),
    23: (None, None, ""),
    24: ("discovery", 5, "10/91 11/89 15/42 101/87"),
    25: ("discovery", 6, "10/91 11/98 15/100 101/87"),
    26: ("connection", 5, "71/125 73/66"),
    27: ("extra-data", None, "110/4"),
    28: ("discovery", 7, "10/91 11/103 15/100 74/65 89/102"),
    29: ("correlation", 6, "112/107"),
    30: (None, None, ""),
    31: (None, None, ""),
}

PAIRS: dict[int, dict[int, str]] = {
    12: {
        1: "7 72", 2: "104 105", 3: "207 208", 4: "400/25", 5: "400/34", 6: "400/41", 7: "400/42",
        8: "400/45", 9: "400/60", 10: "400/81", 11: "400/85",
    },
    21: {1: "3 5", 2: "66", 3: "66 68", 4: "62/57 98/57 115/14", 5: "62/57 98/57 115/14"},
    31: {
        1: "8/19", 2: "36/33", 3: "65/52", 4: "65/70", 5: "97/84", 6: "112/107", 7: "112/116", 8: "112/128",
        9: "112/156",
    },
    61: {
        1: "13", 2: "13", 3: "10/34", 4: "10/34", 5: "10/91", 6: "10/91", 7: "10/91", 8: "10/91 101/87",
        9: "10/132 101/130", 10: "10/139 89/142 160/150", 11: "10/139 89/142 160/7",
    },
    71: {
        1: "33/18", 2: "33/32", 3: "33/43", 4: "71/56", 5: "71/125", 6: "71/115", 7: "71/126", 8: "71/137",
        9: "71/144", 10: "71/152", 11: "71/154", 12: "71/155", 13: "71/160", 14: "71/163", 15: "71/171",
        16: "71/173", 17: "71/174",
    },
    91: {
        1: "92/75 95/73", 2: "92/120 95/121", 3: "92/120 95/127", 4: "92/120 95/127", 5: "92/158 95/159",
        6: "92/158 95/165", 7: "92/158 95/167 170/167 171/167",
    },
    101: {
        1: "125/16", 2: "125/24", 3: "125/33", 4: "125/35", 5: "125/44", 6: "125/47", 7: "125/62",
        8: "125/80",
    },
    111: {
        1: "500/23 502/23", 2: "500/32", 3: "500/38", 4: "500/43", 5: "500/46", 6: "500/56",
        7: "500/79 502/79",
    },
    131: {1: "9/20", 2: "9/153"},
}  # fmt: skip
"""Event type -> version -> what it yields."""

CLASSES = {
    12: "intrusion", 21: "metadata", 31: "correlation", 61: "discovery", 71: "connection", 91: "user",
    101: "malware", 111: "file", 131: "impact-alert",
}  # fmt: skip
HEADERS = {
    # class: (first version with a 16-byte address for IPv6 hosts, first with one for all hosts)
    "discovery": (10, 11),
    "connection": (9, 11),
    "user": (4, 4),
}


def forms(text: str) -> set[tuple[int, int | None]]:
    return {
        (int(number), int(block) if block else None)
        for number, _, block in (part.partition("/") for part in text.split())
    }


def yields(selection: Selection, event_class: str) -> set[tuple[int, int | None]]:
    return {(form.record_type, form.block_type) for form in selection.asked[event_class].forms}


def wanted(selection: Selection) -> set[str]:
    """Classes of which anything is sent."""
    return {row.event_class or "metadata" for number, row in RECORDS.items() if selection.wants(number)}


# --- bits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bit", BITS)
def test_bit(bit: int) -> None:
    event_class, version, text = BITS[bit]
    selection = select(1 << bit if bit != 30 else 1 << 30, None)
    if event_class is None:
        assert not selection.asked
        assert not wanted(selection)
    else:
        assert set(selection.asked) == {event_class}
        assert selection.asked[event_class].version == version
        assert yields(selection, event_class) >= forms(text)
        assert wanted(selection) == {event_class}
    assert selection.extended_header is (bit == 23)
    assert selection.metadata_version == (version if event_class == "metadata" else 0)
    assert (bit in FLAG_BITS) is (bit != 31)


def test_masks() -> None:
    """Some words of the reference."""
    assert [FLAG_BITS[bit].mask for bit in (0, 11, 16, 23, 30)] == [1, 0x800, 0x10000, 0x800000, 0x40000000]
    assert {flag.event_class for bit, flag in FLAG_BITS.items() if 0x23 & flag.mask} == {
        "packet",
        "metadata",
        "impact-alert",
    }


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (
            0x7F,
            {
                "packet": None,
                "metadata": 1,
                "intrusion": 1,
                "discovery": 1,
                "correlation": 1,
                "impact-alert": 1,
            },
        ),
        (0x48900061, {"packet": None, "impact-alert": 1, "intrusion": 1, "metadata": 4, "extra-data": None}),
        (0x01F00004, {"intrusion": 1, "metadata": 4, "user": 1, "correlation": 5, "discovery": 5}),
        (0x40800001, {"packet": None}),
        (0x00000800, {}),
        (0x80010000, {}),
    ],
    ids=["0x7f", "0x48900061", "0x01f00004", "0x40800001", "0x800", "0x80010000"],
)
def test_words_of_known_clients(word: int, expected: dict[str, int | None]) -> None:
    selection = select(word & ~(1 << 30), None)
    assert {name: asked.version for name, asked in selection.asked.items()} == expected


@pytest.mark.parametrize(("first", "second"), [*itertools.combinations(sorted(BITS), 2)], ids=str)
def test_two_bits(first: int, second: int) -> None:
    """Two classes stand side by side; of two versions of one class the higher counts."""
    selection = select((1 << first | 1 << second) & ~(1 << 30), None)
    expected: dict[str, int | None] = {}
    for bit in (first, second):
        event_class, version, _ = BITS[bit]
        if event_class is not None:
            expected[event_class] = max(version or 0, expected.get(event_class) or 0) or None
    assert {name: asked.version for name, asked in selection.asked.items()} == expected
    extra = {111} if {first, second} & {1, 14, 15, 20} and 27 in (first, second) else set()
    names_of_extra_data = {number for number in (111,) if selection.wants(number)}
    assert names_of_extra_data <= extra
    if {first, second} == {20, 27}:
        assert names_of_extra_data == {111}


# --- pairs ------------------------------------------------------------------------------------------------


def test_all_pairs_are_in_the_table() -> None:
    assert set(EXTENDED) == {(number, version) for number, versions in PAIRS.items() for version in versions}


ALL_PAIRS = [(number, version) for number, versions in PAIRS.items() for version in versions]


@pytest.mark.parametrize(("number", "version"), ALL_PAIRS)
def test_pair(number: int, version: int) -> None:
    selection = select(1 << 30, ((number, version),))
    event_class = CLASSES[number]
    assert not selection.flat
    assert selection.problems == ()
    assert set(selection.asked) == {event_class}
    assert selection.asked[event_class].version == version
    assert yields(selection, event_class) >= forms(PAIRS[number][version])
    assert wanted(selection) == {event_class}
    header = selection.asked[event_class].discovery_header
    if event_class in HEADERS:
        some, all_hosts = HEADERS[event_class]
        assert header == ("5.3.1" if version >= all_hosts else "5.2" if version >= some else "legacy")
    else:
        assert header is None


@pytest.mark.parametrize(("number", "version"), ALL_PAIRS)
@pytest.mark.parametrize("bit", BITS)
def test_pair_beside_a_bit(number: int, version: int, bit: int) -> None:
    """Both together: the pair overrides the bits of its class, all else is added, nothing comes twice."""
    selection = select(1 << 30 | 1 << bit, ((number, version),))
    event_class, other, _ = BITS[bit]
    expected = {CLASSES[number]: version}
    if event_class is not None and event_class != CLASSES[number]:
        expected[event_class] = other  # type: ignore[assignment]
    assert {name: asked.version for name, asked in selection.asked.items()} == expected
    assert selection.extended_header is (bit == 23)


@pytest.mark.parametrize("number", PAIRS)
def test_several_versions_of_one_type(number: int) -> None:
    pairs = [(number, version) for version in PAIRS[number]]
    for order in (pairs, pairs[::-1]):
        selection = select(1 << 30, order)
        assert selection.asked[CLASSES[number]].version == max(PAIRS[number])


@pytest.mark.parametrize("number", [*PAIRS, 22, 81, 1, 65535])
@pytest.mark.parametrize("version", [0, 99, 65535])
def test_pairs_that_are_not_known(number: int, version: int) -> None:
    selection = select(1 << 30, ((number, version), (131, 2)))
    assert set(selection.asked) == {"impact-alert"}
    assert len(selection.problems) == 1


# --- records ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [number for number, row in RECORDS.items() if row.event_class])
def test_every_record_is_sent_to_whom_asks_for_the_newest_of_its_class(number: int) -> None:
    event_class = RECORDS[number].event_class
    assert event_class in EVENT_CLASSES
    newest = {name: (kind, max(PAIRS[kind])) for kind, name in CLASSES.items()}
    pairs = [newest[event_class]] if event_class in newest else []
    selection = select(1 << 30 | 1 | 1 << 27, pairs)
    assert selection.wants(number)
    without = select(1 << 30 | 1 << 20, ())
    assert not without.wants(number)
