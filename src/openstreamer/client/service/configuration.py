"""The file of `openstreamer run`: its sections and keys, with defaults and the sentences of the manual.

    [client]            one section: state, health, log
    [servers.NAME]      whom to ask, as whom, for what
    [pairs.NAME]        two servers that have the same events
    [filters.NAME]      which events
    [outputs.NAME]      where they go

Each section is a struct, each key a field with its default and its description; the example file and the
page in the docs are made from them (`template`, `manual`), and `render` writes a configuration as such a
file. What the values mean together (files, names of other sections, settings of outputs) is judged in
checking.py.
"""

from __future__ import annotations

import json
import textwrap
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct, field

DEFAULT_HEALTH = "127.0.0.1:9302"

_Seconds = Annotated[float, Meta(ge=0.01, le=86_400)]
_Size = Annotated[str, Meta(pattern="^[0-9]+[kKmMgG]?$")] | Annotated[int, Meta(ge=1)]
Full = Literal["block", "drop", "catch-up"]


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all sections: unknown keys are refused."""


class ClientSection(Section, frozen=True):
    """The client itself."""

    state: Annotated[
        str,
        Meta(
            description="Directory for positions, names and pinned certificates; empty: a directory named"
            " after this file in the state directory."
        ),
    ] = ""
    health: Annotated[
        str, Meta(description='Address that answers /healthz and /metrics, HOST:PORT, or "off".')
    ] = DEFAULT_HEALTH
    stalled_seconds: Annotated[
        _Seconds,
        Meta(
            description="A server that has said nothing for so long, or an output that has failed for so"
            " long, makes the answer of /healthz 503. Servers say something every minute."
        ),
    ] = 180.0
    save_seconds: Annotated[
        _Seconds, Meta(description="Seconds between two saved positions of an output while events flow.")
    ] = 1.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="Least important kind of message that is written."),
    ] = "info"
    log_format: Annotated[
        Literal["text", "json"], Meta(description="Form of a message on standard error.")
    ] = "text"


class ServerSection(Section, frozen=True):
    """A server: whom to ask, as whom, for what."""

    host: Annotated[str, Meta(description="Name or address of the server.", min_length=1)]
    port: Annotated[Annotated[int, Meta(ge=1, le=65535)], Meta(description="Its port.")] = 8302
    pkcs12: Annotated[
        str, Meta(description="The PKCS#12 file that the server's operator made for this client.")
    ] = ""
    certificate: Annotated[str, Meta(description="Certificate of this client (PEM), instead of pkcs12.")] = ""
    key: Annotated[str, Meta(description="Its key (PEM), if it is not in the same file.")] = ""
    authority: Annotated[
        str,
        Meta(
            description="Authority of the server's certificate (PEM), if it is not in the PKCS#12 file. Where"
            " none is known the certificate is pinned at the first connection."
        ),
    ] = ""
    password_file: Annotated[
        str, Meta(description="File whose first line is the password of the PKCS#12 file or the key.")
    ] = ""
    known_servers: Annotated[
        str,
        Meta(description="File of pinned certificates; empty: known-servers in the state directory."),
    ] = ""
    events: Annotated[
        list[str],
        Meta(
            description='Classes to ask for, "all", each perhaps with @VERSION; empty: what the outputs of'
            " this server take."
        ),
    ] = field(default_factory=list)
    flags: Annotated[
        int | str | None,
        Meta(
            description="Request flags to be sent as they are: a number, or names of bits joined by commas."
        ),
    ] = None
    extended: Annotated[
        bool, Meta(description="Ask with a list of event types; no: by flag bits alone, as 4.x clients do.")
    ] = True
    since: Annotated[
        int | str,
        Meta(
            description="Where an output begins that has no position of this server yet: beginning, now, or a"
            " time. Later it goes on where it was."
        ),
    ] = "beginning"
    domain: Annotated[
        int | str | None, Meta(description="Only events of this domain, by number or name.")
    ] = None
    ipv6: Annotated[bool, Meta(description="Connect over IPv6 only.")] = False
    connect_seconds: Annotated[_Seconds, Meta(description="Time for connection and TLS handshake.")] = 20.0
    read_deadline: Annotated[
        Annotated[float, Meta(ge=1, le=86_400)],
        Meta(description="Seconds without any message after which the link is taken for dead."),
    ] = 300.0
    retry_first_seconds: Annotated[
        _Seconds, Meta(description="Pause before the first try to connect again; it doubles from try to try.")
    ] = 1.0
    retry_limit_seconds: Annotated[_Seconds, Meta(description="The longest such pause.")] = 60.0


class PairSection(Section, frozen=True):
    """Two servers that have the same events (high availability): each event is delivered once."""

    primary: Annotated[str, Meta(description="Name of the server that is asked as long as it answers.")]
    secondary: Annotated[str, Meta(description="Name of the server that is asked when it does not.")]
    take_over_seconds: Annotated[
        _Seconds,
        Meta(
            description="The secondary is asked when the primary has said nothing for so long. Servers say"
            " something every minute; a lost connection is noticed at once and waited for just as long."
        ),
    ] = 90.0
    overlap_seconds: Annotated[
        Annotated[float, Meta(ge=1, le=3600)],
        Meta(
            description="How far the times at which the two store the same event may differ. So far back the"
            " other one is asked at a take-over, and what is known is left out."
        ),
    ] = 60.0


class FilterSection(Section, frozen=True):
    """Which events. An entry of a list is enough for its key, and every key that is given must let the event
    through. An entry that begins with ! excludes; a list of only such entries lets all others through."""

    events: Annotated[
        list[str], Meta(description="Classes of events: intrusion, packet, connection, ...")
    ] = field(default_factory=list)
    record_types: Annotated[list[int | str], Meta(description="Numbers of record types.")] = field(
        default_factory=list
    )
    sensors: Annotated[list[int | str], Meta(description="Managed devices, by name or number.")] = field(
        default_factory=list
    )
    rules: Annotated[
        list[str], Meta(description='Intrusion rules: "GENERATOR:SIGNATURE", "GENERATOR:*".')
    ] = field(default_factory=list)
    networks: Annotated[
        list[str],
        Meta(description="Addresses and networks; an event belongs if either of its ends does."),
    ] = field(default_factory=list)


class OutputSection(Section, frozen=True):
    """Where events go."""

    format: Annotated[
        str, Meta(description="Form of the output: json, csv, syslog, ... (docs/outputs.md).", min_length=1)
    ]
    target: Annotated[
        str, Meta(description="Where it goes: a file, an address; - is standard output.", min_length=1)
    ] = "-"
    settings: Annotated[
        dict[str, Any], Meta(description="Settings of that form, as after -o FORMAT: on the command line.")
    ] = field(default_factory=dict)
    servers: Annotated[
        list[str], Meta(description="Names of the servers and pairs whose events it gets; empty: all.")
    ] = field(default_factory=list)
    filters: Annotated[
        list[str],
        Meta(description="Names of filters; an event that passes one of them is taken. Empty: all."),
    ] = field(default_factory=list)
    names: Annotated[bool, Meta(description="Say what numbers stand for.")] = True
    metadata: Annotated[bool, Meta(description="Deliver metadata as records of its own too.")] = False
    queue_bytes: Annotated[
        _Size, Meta(description="How many bytes of records wait for it at most (k, m, g).")
    ] = "64m"
    full: Annotated[
        Full,
        Meta(
            description="What happens when its queue is full. block: the server is read no further until"
            " there is room, and all outputs of that server wait. drop: what comes is left out and counted."
            " catch-up: the others go on, and it gets what it missed from the server when it has caught up."
        ),
    ] = "block"
    retry_first_seconds: Annotated[
        _Seconds,
        Meta(description="Pause before the first new try when it fails; it doubles from try to try."),
    ] = 0.5
    retry_limit_seconds: Annotated[_Seconds, Meta(description="The longest such pause.")] = 30.0
    dead_letters: Annotated[
        str,
        Meta(
            description="File for records that it refuses for good; empty: dead-letters/NAME.json in the"
            " state directory."
        ),
    ] = ""
    dead_letters_bytes: Annotated[
        _Size,
        Meta(description="Size at which that file is put aside and a new one begun; one old one stays."),
    ] = "64m"


class Configuration(Section, frozen=True):
    """The whole file."""

    client: ClientSection = field(default_factory=ClientSection)
    servers: dict[str, ServerSection] = field(default_factory=dict)
    pairs: dict[str, PairSection] = field(default_factory=dict)
    filters: dict[str, FilterSection] = field(default_factory=dict)
    outputs: dict[str, OutputSection] = field(default_factory=dict)


SECTIONS: Mapping[str, type[Section]] = {
    "client": ClientSection,
    "servers": ServerSection,
    "pairs": PairSection,
    "filters": FilterSection,
    "outputs": OutputSection,
}
"""Every section by its name in the file; all but `client` are tables of named sections."""


def size_of(value: str | int) -> int:
    """`"64m"` or a number -> bytes."""
    from openstreamer.outputs.rotation import size_of as parse

    return value if isinstance(value, int) else parse(value)


class Entry(NamedTuple):
    """One key as the manual shows it; `default` is written as in the file, "" where one must be given."""

    section: str
    key: str
    default: str
    text: str


def manual() -> Iterator[Entry]:
    """Every key with default and explanation, in the order of the file."""
    for name, section in SECTIONS.items():
        hints = typing.get_type_hints(section, include_extras=True)
        for item in msgspec.structs.fields(section):
            default: Any = item.default
            if default is msgspec.NODEFAULT and item.default_factory is not msgspec.NODEFAULT:
                default = item.default_factory()
            shown = "" if default is msgspec.NODEFAULT or default is None else toml_value(default)
            notes = getattr(hints[item.name], "__metadata__", ())
            texts = [note.description for note in notes if isinstance(note, Meta) and note.description]
            yield Entry(name, item.name, shown, texts[-1] if texts else "")


EXAMPLES: Mapping[str, tuple[str, dict[str, str]]] = {
    "client": ("[client]", {}),
    "servers": ("[servers.fmc1]", {"host": '"fmc1.example.com"', "pkcs12": '"client.pkcs12"'}),
    "pairs": ("[pairs.ha]", {"primary": '"fmc1"', "secondary": '"fmc2"'}),
    "filters": ("[filters.alerts]", {"events": '["intrusion", "malware"]'}),
    "outputs": ("[outputs.file]", {"format": '"json"', "target": '"events.json"'}),
}
"""For each section the heading of its example, and the keys that are not comments there."""


def template() -> str:
    """A file to begin with: it works once the server and the PKCS#12 file are named; all else is comments."""
    lines = [
        "# Configuration of `openstreamer run`. Take away a '#' to change a setting.",
        "# Relative paths are relative to this file.",
        "# `openstreamer run --config FILE --check` tells all mistakes.",
    ]
    section = ""
    for entry in manual():
        heading, set_here = EXAMPLES[entry.section]
        off = "# " if entry.section == "pairs" else ""
        if entry.section != section:
            section = entry.section
            lines += ["", *_wrapped(" ".join((SECTIONS[section].__doc__ or "").split())), off + heading]
        lines += _wrapped(entry.text)
        if entry.key in set_here:
            lines.append(f"{off}{entry.key} = {set_here[entry.key]}")
        else:
            lines.append(f"# {entry.key} = {entry.default or _SHOWN.get(entry.key, '...')}")
    return "\n".join(lines) + "\n"


