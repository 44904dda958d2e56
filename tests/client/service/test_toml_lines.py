"""Lines of keys: the scanner agrees with the reader about what keys there are, however they are written."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openstreamer.client.service.configuration import template, toml_value
from openstreamer.client.service.toml_lines import Path, line_of, lines_of

TEXT = '''# a comment with [brackets] and = signs
[client]
state = "a # b"   # [not.a.table]

[servers."fmc 1"]
host = 'x\\'
"quoted \\u0041" = 1
events = [
  "intrusion",  # one
  "packet",
  ["nested", """
multi
line"""],
]
settings = { a = 1, b = {c = "]"}, d = [1, 2] }
text = """
[outputs.fake]
key = 1
"""
after = 2

[outputs.x.settings]
dotted.key.here = true
[[list]]
a = 1
[list.inner]
b = 2
[[list]]
a = 3
'''


def test_every_way_to_write_a_key() -> None:
    lines = lines_of(TEXT)
    expected: dict[Path, int] = {
        ("client",): 2,
        ("client", "state"): 3,
        ("servers", "fmc 1"): 5,
        ("servers", "fmc 1", "host"): 6,
        ("servers", "fmc 1", "quoted A"): 7,
        ("servers", "fmc 1", "events"): 8,
        ("servers", "fmc 1", "events", 0): 9,
        ("servers", "fmc 1", "events", 1): 10,
        ("servers", "fmc 1", "events", 2): 11,
        ("servers", "fmc 1", "settings", "b", "c"): 15,
        ("servers", "fmc 1", "settings", "d", 1): 15,
        ("servers", "fmc 1", "after"): 20,
        ("outputs", "x", "settings", "dotted", "key", "here"): 23,
        ("list", 0, "a"): 25,
        ("list", 0, "inner", "b"): 27,
        ("list", 1, "a"): 29,
    }
    assert {path: lines.get(path) for path in expected} == expected
    assert ("outputs", "fake") not in lines
    assert line_of(lines, ("client", "state", "deeper")) == 3
    assert line_of(lines, ("nowhere",)) == 1


def paths(value: Any, path: Path = ()) -> set[Path]:
    """All paths of a value."""
    found = {path} if path else set()
    items: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, part in items:
        found |= paths(part, (*path, key))
    return found


def test_the_example_has_a_line_for_every_key() -> None:
    text = template()
    assert paths(tomllib.loads(text)) <= lines_of(text).keys()


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=6)
values = st.recursive(
    st.booleans() | st.integers(-5, 5) | st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(names, st.dictionaries(names, values, max_size=3), max_size=3))
def test_the_scanner_finds_the_keys_that_the_reader_finds(tree: dict[str, dict[str, Any]]) -> None:
    rows = []
    for section, keys in tree.items():
        rows.append(f"[ {toml_value(section)} ] # = [")
        rows += [f"{toml_value(key)}\t= {toml_value(value)} # ]" for key, value in keys.items()]
    text = "\n".join(rows)
    assert tomllib.loads(text) == tree
    lines = lines_of(text)
    assert set(lines) == paths(tree)
    for section, keys in tree.items():
        for key in keys:
            row = rows[lines[section, key] - 1]
            assert row.startswith(toml_value(key))
