"""A file becomes a `Plan`, or `Mistakes`: all that is wrong with it, found in one go.

Nothing is connected and nothing is written, but files that the configuration names are read: certificates
are opened with their passwords, and outputs are made (not opened), because each knows best what it cannot do.
What a section means by itself is in configuration.py, how sections are read in mistakes.py.
"""

from __future__ import annotations

import os
import tomllib
import typing
from pathlib import Path
from typing import Any

import msgspec

from openstreamer.client.credentials import ClientCredentials, make_context
from openstreamer.client.feed import FeedSettings
from openstreamer.client.position import FROM_NOW, FROM_OLDEST
from openstreamer.client.receiver import Wanted
from openstreamer.client.request import events_for, make_request, parse_flags
from openstreamer.client.service.configuration import (
    SECTIONS,
    ClientSection,
    Configuration,
    FilterSection,
    OutputSection,
    PairSection,
    Section,
    ServerSection,
    size_of,
)
from openstreamer.client.service.filters import Filter
from openstreamer.client.service.mistakes import Collector, Mistake, Mistakes
from openstreamer.client.service.plan import OutputPlan, Plan, ServerPlan, SourcePlan
from openstreamer.client.service.toml_lines import lines_of
from openstreamer.client.times import parse_since
from openstreamer.errors import OpenStreamerError, UsageError
from openstreamer.layouts.records import RECORDS
from openstreamer.outputs.interface import IS_FILE, Output
from openstreamer.outputs.registry import OutputSpec, find, names

MIN_QUEUE = 64 * 1024

_INSTEAD: dict[str, dict[str, Any]] = {"servers": {"host": "?"}}
"""What stands in for a key that is missing, so that the rest of its section can be judged."""


