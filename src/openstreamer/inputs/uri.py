"""Reading the text that configures an input: `NAME:PATH[?KEY=VALUE&…]`, `NAME://SERVER[:PORT][?…]`.

`serve --input eve:/var/log/suricata/eve.json?sensor=dmz` becomes an input object here. A path may hold any
character; in it, `?` and `%` are written `%3F` and `%25`. Whether a path or a server is named is the input's
to say (`Input.subject`). An input that runs with the service follows its file unless `follow=no` says
otherwise.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from openstreamer.errors import UsageError
from openstreamer.inputs.interface import Input
from openstreamer.inputs.registry import find

_TRUE = frozenset({"yes", "on", "true", "1", ""})
_FALSE = frozenset({"no", "off", "false", "0"})


def parse_uri(uri: str) -> tuple[str, str, dict[str, str]]:
    """`eve:/a/b?sensor=x` -> `("eve", "/a/b", {"sensor": "x"})`; `eve:///a/b` is the same.

    Raises:
        UsageError: no name or an unknown one, no path, or a key that stands twice.
    """
    name, colon, rest = uri.partition(":")
    path, _, query = rest.partition("?")
    if not colon or not name or not path:
        raise UsageError(f"{uri!r}: an input is named NAME:PATH, for example eve:/var/log/suricata/eve.json")
    if path.startswith("//"):
        path = "/" + path.lstrip("/") if find(name).subject == "path" else path.strip("/")
    settings: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key in settings:
            raise UsageError(f"{uri!r}: the setting {key!r} stands twice")
        settings[key] = value
    return name, unquote(path), settings


def make_input(name: str, settings: Mapping[str, Any]) -> Input:
    """The input of that name with these settings (texts are converted), not opened yet.

    Raises:
        UsageError: no such input, no such setting, or a value that does not fit; says which there are.
    """
    found = find(name)
    hints = typing.get_type_hints(found.Config)
    values: dict[str, Any] = {}
    for key, value in settings.items():
        if key not in hints:
            raise UsageError(f"the input {name!r} has no setting {key!r}; it has: {', '.join(hints)}")
        if isinstance(value, str) and hints[key] is bool:
            lowered = value.lower()
            if lowered not in _TRUE | _FALSE:
                raise UsageError(f"the input {name!r}: {key} is yes or no, not {value!r}")
            value = lowered in _TRUE
        values[key] = value
    try:
        config = msgspec.convert(values, found.Config, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"the input {name!r}: {error}") from error
    make: Any = found
    result: Input = make(config)
    return result


def input_from_uri(uri: str) -> Input:
    """The input that a URI describes, for a running service: it follows its file by default.

    Raises:
        UsageError: see `parse_uri` and `make_input`.
    """
    name, path, settings = parse_uri(uri)
    found = find(name)
    if "follow" in typing.get_type_hints(found.Config):
        settings.setdefault("follow", "yes")
    if found.subject in settings:
        raise UsageError(f"{uri!r}: {found.subject} stands after the colon, not among the settings")
    return make_input(name, {found.subject: path, **settings})
