"""eNcore's configuration as one of `openstreamer run`, and what of it has no counterpart.

eNcore is an older client of the same servers; its `estreamer.conf` is JSON. What both can say is carried
over, with a comment where the meaning shifts; every other key gets a sentence that says why not. Keys that
end in `@comment` are its way of writing comments.

Not here: eNcore's state. Its bookmark, if it lies beside the file, becomes the time to begin at
(`read_bookmark`); names and events it has stored stay where they are. What the parts mean to users is in
docs/coming-from-encore.md.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from openstreamer.client.encore_outputs import Outputter, convert_outputter
from openstreamer.client.service.configuration import (
    ClientSection,
    Configuration,
    FilterSection,
    OutputSection,
    ServerSection,
    render,
)
from openstreamer.errors import ConfigurationError, UsageError
from openstreamer.layouts.records import EVENT_CLASSES, RECORDS

_LEVELS = {
    "FATAL": "error",
    "ERROR": "error",
    "WARNING": "warning",
    "INFO": "info",
    "DEBUG": "debug",
    "VERBOSE": "debug",
    "TRACE": "debug",
}

_WRITTEN: Mapping[str, tuple[str, ...]] = {
    "core": ("correlation", "impact-alert", "malware", "file"),
    "connections": ("connection",),
    "intrusion": ("intrusion", "extra-data"),
    "packets": ("packet",),
    "rna": ("discovery",),
    "rua": ("user",),
}
"""Switches of handler.records, and the classes of events that each stands for."""

_ASKED: Mapping[str, tuple[str, ...]] = {
    "packetData": ("packet",),
    "eventExtraData": ("extra-data",),
    "impactEventAlerts": ("impact-alert",),
    "intrusion": ("intrusion",),
}
"""Switches of subscription.records that leave out a class when they are off."""

_NO_COUNTERPART: Mapping[str, str] = {
    "responseTimeout": "eNcore asks again and again whether there is something to read; here the client is"
    " woken."
    " A dead link is noticed by read_deadline",
    "workerProcesses": "one process does all of it; there is nothing to be divided",
    "batchSize": "batches are as large as what has arrived",
    "queueSize": "queues are bounded in bytes, one for each output: queue_bytes",
    "maxQueueSize": "queues are bounded in bytes, one for each output: queue_bytes",
    "alwaysAttemptToContinue": "the client always goes on: lost connections are mended for ever",
    "conditions": "what starts and stops the service is up to the service manager (deploy/)",
    "monitor": "eNcore writes counters into its log; here they are on a page for Prometheus, and /healthz"
    " says"
    " whether all is well: [client] health",
    "logging.filepath": "messages go to standard error, which the service manager keeps (journalctl)",
    "logging.format": "there is text and JSON: [client] log_format",
    "logging.stdOut": "messages go to standard error, events where the outputs say",
    "logging.stdErr": "messages go to standard error",
    "subscription.records.packetEncoding": "JSON has packets in base64; -o pcap and pcapng write them as"
    " such",
}


class Note(msgspec.Struct, frozen=True):
    """A key of eNcore's file that has no counterpart here, and why."""

    key: str
    why: str


class Conversion(msgspec.Struct, kw_only=True):
    """What came of a file.

    Attributes:
        configuration: ours. comments: sentences for its sections and keys. notes: what has no counterpart.
    """

    configuration: Configuration
    comments: dict[str, str]
    notes: list[Note]

    def text(self) -> str:
        """The TOML file, with the notes as comments at its end."""
        lines = [render(self.configuration, self.comments)]
        if self.notes:
            lines.append("\n# What the file of eNcore says and this one cannot:\n")
            lines += [f"# {note.key}: {note.why}\n" for note in self.notes]
        return "".join(lines)


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read eNcore's file.

    Raises:
        UsageError: it cannot be read. ConfigurationError: it is no JSON object.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {os.fspath(path)}: {error.strerror}") from error
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ConfigurationError(f"this is no JSON: {error}", where=os.fspath(path)) from None
    if not isinstance(found, dict):
        raise ConfigurationError("this is no file of eNcore, which is one JSON object", where=os.fspath(path))
    return found


def read_bookmark(folder: Path, host: str, port: int) -> int | None:
    """The archive time up to which eNcore has come; None if there is no bookmark, or it cannot be read."""
    try:
        found = json.loads((folder / f"{host}-{port}_bookmark.dat").read_bytes())
        times = [int(value) for value in found.values()]
    except (OSError, ValueError, AttributeError, TypeError):
        return None
    return max((time for time in times if 0 < time < 0xFFFFFFFF), default=None)