def load(path: str | os.PathLike[str], *, state: str | os.PathLike[str]) -> Plan:
    """Read and check a file.

    Args:
        path: the file. state: the state directory, where the file does not name one.

    Raises:
        Mistakes: what is wrong with it.
    """
    where = os.fspath(path)
    try:
        with open(where, "rb") as file:
            text = file.read().decode()
        tree = tomllib.loads(text)
    except OSError as error:
        raise Mistakes(where, [Mistake(1, "", f"it cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Mistakes(where, [Mistake(line, "", "it is not UTF-8 text")]) from error
    except tomllib.TOMLDecodeError as error:
        raise Mistakes(where, [_syntax(str(error), text)]) from error
    checker = _Checker(tree, Collector(lines_of(text)), Path(os.path.abspath(where)).parent)
    plan = checker.plan(Path(state))
    if checker.collector.found:
        raise Mistakes(where, checker.collector.found)
    return plan


def _syntax(message: str, text: str) -> Mistake:
    reason, found, place = message.partition(" (at line ")
    line = place.partition(",")[0]
    if found and line.isdecimal():
        return Mistake(int(line), "", f"this is not TOML: {reason[:1].lower()}{reason[1:]}")
    return Mistake(text.count("\n") + 1, "", f"this is not TOML: {message[:1].lower()}{message[1:]}")


class _Checker:
    """One run over one file."""

    def __init__(self, tree: dict[str, Any], collector: Collector, base: Path) -> None:
        self._tree = tree
        self.collector = collector
        self._base = base
        self._warnings: list[str] = []
        self.configuration = self._read()

    def _read(self) -> Configuration:
        sections: dict[str, Any] = {}
        for name, value in self._tree.items():
            kind = SECTIONS.get(name)
            if kind is None:
                self.collector.add((name,), f"there is no such section{Collector.nearest(name, SECTIONS)}")
            elif kind is ClientSection:
                sections[name] = self.collector.read(kind, value, (name,)) or ClientSection()
            else:
                sections[name] = self._read_named(name, kind, value)
        return Configuration(**sections)

    def _read_named(self, name: str, kind: type[Section], value: Any) -> dict[str, Any]:
        found = {}
        if not isinstance(value, dict):
            self.collector.add((name,), f"each of these has a name: write [{name}.NAME]")
            return {}
        singular = name.removesuffix("s")
        for each, part in value.items():
            if not isinstance(part, dict):
                self.collector.add((name, each), f"a {singular} is a section: write [{name}.NAME]")
                continue
            if not each or not all(letter.isalnum() or letter in "-_." for letter in each) or each[0] == ".":
                self.collector.add((name, each), "a name is made of letters, digits, - _ and .")
            section = self.collector.read(kind, part, (name, each), instead=_INSTEAD.get(name))
            if section is not None:
                found[each] = section
        return found

    def _path(self, text: str) -> str:
        """A path of the file, made absolute."""
        return os.path.abspath(self._base / os.path.expanduser(text)) if text else ""

    # --- the whole ------------------------------------------------------------------------------------

    def plan(self, state: Path) -> Plan:
        """Judge everything. What could not be read is left out; its mistakes are noted already."""
        client = self.configuration.client
        if client.state:
            state = Path(self._path(client.state))
        self._check_health(client)
        self._check_state(state)
        for name, section in self.configuration.filters.items():
            for key, number, text in Filter(section).problems:
                self.collector.add(("filters", name, key, number), text)
        sources = self._sources()
        outputs = self._outputs(state, sources)
        self._check_targets(outputs)
        plans = {
            name: self._source_plan(name, servers, state, outputs)
            for name, servers in sources.items()
            if any(name in output.sources for output in outputs.values()) or not outputs
        }
        for name in sources.keys() - plans.keys():
            self._warnings.append(f"no output takes the events of {name}; it is not connected")
        return Plan(
            client=client,
            state=state,
            sources={name: plan for name, plan in plans.items() if plan is not None},
            outputs=outputs,
            warnings=tuple(self._warnings),
        )

    def _check_health(self, client: ClientSection) -> None:
        if client.health != "off":
            try:
                parse_health(client.health)
            except UsageError as error:
                self.collector.add(("client", "health"), str(error))

    def _check_state(self, state: Path) -> None:
        there = state
        while not there.exists() and there != there.parent:
            there = there.parent
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            what = "is no directory" if not there.is_dir() else "cannot be written"
            self.collector.add(("client", "state"), f"the state directory {state}: {there} {what}")

    # --- servers --------------------------------------------------------------------------------------

    def _sources(self) -> dict[str, tuple[str, ...]]:
        """Every source with the names of its servers: pairs first as declared, then the other servers."""
        servers = self._tree.get("servers")
        declared = servers.keys() if isinstance(servers, dict) else ()
        if not declared:
            self.collector.add(("servers",), "no server is named: write a section [servers.NAME]")
        found: dict[str, tuple[str, ...]] = {}
        paired: dict[str, str] = {}
        for name, pair in self.configuration.pairs.items():
            if name in declared:
                self.collector.add(("pairs", name), "a server has this name too; give the pair another")
            for key in ("primary", "secondary"):
                server = getattr(pair, key)
                if server not in declared:
                    near = Collector.nearest(server, declared)
                    self.collector.add(("pairs", name, key), f"there is no server {server!r}{near}")
                elif server in paired:
                    self.collector.add(
                        ("pairs", name, key), f"{server!r} belongs to {paired[server]} already"
                    )
                paired[server] = f"the pair {name!r}"
            found[name] = (pair.primary, pair.secondary)
        found.update({name: (name,) for name in declared if name not in paired})
        return found

    def _source_plan(
        self, name: str, servers: tuple[str, ...], state: Path, outputs: dict[str, OutputPlan]
    ) -> SourcePlan | None:
        takers = [output for output in outputs.values() if name in output.sources]
        members = [self._server_plan(server, state, takers) for server in servers]
        pair: PairSection | None = self.configuration.pairs.get(name)
        ready = tuple(member for member in members if member is not None)
        if len(ready) < len(servers):
            return None
        if pair is None:
            return SourcePlan(name=name, members=ready)
        return SourcePlan(
            name=name, members=ready, take_over=pair.take_over_seconds, overlap=pair.overlap_seconds
        )

    def _server_plan(self, name: str, state: Path, takers: list[OutputPlan]) -> ServerPlan | None:
        section = self.configuration.servers.get(name)
        if section is None:
            return None
        before = len(self.collector.found)
        here = ("servers", name)
        credentials, files = self._credentials(name, section)
        types = _types_of(takers)
        request = None
        try:
            flags = section.flags
            number = parse_flags(flags) if isinstance(flags, str) else flags
            if number is not None and not 0 <= number <= 0xFFFFFFFF:
                raise UsageError(f"{number} does not fit into the 32 bits of a flags word")
            if number is not None and not number & 1 << 23:
                raise UsageError("without bit 23 there are no archive times, so no position can be kept")
        except UsageError as error:
            self.collector.add((*here, "flags"), str(error))
            number = None
        try:
            request = make_request(
                section.events or events_for(types), extended=section.extended, flags=number
            )
            self._warnings += [f"{name}: {note}" for note in request.notes]
        except UsageError as error:
            self.collector.add((*here, "events"), str(error))
        start = FROM_OLDEST
        try:
            since = parse_since(section.since)
            start = {"beginning": FROM_OLDEST, "resume": FROM_OLDEST, "now": FROM_NOW}.get(since, since)  # type: ignore[arg-type]
        except UsageError as error:
            self.collector.add((*here, "since"), str(error))
        if len(self.collector.found) > before or request is None:
            return None
        domain = section.domain
        return ServerPlan(
            name=name,
            feed=FeedSettings(
                host=section.host,
                port=section.port,
                credentials=credentials,
                request=request,
                wanted=Wanted(
                    record_types=types,
                    domain=int(domain) if isinstance(domain, str) and domain.isdecimal() else domain,
                    metadata=True,
                ),
                ipv6=section.ipv6,
                connect_timeout=section.connect_seconds,
                read_deadline=section.read_deadline,
            ),
            start=start,
            known_servers=self._path(section.known_servers) or str(state / "known-servers"),
            retry=(section.retry_first_seconds, section.retry_limit_seconds),
            files=files,
        )

    def _credentials(
        self, name: str, section: ServerSection
    ) -> tuple[ClientCredentials, tuple[tuple[str, int, int], ...]]:
        here = ("servers", name)
        before = len(self.collector.found)
        if not section.pkcs12 and not section.certificate:
            self.collector.add(here, "which client is this? set pkcs12, or certificate and key")
        if section.pkcs12 and section.certificate:
            self.collector.add((*here, "certificate"), "pkcs12 and certificate say the same thing; set one")
        if section.key and not section.certificate:
            self.collector.add((*here, "key"), "a key needs its certificate")
        paths = {}
        for key in ("pkcs12", "certificate", "key", "authority", "password_file"):
            path = self._path(getattr(section, key))
            if path:
                paths[key] = path
                self._check_readable((*here, key), path)
        password = None
        if "password_file" in paths and len(self.collector.found) == before:
            try:
                with open(paths["password_file"], encoding="utf-8") as file:
                    password = file.readline().rstrip("\r\n") or None
            except (OSError, UnicodeDecodeError):
                self.collector.add((*here, "password_file"), "it is not UTF-8 text")
        credentials = ClientCredentials(
            pkcs12=paths.get("pkcs12"),
            password=password,
            certificate=paths.get("certificate"),
            key=paths.get("key"),
            authority=paths.get("authority"),
        )
        if len(self.collector.found) == before:
            try:
                make_context(credentials)
            except OpenStreamerError as error:
                key = "pkcs12" if section.pkcs12 else "certificate"
                self.collector.add((*here, key), str(error))
        return credentials, tuple(_look(path) for path in paths.values())

    def _check_readable(self, key: tuple[str, ...], path: str) -> None:
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            self.collector.add(key, f"cannot read {path}: {error.strerror}")

    # --- outputs --------------------------------------------------------------------------------------

    def _outputs(self, state: Path, sources: dict[str, tuple[str, ...]]) -> dict[str, OutputPlan]:
        if not self._tree.get("outputs"):
            self.collector.add(("outputs",), "no output is named: write a section [outputs.NAME]")
        plans = {}
        for name, section in self.configuration.outputs.items():
            plan = self._output_plan(name, section, state, sources)
            if plan is not None:
                plans[name] = plan
        return plans

    def _output_plan(
        self, name: str, section: OutputSection, state: Path, sources: dict[str, tuple[str, ...]]
    ) -> OutputPlan | None:
        here = ("outputs", name)
        wanted = []
        for number, source in enumerate(section.servers):
            if source in sources:
                wanted.append(source)
                continue
            pair = next((each for each, servers in sources.items() if source in servers), None)
            text = f"belongs to the pair {pair!r}; name that" if pair else "is no server and no pair"
            near = "" if pair else Collector.nearest(source, sources)
            self.collector.add((*here, "servers", number), f"{source!r} {text}{near}")
        filters = []
        for number, each in enumerate(section.filters):
            if each in self.configuration.filters:
                filters.append(self.configuration.filters[each])
            elif each not in (self._tree.get("filters") or {}):
                near = Collector.nearest(each, self.configuration.filters)
                self.collector.add((*here, "filters", number), f"there is no filter {each!r}{near}")
        queue = size_of(section.queue_bytes)
        if queue < MIN_QUEUE:
            self.collector.add((*here, "queue_bytes"), f"a queue has at least {MIN_QUEUE} bytes")
        try:
            output = find(section.format)
        except UsageError as error:
            near = Collector.nearest(section.format, names())
            unknown = section.format not in names()
            self.collector.add(
                (*here, "format"), f"there is no output {section.format!r}{near}" if unknown else str(error)
            )
            return None
        made = self._make(here, output, section)
        if made is None:
            return None
        letters = self._path(section.dead_letters) or str(state / "dead-letters" / f"{name}.json")
        if section.dead_letters:
            self._check_folder((*here, "dead_letters"), letters)
        return OutputPlan(
            name=name,
            spec=OutputSpec(section.format, "", made.target),
            config=made.config,
            sources=tuple(wanted) if section.servers else tuple(sources),
            filters=tuple(filters),
            names=section.names,
            metadata=section.metadata,
            queue_bytes=queue,
            full=section.full,
            retry=(section.retry_first_seconds, section.retry_limit_seconds),
            dead_letters=letters,
            dead_letters_bytes=size_of(section.dead_letters_bytes),
            save_seconds=self.configuration.client.save_seconds,
            section=section,
        )

    def _make(self, here: tuple[str, str], output: type[Output], section: OutputSection) -> Output | None:
        """The output itself, which knows best what it cannot do."""
        settings = dict(section.settings)
        for key in _file_settings(output):
            if isinstance(settings.get(key), str) and settings[key]:
                settings[key] = self._path(settings[key])
                self._check_readable((*here, "settings", key), settings[key])
        before = len(self.collector.found)
        config = self.collector.read(output.Config, settings, (*here, "settings"), strict=False)
        target = section.target
        takes_files = output.complete_target.__func__ is Output.complete_target.__func__  # type: ignore[attr-defined]
        try:
            if takes_files and target != "-":
                target = self._path(target)
                self._check_folder((*here, "target"), target)
            target = output.complete_target(target)
        except UsageError as error:
            self.collector.add((*here, "target"), str(error))
            return None
        if config is None or len(self.collector.found) > before:
            return None
        try:
            return output(config, target)
        except UsageError as error:
            self.collector.add((*here, "settings") if settings else here, str(error))
            return None

    def _check_folder(self, key: tuple[str, ...], path: str) -> None:
        folder = os.path.dirname(path)
        if os.path.isdir(path):
            self.collector.add(key, f"{path} is a directory; name a file in it")
        elif not os.path.isdir(folder):
            self.collector.add(key, f"the directory {folder} does not exist")
        elif os.path.exists(path):
            if not os.access(path, os.W_OK):
                self.collector.add(key, f"{path} cannot be written")
        elif not os.access(folder, os.W_OK | os.X_OK):
            self.collector.add(key, f"no file can be made in {folder}")

    def _check_targets(self, outputs: dict[str, OutputPlan]) -> None:
        used: dict[str, str] = {}
        for name, plan in outputs.items():
            for key, target in (("target", plan.spec.target), ("dead_letters", plan.dead_letters)):
                what = "standard output" if target == "-" else target
                if target in used:
                    self.collector.add(("outputs", name, key), f"{used[target]} writes to {what} too")
                used.setdefault(target, f"outputs.{name}")


def _types_of(takers: list[OutputPlan]) -> frozenset[int] | None:
    """The record types that somebody takes, None for all."""
    types: frozenset[int] = frozenset()
    for taker in takers:
        own = find(taker.spec.format).record_types
        filters = [Filter(section) for section in taker.filters]
        if own is None and not filters:
            return None
        numbers = RECORDS.keys() if own is None else own
        needed = {
            number for number in numbers if not filters or any(each.takes_type(number) for each in filters)
        }
        if own is None and any(each.takes_type(_UNKNOWN) for each in filters):
            return None
        if any(each.needs_event for each in filters) and needed & _FOLLOWERS:
            needed |= _ALERTS  # packets go with their alerts
        types |= needed
    return types or None


_UNKNOWN = 0xFFFF
"""A record type that no server has."""

_FOLLOWERS = frozenset(n for n, row in RECORDS.items() if row.event_class in ("packet", "extra-data"))
_ALERTS = frozenset(n for n, row in RECORDS.items() if row.event_class == "intrusion")


def _file_settings(output: type[Output]) -> list[str]:
    """The settings of an output that name files."""
    hints = typing.get_type_hints(output.Config, include_extras=True)
    found = []
    for field in msgspec.structs.fields(output.Config):
        notes = getattr(hints[field.name], "__metadata__", ())
        marked = any(isinstance(note, msgspec.Meta) and note.extra == IS_FILE for note in notes)
        if marked:
            found.append(field.encode_name)
    return found


def _look(path: str) -> tuple[str, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return path, 0, 0
    return path, found.st_mtime_ns, found.st_size


def parse_health(text: str) -> tuple[str, int]:
    """`HOST:PORT` or `[IPV6]:PORT`.

    Raises:
        UsageError: it is neither.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (port.isascii() and port.isdecimal() and int(port) < 65536):
        raise UsageError(f'{text!r} is no address; write HOST:PORT, or "off"')
    return host, int(port)


__all__ = ["FilterSection", "Mistakes", "load", "parse_health"]
