"""What a client's request asks for: which record types, in which form.

`select` turns request flags and the pairs of an extended request into a `Selection`. A version asked for is
an upper bound: records stored in a newer layout are encoded down to it (transcode.py), records stored in an
older one leave as they are. The rules, in the order in which they apply:

* A pair of event type and version counts if the table of requests has it. Of several pairs of one type the
  highest version counts; pairs that cannot be answered are passed over and reported in `problems`.
* A pair overrides the flag bits of its class. Of several bits of one class the highest version counts.
* Packets and extra data have flag bits only. The name of an extra data type (record 111) goes to those who
  asked for extra data and for metadata.
* Bit 23 of the first message decides about the archive time in record headers, for the whole session;
  metadata has none, unless the server is told to put a zero there.
* An unknown record type, which nothing can ask for and which belongs to no class, goes to extended sessions
  with all classes allowed; not to flat ones, whose old clients may die of it.
* A request without bit 30 may ask for nothing at all, for the sake of host data.

Rules: chapter 2 of the integration guide, "Event Stream Request Flags" and "Streaming Event Type". What each
bit and pair stands for is data (layouts/requests.py).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import msgspec

from openstreamer.errors import RemoteProtocolError
from openstreamer.layouts.records import EVENT_CLASSES, RECORDS, RecordType
from openstreamer.layouts.requests import (
    EVENT_TYPES,
    EXTENDED,
    FLAG_BITS,
    NUMBER_OF_CLASS,
    Form,
    forms_of,
)
from openstreamer.wire import Block, layout_of

from .inner_blocks import nests
from .messages import ErrorCode

ARCHIVE_TIMES = 1 << 23
EXTENDED_REQUEST = 1 << 30
_HOST_DATA_ONLY = 11
_EXTRA_DATA_NAME = 111
_PLAIN_HEADER = "5.3.1"
"""The form of the discovery event header that every stored one may have."""


class Asked(msgspec.Struct, frozen=True):
    """What is asked for of one event class.

    `version` is that of the extended request, or its equal in flag bits; None where a class has none.
    """

    forms: tuple[Form, ...]
    version: int | None = None
    discovery_header: str | None = None
    inner: tuple[int, ...] | None = None


class Rule(msgspec.Struct, frozen=True):
    """What to do with the records of one type.

    `everything`: they leave as they are stored, whatever is in them. Otherwise those leave as they are whose
    block type is one of `blocks` (None: no matter; `plain`: also those without a block) and whose discovery
    event header fits `discovery_header`; the others are encoded in one of the forms `targets`, the first that
    can express them. Blocks inside are brought down to the release `inner` (None: they are as they may be).
    """

    everything: bool
    metadata: bool = False
    blocks: frozenset[int] | None = None
    discovery_header: str | None = None
    targets: tuple[Form, ...] = ()
    plain: bool = False
    inner: tuple[int, ...] | None = None


class HeaderOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a server may write into record headers besides; all off, as deployed clients need it.

    `flagged` sets the top bit of the record type word where the header is the long one, `netmap` leaves the
    domain in that word, `zero_metadata_time` gives metadata the long header with a time of zero.
    """

    flagged: bool = False
    netmap: bool = False
    zero_metadata_time: bool = False


class _Key:
    """A key whose hash is worked out once."""

    __slots__ = ("_hash", "_value")

    def __init__(self, value: Hashable) -> None:
        self._value = value
        self._hash = hash(value)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._hash == other._hash and self._value == other._value


