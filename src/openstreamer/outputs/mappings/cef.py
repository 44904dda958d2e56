r"""A described event as a line of the Common Event Format.

    CEF:0|vendor|product|version|signature|name|severity|key=value key=value …

In the seven fields of the head "\" and "|" are escaped by "\"; in values "\" and "=" are, and line breaks
become "\n" and "\r". What else could steer a terminal or break a line stands as an escape in words. Addresses
of version 6 do not fit `src` and `dst`: they stand in the format's custom address fields. Which field goes to
which key is data in events.py. Not here: files and framing.
"""

from __future__ import annotations

from openstreamer.outputs.mappings.describe import Described, Value
from openstreamer.outputs.terminal import harmless

_IPV6_KEYS = {
    "src": ("c6a2", "Source IPv6 Address"),
    "dst": ("c6a3", "Destination IPv6 Address"),
    "sourceTranslatedAddress": ("c6a1", "Translated Source IPv6 Address"),
    "destinationTranslatedAddress": None,
}
_VALUE_LIMITS = {"msg": 1023, "request": 1023, "fname": 1023, "suser": 1023, "duser": 1023, "dhost": 1023}
_LABELLED_LIMIT = 4000


def head_text(text: str) -> str:
    """Text as it stands in a field of the head; line breaks are not allowed there."""
    return harmless(text.replace("\n", " ").replace("\r", " ").replace("\\", "\\\\").replace("|", "\\|"))


def value_text(value: Value) -> str:
    """A value as it stands after its key."""
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace("=", "\\=")
    if escaped.isprintable():
        return escaped
    return harmless(escaped.replace("\n", "\\n").replace("\r", "\\r"))


def cef_line(event: Described, head: str, count: int = 1) -> str:
    """The line, without its end.

    Args:
        head: the first four fields, escaped: `CEF:0|vendor|product|version`.
        count: how many events it stands for.
    """
    parts = [f"externalId={event.id}", f"cat={event.event_class}"]
    if count > 1:
        parts.append(f"cnt={count}")
    for item, value in event.values:
        key, label = item.key, item.label
        if not key:
            continue
        if isinstance(value, str):
            if key in _IPV6_KEYS and ":" in value:
                other = _IPV6_KEYS[key]
                if other is None:
                    continue
                key, label = other
            elif key == "c6a4" and ":" not in value:
                key, label = "sourceTranslatedAddress", ""
            limit = _LABELLED_LIMIT if label else _VALUE_LIMITS.get(key)
            if limit is not None:
                value = value[:limit]
        elif key == "rt":
            value += event.microseconds // 1000
        if label:
            parts.append(f"{key}Label={value_text(label)}")
        parts.append(f"{key}={value_text(value)}")
    parts.append(f"OpenStreamerServer={value_text(event.server)}")
    return f"{head}|{head_text(event.signature)}|{head_text(event.title[:512])}|{event.severity}|" + " ".join(
        parts
    )


def head(vendor: str, product: str, version: str) -> str:
    """The first four fields of every line."""
    return "|".join(["CEF:0", *(head_text(part) for part in (vendor, product, version))])
