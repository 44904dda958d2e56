"""Mistakes of a configuration file: all of them, each with its line and key.

A section is read key by key, so that one wrong value does not hide the next. Not here: what the values mean
together (checking.py).
"""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any, TypeVar

import msgspec

from openstreamer.client.service.toml_lines import Path, line_of
from openstreamer.errors import ConfigurationError
from openstreamer.outputs.wrong_values import choices, plainly

Kind = TypeVar("Kind", bound=msgspec.Struct)


class Mistake(msgspec.Struct, frozen=True, order=True):
    """One mistake. `line` counts from 1; `key` is written with dots, "" for the whole file."""

    line: int
    key: str
    text: str


class Mistakes(ConfigurationError):
    """A configuration that cannot be used; `found` are all its mistakes, in the order of the file."""

    def __init__(self, path: str, found: Iterable[Mistake]) -> None:
        self.path = path
        self.found = sorted(set(found))
        super().__init__("\n".join(self.sentences()))

    def sentences(self) -> list[str]:
        """One line for each mistake, in the form of compilers: file, line, key, what is wrong."""
        return [
            f"{self.path}:{each.line}: {each.key}: {each.text}"
            if each.key
            else f"{self.path}:{each.line}: {each.text}"
            for each in self.found
        ]


class Collector:
    """Gathers mistakes of one file."""

    def __init__(self, lines: Mapping[Path, int]) -> None:
        self._lines = lines
        self.found: list[Mistake] = []

    def add(self, path: Path, text: str) -> None:
        """Note a mistake at a key."""
        parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
        self.found.append(Mistake(line_of(self._lines, path), "".join(parts).removeprefix("."), text))

    def read(
        self,
        kind: type[Kind],
        tree: Any,
        path: Path,
        *,
        strict: bool = True,
        instead: Mapping[str, Any] | None = None,
    ) -> Kind | None:
        """The struct that a table says; None where a key without default is missing or wrong.

        A wrong value is noted and replaced by the default, so that the rest can be judged; `instead` are
        values for keys without default. Not strict: text may stand for numbers.
        """
        if not isinstance(tree, dict):
            self.add(path, "this is to be a section, not a single value")
            return None
        hints = typing.get_type_hints(kind, include_extras=True)
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        values: dict[str, Any] = {}
        values.update(instead or {})
        for key, value in tree.items():
            if key not in fields:
                self.add((*path, key), f"there is no such setting{self.nearest(key, fields)}")
                continue
            hint = hints[fields[key].name]
            try:
                values[fields[key].name] = _convert(value, hint, strict=strict)
            except msgspec.ValidationError as error:
                there_are = choices(hint)
                if there_are and isinstance(value, str):
                    self.add((*path, key), f"{value!r} is none of {', '.join(there_are)}")
                else:
                    self._add_validation((*path, key), str(error))
        for key, field in fields.items():
            if field.required and key not in tree:
                self.add(path, f"the setting {key!r} is missing")
        usable = all(field.name in values for field in fields.values() if field.required)
        return kind(**values) if usable else None

    def _add_validation(self, path: Path, message: str) -> None:
        reason, _, inside = message.partition(" - at `")
        rest: list[str | int] = []
        for part in inside.rstrip("`").removeprefix("$").replace("[", ".[").split("."):
            if part.startswith("[") and part[1:-1].isdecimal():
                rest.append(int(part[1:-1]))
            elif part and not part.startswith("["):
                rest.append(part)
        self.add((*path, *rest), plainly(reason))

    @staticmethod
    def nearest(name: str, there_are: Iterable[str]) -> str:
        """ "; did you mean …?", or which there are."""
        names = list(there_are)
        near = difflib.get_close_matches(name, names, 1)
        if near:
            return f"; did you mean {near[0]!r}?"
        return f"; there are: {', '.join(names)}" if names else "; there are none"


def _convert(value: Any, hint: Any, *, strict: bool) -> Any:
    """A TOML value as a setting: dates are text to us, and so are numbers where text is wanted."""
    if isinstance(value, datetime | date | time):
        value = value.isoformat()
    try:
        return msgspec.convert(value, hint, strict=strict)
    except msgspec.ValidationError:
        if strict or isinstance(value, bool) or not isinstance(value, int | float):
            raise
        return msgspec.convert(str(value), hint, strict=False)
