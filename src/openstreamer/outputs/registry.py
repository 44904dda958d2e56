"""Finding an output by its name, and reading the text that configures it.

`-o FORMAT[:KEY=VALUE,…]` becomes an output object here. The classes come from the entry point group
`openstreamer.outputs`; a package that installs such an entry point has its output available by that name. A
piece without `=` belongs to the value before it, so lists need no quoting: `csv:columns=time,message`.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

import msgspec

from openstreamer.errors import UsageError
from openstreamer.outputs.interface import Output
from openstreamer.outputs.wrong_values import explain

GROUP = "openstreamer.outputs"

BUILT_IN = {
    "print": "openstreamer.outputs.terminal:TerminalOutput",
    "json": "openstreamer.outputs.json_lines:JsonLinesOutput",
    "csv": "openstreamer.outputs.csv_table:CsvOutput",
    "pcap": "openstreamer.outputs.pcap:PcapOutput",
    "pcapng": "openstreamer.outputs.pcapng:PcapngOutput",
    "syslog": "openstreamer.outputs.syslog:SyslogOutput",
    "cef": "openstreamer.outputs.cef_lines:CefOutput",
    "snmp": "openstreamer.outputs.snmp:SnmpOutput",
}
"""The same entries as in pyproject.toml, for a package that runs without being installed."""

_TRUE = frozenset({"yes", "on", "true", "1", ""})
_FALSE = frozenset({"no", "off", "false", "0"})


class OutputSpec(msgspec.Struct, frozen=True):
    """One `-o` with its `-f`, before anything is opened."""

    format: str
    settings: str
    target: str

    @property
    def key(self) -> str:
        """Names this output inside a position: two runs with the same key continue the same target."""
        return f"{self.format}:{self.target}"


def names() -> list[str]:
    """The names of all outputs installed here, sorted."""
    from importlib.metadata import entry_points

    return sorted({entry.name for entry in entry_points(group=GROUP)} | BUILT_IN.keys())


def find(name: str) -> type[Output]:
    """The class of the output of that name.

    Raises:
        UsageError: there is none, or it cannot be imported.
    """
    from importlib.metadata import EntryPoint, entry_points

    entries = list(entry_points(group=GROUP, name=name))
    if not entries and name in BUILT_IN:
        entries = [EntryPoint(name, BUILT_IN[name], GROUP)]
    for entry in entries:
        try:
            loaded = entry.load()
        except ImportError as error:
            raise UsageError(f"the output {name!r} cannot be loaded: {error}") from error
        if not (isinstance(loaded, type) and issubclass(loaded, Output)):
            raise UsageError(f"the output {name!r} ({entry.value}) is not a subclass of Output")
        return loaded
    raise UsageError(f"there is no output {name!r}; there are: {', '.join(names())}")


def parse_format(text: str) -> tuple[str, str]:
    """`csv:columns=time` -> `("csv", "columns=time")`."""
    name, _, settings = text.partition(":")
    return name.strip(), settings


def parse_settings(text: str) -> dict[str, list[str]]:
    """`a=1,b=x,y` -> `{"a": ["1"], "b": ["x", "y"]}`; a key alone (`long`) has the one value "".

    Raises:
        UsageError: a key stands twice, or the text begins with an empty piece.
    """
    found: dict[str, list[str]] = {}
    last: str | None = None
    for piece in text.split(",") if text else []:
        key, equals, value = piece.partition("=")
        key = key.strip()
        if equals or last is None or found[last] == [""]:
            if not key:
                raise UsageError(f"{text!r}: a setting has the form KEY=VALUE")
            if key in found:
                raise UsageError(f"{text!r}: the setting {key!r} stands twice")
            found[key] = [value]
            last = key
        else:
            found[last].append(piece)
    return found


class Setting(msgspec.Struct, frozen=True):
    """One line of an output's manual."""

    name: str
    type: str
    default: str
    description: str


def _is_list(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin in (list, tuple):
        return True
    return any(_is_list(part) for part in typing.get_args(annotation))


def _is_bool(annotation: Any) -> bool:
    return annotation is bool or any(part is bool for part in typing.get_args(annotation))


def _bare(annotation: Any) -> tuple[Any, str]:
    """An annotation without its `Annotated`, and the description that hung on it."""
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *notes = typing.get_args(annotation)
        for note in notes:
            if isinstance(note, msgspec.Meta) and note.description:
                return inner, note.description
        return inner, ""
    return annotation, ""


def _type_name(annotation: Any) -> str:
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return " | ".join(str(value) for value in typing.get_args(annotation))
    if _is_list(annotation):
        return "list"
    if _is_bool(annotation):
        return "yes | no"
    if annotation in (int, str, float):
        return {int: "number", str: "text", float: "number"}[annotation]
    parts = [_type_name(part) for part in typing.get_args(annotation) if part is not type(None)]
    return " | ".join(parts) or getattr(annotation, "__name__", str(annotation))


def settings_of(output: type[Output]) -> Iterator[Setting]:
    """The manual of an output, one `Setting` per key, in the order of its declaration."""
    hints = typing.get_type_hints(output.Config, include_extras=True)
    for field in msgspec.structs.fields(output.Config):
        annotation, description = _bare(hints[field.name])
        if field.default is not msgspec.NODEFAULT:
            default = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        else:
            default = "(required)"
        if isinstance(default, bool):
            shown = "yes" if default else "no"
        elif isinstance(default, (list, tuple)):
            shown = ",".join(str(part) for part in default)
        else:
            shown = "" if default is None else str(default)
        yield Setting(field.encode_name, _type_name(annotation), shown, description)


def manual(name: str) -> str:
    """Everything there is to know about one output, as plain text for a terminal."""
    output = find(name)
    lines = [f"{name}: {output.title}"]
    settings = list(settings_of(output))
    for setting in settings:
        default = f"; default {setting.default}" if setting.default else ""
        lines.append(f"  {setting.name}=…  ({setting.type}{default})")
        lines.append(f"      {setting.description}")
    if not settings:
        lines.append("  (no settings)")
    if output.example:
        lines.append(f"  example: {output.example}")
    return "\n".join(lines)


def create(spec: OutputSpec) -> Output:
    """The output that a spec describes, not opened yet.

    Raises:
        UsageError: no such output, no such setting, or a value that does not fit; says which there are.
    """
    output = find(spec.format)
    hints = typing.get_type_hints(output.Config)
    known = {field.encode_name: hints[field.name] for field in msgspec.structs.fields(output.Config)}
    values: dict[str, Any] = {}
    for key, parts in parse_settings(spec.settings).items():
        if key not in known:
            there_are = f"it has: {', '.join(known)}" if known else "it has none"
            raise UsageError(f"the output {spec.format!r} has no setting {key!r}; {there_are}")
        annotation = known[key]
        if _is_list(annotation):
            values[key] = [part for part in parts if part]
            continue
        value = ",".join(parts)
        if _is_bool(annotation):
            lowered = value.lower()
            if lowered in _TRUE:
                values[key] = True
                continue
            if lowered in _FALSE:
                values[key] = False
                continue
        values[key] = value
    try:
        config = msgspec.convert(values, output.Config, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"the output {spec.format!r}: {explain(str(error), values, known)}") from error
    return output(config, spec.target)