class _Source:
    """eNcore's object, read by dotted keys; remembers which were asked for."""

    def __init__(self, root: dict[str, Any], where: str) -> None:
        self._root = root
        self._where = where
        self._seen: set[str] = set()

    def get(self, key: str, kind: type[Any] | tuple[type[Any], ...], default: Any) -> Any:
        """A value. Raises ConfigurationError if it is of another kind."""
        self._seen.add(key)
        found: Any = self._root
        for part in key.split("."):
            if not isinstance(found, dict) or part not in found:
                return default
            found = found[part]
        if not isinstance(found, kind) or (isinstance(found, bool) and kind in (int, (int, str))):
            wanted = kind[0].__name__ if isinstance(kind, tuple) else kind.__name__
            raise ConfigurationError(
                f"{key} is {found!r}; here stands a value of kind {wanted}", where=self._where
            )
        return found

    def left(self) -> Iterator[str]:
        """Keys that nobody asked for, without comments."""
        yield from self._left(self._root, "")

    def _left(self, part: dict[str, Any], before: str) -> Iterator[str]:
        for name, value in part.items():
            key = f"{before}{name}"
            if name.endswith("@comment") or key in self._seen:
                continue
            inside = any(seen.startswith(f"{key}.") for seen in self._seen)
            if isinstance(value, dict) and (inside or not _reason(key)):
                yield from self._left(value, f"{key}.")
            else:
                yield key


def _reason(key: str) -> str:
    return _NO_COUNTERPART.get(key) or _NO_COUNTERPART.get(key.partition(".")[0], "")


def convert(root: dict[str, Any], *, where: str = "estreamer.conf", folder: Path | None = None) -> Conversion:
    """Carry over what both can say.

    Args:
        root: what eNcore's file holds. where: its name, for messages. folder: where eNcore runs, to which its
            relative paths belong; None leaves them as they are.

    Raises:
        ConfigurationError: it is not a file of eNcore, or a value is of another kind than eNcore's.
    """
    source = _Source(root, where)
    comments: dict[str, str] = {"": f"Made from {Path(where).name}, the configuration of eNcore."}
    notes: list[Note] = []
    events, filters = _events(source, comments)
    servers = _servers(source, events, comments, notes, folder)
    outputs = _outputs(source, comments, notes, folder, list(filters))
    level = str(source.get("logging.level", str, "INFO")).upper()
    client = ClientSection(log_level=_LEVELS.get(level, "info"))  # type: ignore[arg-type]
    if not source.get("enabled", bool, True):
        comments[""] += " It said enabled: false there, so eNcore would not have run."
    for key in source.left():
        notes.append(Note(key, _reason(key) or "this key is not known to the converter"))
    configuration = Configuration(client=client, servers=servers, filters=filters, outputs=outputs)
    return Conversion(configuration=configuration, comments=comments, notes=_merged(notes))


def _merged(notes: list[Note]) -> list[Note]:
    """One note for several keys of one group that have the same reason."""
    by_reason: dict[str, list[str]] = {}
    for note in notes:
        by_reason.setdefault(note.why, []).append(note.key)
    return [Note(", ".join(keys), why) for why, keys in by_reason.items()]


def _events(source: _Source, comments: dict[str, str]) -> tuple[list[str], dict[str, FilterSection]]:
    """The classes to ask for, and a filter where record types are named one by one."""
    wanted: set[str] = set()
    for switch, classes in _WRITTEN.items():
        if source.get(f"handler.records.{switch}", bool, True):
            wanted.update(classes)
    for switch, classes in _ASKED.items():
        if not source.get(f"subscription.records.{switch}", bool, True):
            wanted.difference_update(classes)
    included = _numbers(source, "handler.records.include")
    excluded = _numbers(source, "handler.records.exclude")
    filters: dict[str, FilterSection] = {}
    extra = {row.event_class for n in included if (row := RECORDS.get(n)) and row.event_class} - wanted
    wanted_names = [name for name in EVENT_CLASSES if name in wanted]
    if excluded or extra:
        filters["written"] = FilterSection(
            events=wanted_names if extra else [], record_types=[f"!{number}" for number in excluded]
        )
        comments["filters.written"] = "handler.records of eNcore: what it wrote."
    if extra:
        numbers = [number for number in included if number not in excluded]
        filters["included"] = FilterSection(record_types=list(numbers))
        comments["filters.included"] = "handler.records.include of eNcore: written whatever else is said."
    asked = [name for name in EVENT_CLASSES if name in wanted | extra]
    return (["all"] if len(asked) == len(EVENT_CLASSES) else asked), filters


def _numbers(source: _Source, key: str) -> list[int]:
    found = source.get(key, list, [])
    return [number for number in found if isinstance(number, int)]


