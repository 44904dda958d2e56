"""The settings as people read them: the file that `openstreamer init` writes, and the page in the docs.

Both are made from the declarations in `settings`, sentences included, so that they cannot say anything else.
Not here: reading a file of settings.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from openstreamer.server.settings import Settings


class Entry(NamedTuple):
    """One setting as the manual shows it; `default` is written as in the file."""

    section: str
    key: str
    default: str
    text: str


def manual() -> Iterator[Entry]:
    """Every setting with default and explanation, in the order of the file."""
    for section in msgspec.structs.fields(Settings):
        struct = section.type
        texts = _field_docstrings(struct)
        for item in msgspec.structs.fields(struct):
            value = item.default
            if value is msgspec.NODEFAULT:
                value = item.default_factory()
            yield Entry(section.name, item.name, _toml(value), texts[item.name])


def template(changed: Mapping[str, object] | None = None) -> str:
    """A settings file in which every setting stands as a comment with its default and its explanation.

    Those in `changed`, "section.key" -> value, stand there as set.
    """
    changed = changed or {}
    lines = ["# Settings of the OpenStreamer server. Take away a '#' to change a setting.", ""]
    section = ""
    for entry in manual():
        if entry.section != section:
            section = entry.section
            lines += [f"[{section}]"]
        lines += textwrap.wrap(entry.text, 100, initial_indent="# ", subsequent_indent="# ")
        name = f"{entry.section}.{entry.key}"
        given = f"{entry.key} = {_toml(changed[name])}" if name in changed else ""
        lines += [given or f"# {entry.key} = {entry.default}", ""]
    return "\n".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | list):
        return json.dumps(value)
    return repr(value)


def _field_docstrings(struct: type) -> dict[str, str]:
    """The text below each annotated field of a class."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(struct)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    texts: dict[str, str] = {}
    for statement, following in itertools.pairwise(body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            texts[statement.target.id] = " ".join(following.value.value.split())
    return texts
