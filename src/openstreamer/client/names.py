"""What metadata says of the numbers in events: learned from the stream, kept on disk from run to run.

A server sends metadata before the first event that refers to it. `NameCache` remembers it and gives an
event its `names`. The copy on disk only helps until the server has said everything again; nothing relies on
it, and a damaged one is thrown away. Which values refer to what is data, in
`openstreamer.layouts.references`.

It is on the path of every event. Therefore only references to metadata that has been seen are looked at,
and the answer for one combination of values is worked out once.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence, Set
from operator import attrgetter
from typing import Any

import msgspec

from openstreamer.layouts.records import RECORDS
from openstreamer.layouts.references import DOMAIN, METADATA, REFERENCES, Reference
from openstreamer.protocol.records import Event, Record, decode_record

TABLE_LIMIT = 200_000
"""How many names of one kind are kept; the oldest fourth goes when it is reached."""

COMBINATION_LIMIT = 50_000
"""How many worked out answers are kept, of one kind of event."""

METADATA_RECORDS = frozenset(number for number, record in RECORDS.items() if record.kind == "metadata")

_FORMAT = "openstreamer-names-1"

Key = tuple[Any, ...]
_Row = tuple[str, dict[Key, str], tuple[int, ...]]


class Names(dict[str, str]):
    """Names of an event, with the JSON that says them."""

    __slots__ = ("json",)

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__(names)
        self.json: msgspec.Raw | msgspec.UnsetType = (
            msgspec.Raw(msgspec.json.encode(names)) if names else msgspec.UNSET
        )


class _Plan:
    """How events of one kind are named, given the kinds of metadata seen so far.

    `paths` are the values that matter; `answer` makes names of them, and remembers what it made.
    """

    __slots__ = ("_answers", "_rows", "paths")

    def __init__(self, paths: tuple[str, ...], rows: tuple[_Row, ...]) -> None:
        self.paths = paths
        self._rows = rows
        self._answers: dict[Any, Names] = {}

    def forget(self) -> None:
        self._answers.clear()

    def answer(self, values: Key) -> Names:
        answer = self._answers.get(values)
        if answer is None:
            if len(self._answers) >= COMBINATION_LIMIT:
                self._answers.clear()
            answer = self._answers[values] = self._work_out(values)
        return answer

    def _work_out(self, values: Key) -> Names:
        names: dict[str, str] = {}
        for name, table, places in self._rows:
            if name not in names:
                label = table.get(tuple([values[place] for place in places]))
                if label is not None:
                    names[name] = label
        return Names(names)


class NameCache:
    """The metadata of one server, by record type and key."""

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = None if path is None else os.fspath(path)
        self.tables: dict[int, dict[Key, str]] = {}
        self.generation = 0
        self._plans: dict[tuple[int, type | Set[str]], _Plan] = {}
        self._getters: dict[tuple[int, type], Callable[[Event], Key]] = {}
        self._changed = False
        if self.path is not None:
            self._load(self.path)

    def __len__(self) -> int:
        return sum(map(len, self.tables.values()))

    def learn(self, record: Record) -> None:
        """Take in a metadata record; others are passed over.

        Raises:
            DecodeError: the record does not fit its layout.
        """
        found = _read(record)
        if found is not None:
            self._put(record.record_type, *found)

    def would_change(self, record: Record) -> bool:
        """Whether learning this record would change what was said before of the same key.

        Raises:
            DecodeError: the record does not fit its layout.
        """
        table = self.tables.get(record.record_type)
        if table is None:
            return False
        found = _read(record)
        return found is not None and table.get(found[0], found[1]) != found[1]

    def _put(self, record_type: int, key: Key, label: str) -> None:
        table = self.tables.get(record_type)
        if table is None:
            table = self.tables[record_type] = {}
            self._plans.clear()
            self._getters.clear()
            self.generation += 1
        before = table.get(key)
        if before == label:
            return
        if before is None and len(table) >= TABLE_LIMIT:
            for old in list(table)[: TABLE_LIMIT // 4]:
                del table[old]
        table[key] = label
        self._changed = True
        for plan in self._plans.values():
            plan.forget()

    def name(self, record_type: int, *key: Any) -> str | None:
        """The text of one metadata record, None if it was not seen."""
        return self.tables.get(record_type, {}).get(key)

    def find(self, record_type: int, label: str) -> list[Key]:
        """The keys of all metadata records of that type with that text."""
        return [key for key, text in self.tables.get(record_type, {}).items() if text == label]

    def names_of(self, event: Event) -> Names:
        """The `names` of an event; not to be changed, the same answer serves many events."""
        kind = (event.record_type, type(event.data))
        plan = self._plans.get(kind)
        if plan is None:
            plan = self._plan_for(event)
        answer = plan.answer(self._getters[kind](event))
        if event.netmap_id and DOMAIN.record_type in self.tables:
            domain = self.name(DOMAIN.record_type, event.netmap_id)
            if domain is not None:
                return Names({**answer, DOMAIN.name: domain})
        return answer

    def names_json(self, event: Event) -> msgspec.Raw | msgspec.UnsetType:
        """The same as JSON, UNSET where there are none."""
        return self.names_of(event).json

    def names_from(
        self, record_type: int, wanted: Set[str]
    ) -> tuple[tuple[str, ...], Callable[[Key], Mapping[str, str]]]:
        """For outputs that read columns: the columns these names depend on, and what makes names of them."""
        plan = self._plans.get((record_type, wanted))
        if plan is None:
            references = [
                reference for reference in REFERENCES.get(record_type, ()) if reference.name in wanted
            ]
            plan = self._plans[record_type, wanted] = self._make_plan(references)
        return plan.paths, plan.answer

    def _plan_for(self, event: Event) -> _Plan:
        fields = frozenset(getattr(event.data, "__struct_fields__", ()))
        references = [
            reference
            for reference in REFERENCES.get(event.record_type, ())
            if reference.header or fields.issuperset(reference.fields)
        ]
        kind = (event.record_type, type(event.data))
        plan = self._plans[kind] = self._make_plan(references)
        paths = [path if path.startswith("header.") else f"data.{path}" for path in plan.paths]
        if len(paths) > 1:
            self._getters[kind] = attrgetter(*paths)
        elif paths:
            get = attrgetter(*paths)
            self._getters[kind] = lambda event: (get(event),)
        else:
            self._getters[kind] = lambda event: ()
        return plan

    def _make_plan(self, references: Sequence[Reference]) -> _Plan:
        places: dict[str, int] = {}
        rows: list[_Row] = []
        for reference in references:
            table = self.tables.get(reference.record_type)
            if table is not None:
                paths = [f"header.{field}" if reference.header else field for field in reference.fields]
                rows.append(
                    (reference.name, table, tuple(places.setdefault(path, len(places)) for path in paths))
                )
        return _Plan(tuple(places), tuple(rows))

    def _load(self, path: str) -> None:
        with contextlib.suppress(OSError, ValueError, TypeError, msgspec.MsgspecError):
            with open(path, "rb") as file:
                kind, rows = msgspec.msgpack.decode(
                    file.read(), type=tuple[str, list[tuple[int, list[Any], str]]]
                )
            if kind == _FORMAT:
                for record_type, key, label in rows:
                    self._put(record_type, tuple(key), label)
        self._changed = False

    def save(self) -> None:
        """Write the copy on disk if something was learned; a disk that does not take it is no misfortune."""
        if self.path is None or not self._changed:
            return
        rows = [
            (record_type, key, label)
            for record_type, table in self.tables.items()
            for key, label in table.items()
        ]
        temporary = f"{self.path}.new"
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(os.path.abspath(self.path)), mode=0o700, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.msgpack.encode((_FORMAT, rows)))
            os.replace(temporary, self.path)
            self._changed = False


def _read(record: Record) -> tuple[Key, str] | None:
    """Key and text of a metadata record; None if it is none, or names nothing."""
    rule = METADATA.get(record.record_type)
    if rule is None:
        return None
    data = decode_record(record).data
    for fields, label_field in ((rule.fields, rule.label), *rule.variants):
        key = tuple([getattr(data, field, msgspec.UNSET) for field in fields])
        label = getattr(data, label_field, msgspec.UNSET)
        if msgspec.UNSET not in key and isinstance(label, str):
            return None if _is_nothing(key) else (key, label)
    return None


def _is_nothing(key: Key) -> bool:
    """A key with a zero number, or one of identifiers that are all zero, stands for nothing."""
    return any(not part for part in key) or all(
        isinstance(part, str) and not part.strip("0-:") for part in key
    )