def _servers(
    source: _Source,
    events: list[str],
    comments: dict[str, str],
    notes: list[Note],
    folder: Path | None,
) -> dict[str, ServerSection]:
    listed = source.get("subscription.servers", list, [])
    if not listed or not all(isinstance(each, dict) and each.get("host") for each in listed):
        raise ConfigurationError(
            "subscription.servers names no host, so this is no file of eNcore", where=source._where
        )
    extended = source.get("subscription.records.extended", bool, True)
    start = source.get("start", int, 2)
    names = source.get("subscription.records.metadata", bool, True)
    times = source.get("subscription.records.archiveTimestamps", bool, True)
    timeout = source.get("connectTimeout", (int, float), 20)
    always = "is always asked for"
    if not names:
        why = f"metadata {always}; names = false leaves it out of an output"
        notes.append(Note("subscription.records.metadata", why))
    if not times:
        why = f"the archive time {always}: the position is kept by it"
        notes.append(Note("subscription.records.archiveTimestamps", why))
    servers: dict[str, ServerSection] = {}
    for number, each in enumerate(listed):
        host, port = str(each["host"]), int(each.get("port", 8302))
        name = _name(host, servers)
        since, said = _since(start, folder, host, port)
        servers[name] = ServerSection(
            host=host,
            port=port,
            pkcs12=_path(str(each.get("pkcs12Filepath", "client.pkcs12")), folder),
            events=events,
            extended=extended,
            since=since,
            connect_seconds=float(timeout) if timeout > 0 else 20.0,
        )
        comments[f"servers.{name}.since"] = said
        comments[f"servers.{name}.pkcs12"] = (
            "eNcore asks for its password once and keeps the key as a file; here name a file with the"
            " password,"
            " if it has one: password_file."
        )
        if number:
            comments[f"servers.{name}"] = (
                "eNcore used the first server of the list only; this one is asked too."
            )
        version = each.get("tlsVersion", 1.2)
        if version not in (1.2, 1.3, "1.2", "1.3"):
            notes.append(Note(f"subscription.servers[{number}].tlsVersion",
                              f"TLS {version} is not spoken any more; 1.2 and 1.3 are tried"))  # fmt: skip
        known = {"host", "port", "pkcs12Filepath", "tlsVersion"}
        for key in each:
            if key not in known and not key.endswith("@comment"):
                notes.append(
                    Note(f"subscription.servers[{number}].{key}", "this key is not known to the converter")
                )
    return servers


def _name(host: str, taken: Mapping[str, object]) -> str:
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", host).strip("-") or "server"
    return name if name not in taken else f"{name}-{len(taken) + 1}"


def _since(start: int, folder: Path | None, host: str, port: int) -> tuple[int | str, str]:
    if start == 0:
        return "beginning", "start: 0. It is the first run only that begins there; later ones go on."
    if start == 1:
        return "now", "start: 1. It is the first run only that begins there; later ones go on."
    bookmark = None if folder is None else read_bookmark(folder, host, port)
    if bookmark is None:
        return "beginning", (
            "start: 2, the bookmark; none was found beside the file, so the first run begins with the"
            " oldest event."
        )
    when = f"{datetime.fromtimestamp(bookmark, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return when, "start: 2, and this is eNcore's bookmark. Events of that second may come a second time."


def _path(text: str, folder: Path | None) -> str:
    if not text or os.path.isabs(text) or folder is None:
        return text
    return os.path.normpath(os.path.join(folder, text))


def _outputs(
    source: _Source,
    comments: dict[str, str],
    notes: list[Note],
    folder: Path | None,
    filters: list[str],
) -> dict[str, OutputSection]:
    metadata = source.get("handler.records.metadata", bool, False)
    outputs: dict[str, OutputSection] = {}
    for number, each in enumerate(source.get("handler.outputters", list, [])):
        where = f"handler.outputters[{number}]"
        if not isinstance(each, dict) or not isinstance(each.get("adapter"), str):
            raise ConfigurationError(f"{where} names no adapter", where=source._where)
        if not each.get("enabled", True):
            notes.append(Note(where, "it was not enabled"))
            continue
        made: Outputter = convert_outputter(each)
        notes += [Note(f"{where}.{key}" if key else where, why) for key, why in made.notes]
        if made.format is None:
            continue
        name = _name(str(each.get("name") or made.format), outputs)
        target = _path(made.target, folder) if made.is_file else made.target
        outputs[name] = OutputSection(
            format=made.format,
            target=target,
            settings=made.settings,
            filters=filters,
            metadata=metadata and made.format == "json",
        )
        if made.comment:
            comments[f"outputs.{name}"] = made.comment
        if metadata and made.format == "json":
            comments[f"outputs.{name}.metadata"] = (
                "eNcore wrote metadata as lines of their own (handler.records.metadata). Events have the"
                " names in"
                " them, so this can go."
            )
    if not outputs:
        outputs["file"] = OutputSection(format="json", target=_path("events.json", folder), filters=filters)
        comments["outputs.file"] = "No outputter could be carried over; this one makes the file complete."
    return outputs