class Selection:
    """The answer to one request; immutable, and cheap to replace when the allowed classes change.

    `flat` is the session without bit 30; `extended_header` the record header with archive time;
    `metadata_version` 0 means no metadata; `takes_unknown` that record types without a class are sent;
    `asked` is what is asked for by class, allowed or not; `problems` are sentences for the log.
    """

    def __init__(
        self,
        *,
        flat: bool,
        extended_header: bool,
        asked: dict[str, Asked],
        allowed: frozenset[str],
        problems: tuple[str, ...] = (),
        headers: HeaderOptions | None = None,
    ) -> None:
        self.flat = flat
        self.extended_header = extended_header
        self.asked = asked
        self.allowed = allowed
        self.problems = problems
        self.headers = headers or HeaderOptions()
        metadata = asked.get("metadata")
        self.metadata_version = metadata.version or 0 if metadata is not None else 0
        self.takes_unknown = not flat and allowed.issuperset(EVENT_CLASSES)
        self._rules: dict[int, Rule | None] = {}
        self._passing: dict[frozenset[int], bool] = {}
        self._form: _Key | None = None

    def __repr__(self) -> str:
        return f"<Selection: {self.describe()}>"

    def with_allowed(self, allowed: Iterable[str]) -> Selection:
        """The same request under other event classes that may be sent; itself if they are the same."""
        classes = frozenset(allowed)
        if classes == self.allowed:
            return self
        return Selection(
            flat=self.flat,
            extended_header=self.extended_header,
            asked=self.asked,
            allowed=classes,
            problems=self.problems,
            headers=self.headers,
        )

    @property
    def form(self) -> Hashable:
        """A key that is equal for selections under which records leave in the same bytes."""
        if self._form is None:
            asked = tuple(
                (name, item.version, item.discovery_header, item.forms)
                for name, item in sorted(self.asked.items())
                if name == "metadata" or name in self.allowed
            )
            key = (self.flat, self.extended_header, self.takes_unknown, self.headers, asked)
            self._form = _Key(key)
        return self._form

    def rule(self, record_type: int) -> Rule | None:
        """What to do with records of this type; None: they are not sent."""
        try:
            return self._rules[record_type]
        except KeyError:
            rule = self._rules[record_type] = _rule(self, record_type)
            return rule

    def wants(self, record_type: int) -> bool:
        """Whether records of this type are sent at all."""
        return self.rule(record_type) is not None

    def passes(self, words: frozenset[int]) -> bool:
        """Whether all records with these record type words leave exactly as they are stored."""
        try:
            return self._passing[words]
        except KeyError:
            pass
        answer = self.extended_header and not self.headers.flagged
        for word in words if answer else ():
            rule = self.rule(word & 0xFFFF)
            if (
                rule is None
                or not rule.everything
                or rule.metadata
                or (word >> 16 and not self.headers.netmap)
            ):
                answer = False
                break
        if len(self._passing) < 1000:
            self._passing[words] = answer
        return answer

    def describe(self) -> str:
        """The request in words, for the log."""
        words = []
        for name in (*EVENT_CLASSES, "metadata"):
            item = self.asked.get(name)
            if item is not None:
                version = "" if item.version is None else f" v{item.version}"
                switched_off = "" if name in self.allowed or name == "metadata" else " (not allowed)"
                words.append(f"{name}{version}{switched_off}")
        head = "archive times" if self.extended_header else "no archive times"
        mode = "flat" if self.flat else "extended"
        return f"{mode}, {head}: {', '.join(words) or 'nothing'}"


# --- from a request to what is asked ----------------------------------------------------------------------


def _by_flags(flags: int) -> tuple[dict[str, Asked], bool]:
    """What the flag bits ask for, by class; and whether any of them means something at all."""
    asked: dict[str, Asked] = {}
    meant = False
    for bit, row in FLAG_BITS.items():
        if not flags & row.mask:
            continue
        meant = meant or bit == _HOST_DATA_ONLY or row.event_class is not None
        if row.event_class is None:
            continue
        previous = asked.get(row.event_class)
        if previous is not None and (previous.version or 0) >= (row.version or 0):
            continue
        number = NUMBER_OF_CLASS.get(row.event_class)
        header = inner = None
        if number is not None and row.version is not None:
            request = EXTENDED[number, row.version]
            header, inner = request.discovery_header, request.inner
        asked[row.event_class] = Asked(forms_of(bit), row.version, header, inner)
    return asked, meant


def _usable(event_type: int, version: int, nearest_lower: bool) -> tuple[int | None, str | None]:
    """The version that answers a pair (None: none), and what is to be said about it."""
    if (event_type, version) in EXTENDED:
        return version, None
    name = EVENT_TYPES.get(event_type)
    if name is None:
        return None, f"event type {event_type} (version {version}) is not known"
    if nearest_lower:
        lower = [known for kind, known in EXTENDED if kind == event_type and known < version]
        if lower:
            return max(lower), f"{name} version {version} is not known, version {max(lower)} is sent"
    return None, f"{name} version {version} is not known"


