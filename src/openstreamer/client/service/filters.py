"""Which events an output gets: a `[filters.NAME]` section as a question that each record is asked.

Class and record type stand in the record's head; the other keys need it decoded. Packets and extra data have
neither rule nor addresses of their own: where those are asked for they go with their alert, which comes just
before them. The alert of one that comes first after a restart is not known; then it passes.

An entry with ! excludes. Not here: routing (which output has which filters).
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from openstreamer.client.service.configuration import FilterSection
from openstreamer.layouts.records import EVENT_CLASSES, RECORDS
from openstreamer.outputs.columns import COLUMNS
from openstreamer.protocol.records import Event, Record

ALERTS_KEPT = 20_000
"""How many verdicts on alerts are remembered for their packets."""

_ADDRESSES_KEPT = 50_000
_FOLLOWERS = frozenset({"packet", "extra-data"})
_ADDRESS_PLACES = tuple(
    place for name in ("source_ip", "destination_ip") for place in COLUMNS[name].sources if place != "server"
)
_DEVICE_PLACES = tuple(place for place in COLUMNS["device"].sources if not place.startswith("names."))

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
T = TypeVar("T")

Problem = tuple[str, int, str]
"""Key, number of the entry, what is wrong with it."""


class _Choice(Generic[T]):
    """Entries of one key: those that let through and those that exclude."""

    def __init__(self, entries: Sequence[int | str], read: Callable[[str], T]) -> None:
        self.wanted: list[T] = []
        self.excluded: list[T] = []
        self.problems: list[tuple[int, str]] = []
        for number, entry in enumerate(entries):
            text = str(entry)
            kept = self.excluded if text.startswith("!") else self.wanted
            try:
                kept.append(read(text.removeprefix("!").strip()))
            except ValueError as error:
                self.problems.append((number, str(error)))

    def __bool__(self) -> bool:
        return bool(self.wanted or self.excluded)

    def judge(self, matches: Callable[[T], bool]) -> bool:
        """Whether something that matches as told is let through."""
        if any(matches(entry) for entry in self.excluded):
            return False
        return not self.wanted or any(matches(entry) for entry in self.wanted)


def _event_class(text: str) -> str:
    if text not in EVENT_CLASSES:
        raise ValueError(f"there are no events {text!r}; there are {', '.join(EVENT_CLASSES)}")
    return text


def _record_type(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{text!r} is no number of a record type")
    return int(text)


def _sensor(text: str) -> int | str:
    if not text:
        raise ValueError("the name of a sensor is empty")
    return int(text) if text.isdecimal() else text


def _rule(text: str) -> tuple[int, int | None]:
    generator, colon, signature = text.partition(":")
    if not colon or not generator.isdecimal() or not (signature.isdecimal() or signature == "*"):
        raise ValueError(f"{text!r} is no rule; write GENERATOR:SIGNATURE, such as 1:2001219, or 1:*")
    return int(generator), None if signature == "*" else int(signature)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no network: {error}") from None


class Filter:
    """One filter, ready to be asked."""

    def __init__(self, section: FilterSection) -> None:
        self._events = _Choice(section.events, _event_class)
        self._types = _Choice(section.record_types, _record_type)
        self._sensors = _Choice(section.sensors, _sensor)
        self._rules = _Choice(section.rules, _rule)
        self._networks = _Choice(section.networks, _network)
        self._by_type: dict[int, bool] = {}
        self._by_address: dict[str, bool] = {}
        self._alerts: OrderedDict[tuple[int, int, int], bool] = OrderedDict()
        self.needs_event = bool(self._sensors or self._rules or self._networks)

    @property
    def problems(self) -> Iterator[Problem]:
        """What is wrong with the section."""
        for key, choice in (
            ("events", self._events),
            ("record_types", self._types),
            ("sensors", self._sensors),
            ("rules", self._rules),
            ("networks", self._networks),
        ):
            for number, text in choice.problems:
                yield key, number, text

    def takes_type(self, record_type: int) -> bool:
        """Whether records of this type can pass at all."""
        known = self._by_type.get(record_type)
        if known is None:
            row = RECORDS.get(record_type)
            event_class = row.event_class if row is not None else None
            known = self._by_type[record_type] = self._events.judge(
                lambda name: name == event_class
            ) and self._types.judge(lambda number: number == record_type)
        return known

    def takes(self, record: Record, event: Event | None, names: Mapping[str, str]) -> bool:
        """Whether this record passes; `event` is its decoded form, which `needs_event` asks for.

        A record that could not be decoded passes if its type does: whoever wants it will tell.
        """
        row = RECORDS.get(record.record_type)
        follows = row is not None and row.event_class in _FOLLOWERS
        if self.needs_event and event is not None and not follows:
            verdict = self._judge_event(event, names)
            if row is not None and row.event_class == "intrusion":
                self._remember(event.data, verdict)
            return verdict and self.takes_type(record.record_type)
        if not self.takes_type(record.record_type):
            return False
        if not self.needs_event or event is None:
            return True
        return self._alerts.get(_alert_key(event.data), True) and self._judge_sensor(event, names)

    def _judge_event(self, event: Event, names: Mapping[str, str]) -> bool:
        if not self._judge_sensor(event, names):
            return False
        if self._rules:
            rule = (_read(event, "data.generator_id"), _read(event, "data.signature_id"))
            if not self._rules.judge(lambda entry: rule[0] == entry[0] and entry[1] in (None, rule[1])):
                return False
        if not self._networks:
            return True
        ends = [value for place in _ADDRESS_PLACES if isinstance(value := _read(event, place), str)]
        if any(self._in(address, self._networks.excluded, "!") for address in ends):
            return False
        wanted = self._networks.wanted
        return not wanted or any(self._in(address, wanted, "") for address in ends)

    def _judge_sensor(self, event: Event, names: Mapping[str, str]) -> bool:
        if not self._sensors:
            return True
        known = {names.get("device"), *(_read(event, place) for place in _DEVICE_PLACES)}
        return self._sensors.judge(lambda entry: entry in known or str(entry) in known)

    def _in(self, address: str, networks: list[Network], mark: str) -> bool:
        key = mark + address
        known = self._by_address.get(key)
        if known is None:
            if len(self._by_address) >= _ADDRESSES_KEPT:
                self._by_address.clear()
            try:
                number = ipaddress.ip_address(address)
            except ValueError:
                return False
            known = any(number.version == network.version and number in network for network in networks)
            self._by_address[key] = known
        return known

    def _remember(self, alert: Any, verdict: bool) -> None:
        self._alerts[_alert_key(alert)] = verdict
        if len(self._alerts) > ALERTS_KEPT:
            self._alerts.popitem(last=False)


def _alert_key(data: Any) -> tuple[int, int, int]:
    """What alerts, packets and extra data have in common."""
    return tuple(getattr(data, field, 0) for field in ("device_id", "event_id", "event_second"))  # type: ignore[return-value]


def _read(event: Event, place: str) -> Any:
    value: Any = event
    for part in place.rstrip("?").split("."):
        value = getattr(value, part, None)
        if value is None:
            return None
    return value