_SHOWN = {"flags": "0x48900061", "domain": '"Global"', "host": '"fmc1.example.com"'}
"""What stands in the template for a key without a default."""


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 108, initial_indent="# ", subsequent_indent="# ")


def render(configuration: Configuration, comments: Mapping[str, str] | None = None) -> str:
    """The file that says this, with what differs from the defaults only.

    Args:
        configuration: what to write.
        comments: sentences that stand above a section or key: `{"outputs.siem": …, "outputs.siem.full": …}`;
            the one for "" stands at the top.
    """
    comments = comments or {}
    lines = _wrapped(comments.get("", ""))
    for name, kind in SECTIONS.items():
        value = getattr(configuration, name)
        sections = (
            {name: value}
            if kind is ClientSection
            else {f"{name}.{_key(each)}": value[each] for each in value}
        )
        for heading, section in sections.items():
            rows = _rows(section, heading, comments)
            if kind is ClientSection and not rows and heading not in comments:
                continue
            lines += ["", *_wrapped(comments.get(heading, "")), f"[{heading}]", *rows]
    return "\n".join(lines).strip("\n") + "\n"


def _rows(section: Section, heading: str, comments: Mapping[str, str]) -> list[str]:
    rows = []
    for item in msgspec.structs.fields(type(section)):
        value = getattr(section, item.name)
        default: Any = item.default
        if default is msgspec.NODEFAULT and item.default_factory is not msgspec.NODEFAULT:
            default = item.default_factory()
        if value == default or value is None:
            continue
        rows += _wrapped(comments.get(f"{heading}.{item.name}", ""))
        rows.append(f"{item.name} = {toml_value(value)}")
    return rows


def _key(name: str) -> str:
    bare = name and all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in name)
    return name if bare else json.dumps(name, ensure_ascii=False)


def toml_value(value: Any) -> str:
    """A value as TOML writes it, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {toml_value(part)}" for key, part in value.items()) + "}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return repr(value)