def select(
    flags: int,
    event_types: Iterable[tuple[int, int]] | None,
    allowed: Iterable[str] = EVENT_CLASSES,
    *,
    nearest_lower: bool = False,
    headers: HeaderOptions | None = None,
) -> Selection:
    """Make a selection from the flags of message 2 and the (event type, version) pairs of message 2049.

    `event_types` is None in a flat session. `nearest_lower` answers a version that is not known with the
    nearest lower one, instead of passing the pair over.

    Raises:
        RemoteProtocolError: an extended request in which no pair can be answered and no class bit is set.
    """
    asked, meant = _by_flags(flags)
    problems = []
    versions: dict[int, int] = {}
    for event_type, version in event_types or ():
        known, problem = _usable(event_type, version, nearest_lower)
        if problem is not None:
            problems.append(problem)
        if known is not None:
            versions[event_type] = max(known, versions.get(event_type, 0))
    for event_type, version in versions.items():
        row = EXTENDED[event_type, version]
        asked[row.event_class] = Asked(row.forms, version, row.discovery_header, row.inner)
    if event_types is not None and not versions and not meant:
        reasons = "; ".join(problems) or "the list is empty"
        raise RemoteProtocolError(
            f"nothing in the request can be answered: {reasons}", code=ErrorCode.UNSUPPORTED_REQUEST
        )
    return Selection(
        flat=event_types is None,
        extended_header=bool(flags & ARCHIVE_TIMES),
        asked=asked,
        allowed=frozenset(allowed),
        problems=tuple(problems),
        headers=headers,
    )


# --- from what is asked to the rule for a record type -----------------------------------------------------

_FIRST: dict[int, float] = {}
"""Record type -> first version of its class's extended request that has it; 0 if older than all."""


def first_version(row: RecordType) -> float:
    """The first version of the extended request of its class in which a record type stands.

    A record type that no request names stands between its neighbours in the declared order of its layout.
    """
    if not _FIRST:
        for (event_type, version), request in EXTENDED.items():
            if event_type == NUMBER_OF_CLASS[request.event_class]:
                for form in request.forms:
                    _FIRST[form.record_type] = min(version, _FIRST.get(form.record_type, version))
    known = _FIRST.get(row.number)
    if known is not None:
        return known
    place = 0.0
    for body in row.bodies:
        if not issubclass(body, Block):
            for number in layout_of(body).types:
                if number == row.number:
                    return place
                place = _FIRST.get(number, place - 0.5) + 0.5
    return place


def _rule(selection: Selection, record_type: int) -> Rule | None:
    row = RECORDS.get(record_type)
    if row is None:
        return Rule(everything=True) if selection.takes_unknown else None
    metadata = row.event_class is None
    name = "metadata" if row.event_class is None else row.event_class
    asked = selection.asked.get(name)
    if asked is None or not (metadata or name in selection.allowed):
        return None
    if record_type == _EXTRA_DATA_NAME and not {"extra-data"} <= selection.asked.keys() & selection.allowed:
        return None
    header = asked.discovery_header if row.discovery_header else None
    rule = _rule_for(row, asked, header, metadata)
    if rule is None or asked.inner is None or not any(nests(body) for body in row.bodies):
        return rule
    return msgspec.structs.replace(rule, everything=False, inner=asked.inner)


def _rule_for(row: RecordType, asked: Asked, header: str | None, metadata: bool) -> Rule | None:
    """The rule, as far as the outer block and the header decide it."""
    any_header = header in (None, _PLAIN_HEADER)
    mixed = any(not issubclass(body, Block) for body in row.bodies)
    own = next((form for form in asked.forms if form.record_type == row.number), None)
    if own is None:
        if asked.version is not None and first_version(row) > asked.version:
            targets = tuple(form for form in asked.forms if RECORDS[form.record_type].id == row.id)
            if not targets:
                return None
            return Rule(False, metadata, frozenset(), header, targets)
        return Rule(any_header, metadata, None, header)
    if own.block_type is None:
        if not row.blocks:
            return Rule(any_header, metadata, None, header, (own,))
        return Rule(False, metadata, frozenset(), header, (own,), mixed or not row.bodies)
    if own.block_type not in row.blocks:
        return Rule(False, metadata, frozenset({own.block_type}), header, (own,))
    place = row.blocks.index(own.block_type)
    newest = place == len(row.blocks) - 1
    blocks = None if newest else frozenset(row.blocks[: place + 1])
    return Rule(any_header and newest, metadata, blocks, header, (own,), mixed)
