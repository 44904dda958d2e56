"""What a client can ask for: request flag bits, and the event types and versions of extended requests.

Each pair of event type and version names the record and block types the server answers with, and the form
of the discovery event header. Where the sources leave a version open, the row says `guess`. Rules: chapter
2 of the integration guide, "Event Stream Request" and "Streaming Event Type". Not here: what a server makes
of a request (protocol/selection.py).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Form(msgspec.Struct, frozen=True):
    """A record type, and the newest block type in it that the client understands (None: no block)."""

    record_type: int
    block_type: int | None = None


class RequestVersion(msgspec.Struct, frozen=True):
    """What one version of an event type stands for.

    `discovery_header` is "legacy" (40 bytes, IPv4), "5.2" (16-byte address for IPv6 hosts), "5.3.1" (16-byte
    address for all hosts), or None where no record has that header. `inner` is the release whose forms the
    blocks inside of blocks have (eras.py); None where those are the newest.
    """

    event_class: str
    release: str
    forms: tuple[Form, ...]
    discovery_header: str | None = None
    guess: bool = False
    inner: tuple[int, ...] | None = None


class FlagBit(msgspec.Struct, frozen=True):
    """One bit of the request flags.

    `event_class` and `version` lead to a row of EXTENDED; `forms` stands for what has no extended event type,
    or where the bit yields other forms than its row.
    """

    bit: int
    name: str
    meaning: str
    event_class: str | None = None
    version: int | None = None
    forms: tuple[Form, ...] = ()

    @property
    def mask(self) -> int:
        """The value of the bit."""
        return 1 << self.bit


EVENT_TYPES: dict[int, str] = {
    12: "intrusion",
    21: "metadata",
    31: "correlation",
    61: "discovery",
    71: "connection",
    91: "user",
    101: "malware",
    111: "file",
    131: "impact-alert",
}
"""Event type of an extended request -> event class; packets and extra data have none."""

NUMBER_OF_CLASS: dict[str, int] = {name: number for number, name in EVENT_TYPES.items()}


def _forms(records: Iterable[int], block: int | None = None) -> tuple[Form, ...]:
    return tuple(Form(record, block) for record in records)


# --- discovery: which block stands in which record, by version of the request ---------------------------

_EVER = 99
_DISCOVERY: tuple[tuple[tuple[int, ...], tuple[tuple[int, int, int | None], ...]], ...] = (
    # records, then (first version, last version, block)
    ((13, 14, 19, 20, 21, 22, 23, 24, 25, 26, 29, 31, 44), ((1, _EVER, None),)),
    ((6,), ((1, 1, None),)),
    ((10, 30), ((3, 4, 34), (5, 8, 91), (9, 9, 132), (10, _EVER, 139))),
    ((11, 12, 16, 17), ((3, 3, 36), (4, 4, 68))),
    ((11, 12, 16, 17, 51, 52), ((5, 5, 89), (6, 6, 98), (7, _EVER, 103))),
    ((15, 35, 107), ((3, 5, 42), (6, 7, 100), (8, _EVER, 122))),
    ((18, 53), ((3, _EVER, 53),)),
    ((27, 28), ((1, 4, 5), (5, _EVER, 95))),
    ((32,), ((1, 4, 8),)),
    ((34,), ((1, _EVER, 14),)),
    ((37, 38), ((1, 2, 23), (3, 3, 46))),
    ((39,), ((1, 2, 25),)),
    ((40,), ((1, 2, 27),)),
    ((41,), ((1, 2, 28),)),
    ((42,), ((1, _EVER, 35),)),
    ((45,), ((1, _EVER, 37),)),
    ((46, 47, 48), ((3, 3, 40), (4, _EVER, 55))),
    ((49, 50), ((3, 3, 41),)),
    ((74, 75, 86), ((7, 7, 65), (8, 8, 118), (9, _EVER, 134))),
    ((76, 88), ((4, _EVER, 83),)),
    ((77, 87), ((4, _EVER, 60),)),
    ((78, 85), ((4, _EVER, 78),)),
    ((79,), ((4, _EVER, 77),)),
    ((80, 81), ((4, _EVER, 80),)),
    ((82,), ((4, _EVER, 81),)),
    ((83, 84), ((4, _EVER, 82),)),
    ((89,), ((4, 6, 72), (7, 9, 102), (10, _EVER, 142))),
    ((101,), ((5, 8, 87), (9, _EVER, 130))),
    ((102, 103), ((5, _EVER, 94),)),
    ((160,), ((10, 10, 150), (11, _EVER, 7))),
    ((162, 163, 164), ((10, _EVER, 148),)),
)


def _discovery(
    version: int, release: str, header: str, inner: tuple[int, ...] | None = None, *, guess: bool = False
) -> RequestVersion:
    forms = tuple(
        Form(record, block)
        for records, eras in _DISCOVERY
        for first, last, block in eras
        if first <= version <= last
        for record in records
    )
    return RequestVersion("discovery", release, forms, header, guess, inner)


# --- metadata: which records are sent for which version -------------------------------------------------

_METADATA_ALWAYS = (4, *range(54, 64), 90, 91, 96, 106, 108, 109, 130, 131)
_METADATA_BLOCKS: tuple[tuple[int, int], ...] = (
    (62, 57),
    (98, 57),
    (111, 5),
    (115, 14),
    (116, 14),
    (117, 14),
    (118, 14),
    (119, 15),
    (124, 59),
    (127, 14),
    (145, 64),
    (146, 64),
    (147, 64),
    (161, 39),
    (260, 19),
    (270, 20),
    (280, 22),
    (301, 58),
    (320, 61),
    (321, 61),
    (322, 14),
    (511, 40),
    (520, 28),
    (614, 50),
)
_METADATA_PLAIN = (
    *(66, 67, 69, 70, *range(120, 124), 128, 129, 132, 281, 282, 300, 302, 350, 510, *range(515, 520)),
    *(530, 600, 601, 602, *range(604, 609), 613, 700),
)
_METADATA_NOW = (
    *_forms(record for record in _METADATA_ALWAYS if record != 62),
    *_forms(_METADATA_PLAIN),
    *(Form(record, block) for record, block in _METADATA_BLOCKS),
)

_METADATA_BY_FLAG = tuple(
    Form(form.record_type) if form.record_type in (62, 98) else form for form in _METADATA_NOW
)
"""The same for clients that ask by flag bits: their releases end long before users stood in a block (6.0)."""


def _metadata(release: str, forms: tuple[Form, ...], *, guess: bool = False) -> RequestVersion:
    return RequestVersion("metadata", release, forms, None, guess)


# --- the others -----------------------------------------------------------------------------------------


def _intrusion(release: str, *forms: Form, guess: bool = False) -> RequestVersion:
    return RequestVersion("intrusion", release, forms, None, guess)


def _correlation(release: str, record: int, block: int, *, guess: bool = False) -> RequestVersion:
    return RequestVersion("correlation", release, (Form(record, block),), None, guess)


def _connection(release: str, block: int, chunk: int, header: str, *, guess: bool = False) -> RequestVersion:
    return RequestVersion("connection", release, (Form(71, block), Form(73, chunk)), header, guess)


def _user(
    release: str,
    information: int,
    login: int,
    header: str,
    *,
    vpn: bool = False,
    failed: bool = False,
    guess: bool = False,
) -> RequestVersion:
    forms = (*_forms((92, 93, 94), information), *_forms((95, 170, 171) if vpn else (95,), login))
    if failed:
        forms = (*forms, Form(114))
    return RequestVersion("user", release, forms, header, guess)


def _malware(release: str, block: int) -> RequestVersion:
    return RequestVersion("malware", release, (Form(125, block),))


def _file(release: str, block: int) -> RequestVersion:
    return RequestVersion("file", release, _forms((500, 502), block))


EXTENDED: dict[tuple[int, int], RequestVersion] = {
    (12, 1): _intrusion("before 4.9", Form(7), Form(72), guess=True),
    (12, 2): _intrusion("4.9-4.10", Form(104), Form(105)),
    (12, 3): _intrusion("5.0-5.1", Form(207), Form(208)),
    (12, 4): _intrusion("5.1.1", Form(400, 25)),
    (12, 5): _intrusion("5.2", Form(400, 34)),
    (12, 6): _intrusion("5.3", Form(400, 41)),
    (12, 7): _intrusion("5.3.1", Form(400, 42)),
    (12, 8): _intrusion("5.4", Form(400, 45)),
    (12, 9): _intrusion("6.x", Form(400, 60)),
    (12, 10): _intrusion("7.0", Form(400, 81)),
    (12, 11): _intrusion("7.1+", Form(400, 85)),
    (21, 1): _metadata("before 4.6.1", _forms((3, 5, 64, *_METADATA_ALWAYS)), guess=True),
    (21, 2): _metadata("4.6.1+", _forms((64, 66, *_METADATA_ALWAYS)), guess=True),
    (21, 3): _metadata("4.6.1+", _forms((66, 67, 68, 69, 70, 123, *_METADATA_ALWAYS)), guess=True),
    (21, 4): _metadata("4.7+", _METADATA_NOW),
    (21, 5): _metadata("5.3+", _METADATA_NOW),
    (31, 1): _correlation("3.2", 8, 19, guess=True),
    (31, 2): _correlation("before 4.5", 36, 33, guess=True),
    (31, 3): _correlation("4.5-4.6", 65, 52, guess=True),
    (31, 4): _correlation("4.7", 65, 70, guess=True),
    (31, 5): _correlation("4.8-4.9", 97, 84, guess=True),
    (31, 6): _correlation("4.10", 112, 107, guess=True),
    (31, 7): _correlation("5.0", 112, 116),
    (31, 8): _correlation("5.1-5.3", 112, 128),
    (31, 9): _correlation("5.4+", 112, 156),
    (61, 1): _discovery(1, "before 3.2", "legacy", (3, 0), guess=True),
    (61, 2): _discovery(2, "3.2-3.4", "legacy", (3, 4), guess=True),
    (61, 3): _discovery(3, "3.5-4.6", "legacy", (4, 6), guess=True),
    (61, 4): _discovery(4, "4.7-4.8", "legacy", (4, 8), guess=True),
    (61, 5): _discovery(5, "4.9.0", "legacy", (4, 9), guess=True),
    (61, 6): _discovery(6, "4.9.1", "legacy", (4, 9, 1), guess=True),
    (61, 7): _discovery(7, "4.10", "legacy", (4, 10)),
    (61, 8): _discovery(8, "5.0", "legacy", (5, 0)),
    (61, 9): _discovery(9, "5.1", "legacy", (5, 1)),
    (61, 10): _discovery(10, "5.2-5.3", "5.2"),
    (61, 11): _discovery(11, "5.3.1+", "5.3.1"),
    (71, 1): RequestVersion("connection", "3.x", (Form(33, 18),), "legacy", True),
    (71, 2): RequestVersion("connection", "3.2-3.4", (Form(33, 32),), "legacy", True),
    (71, 3): RequestVersion("connection", "3.5-4.6", (Form(33, 43),), "legacy", True),
    (71, 4): _connection("4.7-4.9.0", 56, 66, "legacy", guess=True),
    (71, 5): _connection("4.9.1-4.10", 125, 66, "legacy"),
    (71, 6): _connection("5.0", 115, 119, "legacy"),
    (71, 7): _connection("5.1", 126, 119, "legacy"),
    (71, 8): _connection("5.1.1", 137, 136, "legacy"),
    (71, 9): _connection("5.2", 144, 136, "5.2"),
    (71, 10): _connection("5.3", 152, 136, "5.2"),
    (71, 11): _connection("5.3.1", 154, 136, "5.3.1"),
    (71, 12): _connection("5.4", 155, 136, "5.3.1"),
    (71, 13): _connection("5.4.1-6.0", 160, 136, "5.3.1", guess=True),
    (71, 14): _connection("6.1", 163, 161, "5.3.1", guess=True),
    (71, 15): _connection("6.2-6.7", 171, 161, "5.3.1", guess=True),
    (71, 16): _connection("7.0", 173, 161, "5.3.1", guess=True),
    (71, 17): _connection("7.1+", 174, 161, "5.3.1", guess=True),
    (91, 1): _user("4.7-4.10", 75, 73, "legacy", failed=True),
    (91, 2): _user("5.0", 120, 121, "legacy"),
    (91, 3): _user("5.1", 120, 127, "legacy"),
    (91, 4): _user("5.2-5.4", 120, 127, "5.3.1"),
    (91, 5): _user("6.0", 158, 159, "5.3.1", guess=True),
    (91, 6): _user("6.1", 158, 165, "5.3.1", guess=True),
    (91, 7): _user("6.2+", 158, 167, "5.3.1", vpn=True),
    (101, 1): _malware("5.1.0", 16),
    (101, 2): _malware("5.1.1", 24),
    (101, 3): _malware("5.2", 33),
    (101, 4): _malware("5.3", 35),
    (101, 5): _malware("5.3.1", 44),
    (101, 6): _malware("5.4", 47),
    (101, 7): _malware("6.x", 62),
    (101, 8): _malware("7.0+", 80),
    (111, 1): _file("5.1.1", 23),
    (111, 2): _file("5.2", 32),
    (111, 3): _file("5.3", 38),
    (111, 4): _file("5.3.1", 43),
    (111, 5): _file("5.4", 46),
    (111, 6): _file("6.x", 56),
    (111, 7): _file("7.0+", 79),
    (131, 1): RequestVersion("impact-alert", "before 5.3", (Form(9, 20),)),
    (131, 2): RequestVersion("impact-alert", "5.3+", (Form(9, 153),)),
}
"""(event type, version) -> what it stands for. The pair 0, 0 ends a list and is not in here."""

_BITS = (
    FlagBit(0, "packets", "Packets that belong to intrusion events", "packet", None, (Form(2),)),
    FlagBit(1, "metadata_v1", "Metadata, version 1", "metadata", 1),
    FlagBit(2, "intrusion_events", "Intrusion events in the oldest form", "intrusion", 1),
    FlagBit(3, "discovery_v1", "Discovery events, version 1", "discovery", 1),
    FlagBit(4, "correlation_v1", "Correlation events, version 1", "correlation", 1),
    FlagBit(5, "impact_alerts", "Intrusion impact alerts", "impact-alert", 1),
    FlagBit(6, "intrusion_events_impact_flag", "Intrusion events with impact flag", "intrusion", 1),
    FlagBit(7, "discovery_v2", "Discovery events, version 2", "discovery", 2),
    FlagBit(8, "connection_v1", "Connection events, version 1", "connection", 1),
    FlagBit(9, "correlation_v2", "Correlation events, version 2", "correlation", 2),
    FlagBit(10, "discovery_v3", "Discovery events, version 3", "discovery", 3),
    FlagBit(11, "host_data_only", "No events that would come unasked; for sessions that want host data"),
    FlagBit(12, "connection_v3", "Connection events, version 3", "connection", 3),
    FlagBit(13, "correlation_v3", "Correlation events, version 3", "correlation", 3),
    FlagBit(14, "metadata_v2", "Metadata, version 2", "metadata", 2),
    FlagBit(15, "metadata_v3", "Metadata, version 3", "metadata", 3),
    FlagBit(16, "wait_for_config", "For internal use; ignored"),
    FlagBit(17, "discovery_v4", "Discovery events, version 4", "discovery", 4),
    FlagBit(18, "connection_v4", "Connection events, version 4", "connection", 4),
    FlagBit(19, "correlation_v4", "Correlation events, version 4", "correlation", 4),
    FlagBit(20, "metadata_v4", "Metadata, version 4", "metadata", 4, _METADATA_BY_FLAG),
    FlagBit(21, "user_activity_v1", "User activity events, version 1", "user", 1),
    FlagBit(22, "correlation_v5", "Correlation events, version 5", "correlation", 5),
    FlagBit(23, "archive_timestamps", "Record headers carry the archive time"),
    FlagBit(24, "discovery_v5", "Discovery events, version 5", "discovery", 5),
    FlagBit(25, "discovery_v6", "Discovery events, version 6", "discovery", 6),
    FlagBit(26, "connection_v5", "Connection events, version 5", "connection", 5),
    FlagBit(27, "extra_data", "Extra data of intrusion events", "extra-data", None, (Form(110, 4),)),
    FlagBit(28, "discovery_v7", "Discovery events, version 7", "discovery", 7),
    FlagBit(29, "correlation_v6", "Correlation events, version 6", "correlation", 6),
    FlagBit(30, "extended_request", "A list of event types and versions follows in a streaming request"),
)

FLAG_BITS: dict[int, FlagBit] = {row.bit: row for row in _BITS}
"""Bit number (0 is the least significant) -> meaning; bit 31 is not defined."""


def forms_of(bit: int) -> tuple[Form, ...]:
    """Give the record forms that one request flag bit stands for; empty for bits that ask for none."""
    row = FLAG_BITS.get(bit)
    if row is None:
        return ()
    if row.forms or row.event_class is None or row.version is None:
        return row.forms
    return EXTENDED[NUMBER_OF_CLASS[row.event_class], row.version].forms
