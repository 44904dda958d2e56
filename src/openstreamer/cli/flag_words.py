"""What a request flag word asks for, bit by bit and all together: what `explain flags` says.

The second part goes by the selection that a server of ours would make of the word, so it says what really
comes: which version wins, which records in which blocks, and what those cannot tell. Not here: what a server
does with it (protocol.selection).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from openstreamer.layouts.records import EVENT_CLASSES, RECORDS
from openstreamer.layouts.requests import EXTENDED, FLAG_BITS, NUMBER_OF_CLASS, Form, forms_of
from openstreamer.protocol.selection import EXTENDED_REQUEST, Selection, select

_EXTRA_DATA_NAME = 111


def forms_in_words(forms: Iterable[Form]) -> str:
    """Record and block types as in "71/174, 73/161"."""
    return ", ".join(
        f"{form.record_type}" if form.block_type is None else f"{form.record_type}/{form.block_type}"
        for form in sorted(forms, key=lambda form: form.record_type)
    )


def _is_guess(event_class: str | None, version: int | None) -> bool:
    return (
        event_class is not None
        and version is not None
        and EXTENDED[NUMBER_OF_CLASS[event_class], version].guess
    )


def bit_rows(word: int) -> list[list[str]]:
    """A row for each bit that is set: number, mask, name, meaning, records and blocks."""
    rows = []
    for bit in range(32):
        if not word >> bit & 1:
            continue
        flag = FLAG_BITS.get(bit)
        if flag is None:
            rows.append([str(bit), f"{1 << bit:#010x}", "not defined", "Ignored.", ""])
            continue
        guess = " (guess)" if _is_guess(flag.event_class, flag.version) else ""
        yields = f"{forms_in_words(forms_of(bit))}{guess}"
        rows.append([str(bit), f"{flag.mask:#010x}", flag.name, flag.meaning, yields])
    return rows


def selection_of(word: int) -> Selection:
    """What the bits ask for, without the list that follows bit 30."""
    return select(word & ~EXTENDED_REQUEST, None)


def record_rows(word: int) -> list[list[str]]:
    """A row for each event record that comes: event type, version, release, record, block, name."""
    selection = selection_of(word)
    rows = []
    for name in EVENT_CLASSES:
        asked = selection.asked.get(name)
        if asked is None:
            continue
        version, release = "", ""
        if asked.version is not None:
            request = EXTENDED[NUMBER_OF_CLASS[name], asked.version]
            version, release = str(asked.version), request.release
        rows += [
            [name, version, release, str(form.record_type), _block(form), RECORDS[form.record_type].name]
            for form in sorted(asked.forms, key=lambda form: form.record_type)
        ]
    return rows


def _block(form: Form) -> str:
    return "" if form.block_type is None else str(form.block_type)


def notes(word: int) -> Iterator[str]:
    """Sentences about the word as a whole."""
    selection = selection_of(word)
    yield from _metadata_note(selection)
    if selection.extended_header:
        yield "Events carry their archive time (record header of 16 bytes), which resuming needs."
    else:
        yield "Events carry no archive time (record header of 8 bytes), so a client cannot resume."
    if any(asked.discovery_header == "legacy" for asked in selection.asked.values()):
        yield (
            "The discovery event header is the one of 40 bytes with an IPv4 address: events of hosts that"
            " have only an IPv6 address are left out."
        )
    yield from _version_notes(word)
    if not any(name in selection.asked for name in EVENT_CLASSES):
        yield "No events are asked for; a session may still ask for host profiles."
    if word & EXTENDED_REQUEST:
        yield "A streaming request follows; its event types override the bits of the same class."
    if any(_is_guess(name, asked.version) for name, asked in selection.asked.items()):
        yield "guess: no source says which records the bit stands for; inferred from its neighbours."


def _metadata_note(selection: Selection) -> Iterator[str]:
    metadata = selection.asked.get("metadata")
    if metadata is None:
        yield "No metadata is asked for: numbers in events come without their names."
        return
    numbers = [form.record_type for form in metadata.forms if selection.wants(form.record_type)]
    yield (
        f"Metadata version {metadata.version} names what events refer to, before the first of them:"
        f" records {_ranges(sorted(set(numbers)))}."
    )


def _ranges(numbers: list[int]) -> str:
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]}" if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)


def _version_notes(word: int) -> Iterator[str]:
    versions: dict[str, set[int]] = {}
    for flag in FLAG_BITS.values():
        if word & flag.mask and flag.event_class is not None and flag.version is not None:
            versions.setdefault(flag.event_class, set()).add(flag.version)
    for event_class, asked in versions.items():
        if len(asked) > 1:
            several = ", ".join(map(str, sorted(asked)))
            yield f"Versions {several} of {event_class} are asked for: the highest is sent."
