"""On which line of a TOML file a key stands.

The standard library's reader tells values, not places. This scanner walks a text that the reader has already
accepted, so it need not judge anything: it finds headings, keys, and the elements of arrays, and notes the
line of each. Values are skipped.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

Path = tuple[str | int, ...]


def lines_of(text: str) -> Mapping[Path, int]:
    """The line (from 1) of every table, key and array element of a valid TOML text, by its path."""
    return _Scanner(text.replace("\r\n", "\n")).scan()


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest thing around it; 1 where there is nothing."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._lines: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip(newlines=True):
            if self._text.startswith("[[", self._at):
                self._move(2)
                name = self._key()
                number = self._tables[name] = self._tables.get(name, -1) + 1
                table = (*name, number)
                self._note(name)
                self._note(table)
                self._move(self._text.index("]]", self._at) + 2 - self._at)
            elif self._text[self._at] == "[":
                self._move(1)
                table = self._inside_arrays(self._key())
                self._note(table)
                self._move(self._text.index("]", self._at) + 1 - self._at)
            else:
                self._pair(table)
        return self._lines

    def _inside_arrays(self, path: Path) -> Path:
        """`[a.b]` below `[[a]]` belongs to the last element of a."""
        found: Path = ()
        named: Path = ()
        for part in path:
            found, named = (*found, part), (*named, part)
            if named in self._tables and named != path:
                found = (*found, self._tables[named])
        return found

    def _note(self, path: Path) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], self._line)

    def _move(self, count: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + count)
        self._at += count

    def _skip(self, *, newlines: bool) -> bool:
        """Pass over blanks and comments; false at the end of the text."""
        while self._at < len(self._text):
            letter = self._text[self._at]
            if letter == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif letter in " \t" or (newlines and letter == "\n"):
                self._move(1)
            else:
                return True
        return False

    def _key(self) -> Path:
        parts: list[str] = []
        while True:
            self._skip(newlines=False)
            if self._text[self._at] in "\"'":
                begin = self._at
                self._string()
                parts.append(_plain(self._text[begin : self._at]))
            else:
                begin = self._at
                while self._text[self._at] not in " \t.=]":
                    self._at += 1
                parts.append(self._text[begin : self._at])
            self._skip(newlines=False)
            if self._text[self._at] != ".":
                return tuple(parts)
            self._at += 1

    def _pair(self, table: Path) -> None:
        line = self._line
        path = (*table, *self._key())
        self._lines.setdefault(path, line)
        self._note(path)
        self._move(1)
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip(newlines=False)
        letter = self._text[self._at]
        if letter in "\"'":
            self._string()
        elif letter == "[":
            self._array(path)
        elif letter == "{":
            self._inline_table(path)
        else:
            while self._at < len(self._text) and self._text[self._at] not in ",]}\n#":
                self._at += 1

    def _array(self, path: Path) -> None:
        self._move(1)
        number = 0
        while self._skip(newlines=True) and self._text[self._at] != "]":
            if self._text[self._at] == ",":
                self._move(1)
                continue
            self._note((*path, number))
            self._value((*path, number))
            number += 1
        self._move(1)

    def _inline_table(self, path: Path) -> None:
        self._move(1)
        while self._skip(newlines=True) and self._text[self._at] != "}":
            if self._text[self._at] == ",":
                self._move(1)
            else:
                self._pair(path)
        self._move(1)

    def _string(self) -> None:
        quote = self._text[self._at]
        mark = quote * 3 if self._text.startswith(quote * 3, self._at) else quote
        at = self._at + len(mark)
        while not self._text.startswith(mark, at):
            at += 2 if quote == '"' and self._text[at] == "\\" else 1
        end = at + len(mark)
        while len(mark) == 3 and self._text.startswith(quote, end):
            end += 1  # up to two quotes may stand just before the closing three
        self._move(end - self._at)


def _plain(text: str) -> str:
    """The text of a quoted key."""
    if text[0] == "'":
        return text[1:-1]
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text[1:-1]
    return str(value)
