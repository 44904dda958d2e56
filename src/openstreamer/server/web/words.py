"""How values are written on the pages: times, sizes, counts, and an event in a line.

Functions without state; the templates use them as filters. All of them return plain text: escaping is the
templates' business, always.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from openstreamer.outputs.terminal import harmless

PROTOCOLS = {1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 47: "GRE", 50: "ESP", 58: "ICMPv6", 132: "SCTP"}

_ABBREVIATIONS = frozenset({"dns", "id", "ioc", "ip", "mac", "os", "qos", "ssl", "tls", "url", "uuid"})

_ADDRESS_TYPES = (1, 2, 11, 12)  # extra data: X-Forwarded-For in both families, IPv6 source and destination


def moment(seconds: Any) -> str:
    """A time, to the second, in UTC."""
    if not isinstance(seconds, int | float):
        return "–"
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return str(seconds)


def iso(seconds: Any) -> str:
    """A time for the `datetime` attribute."""
    return f"{moment(seconds).replace(' ', 'T')}Z" if isinstance(seconds, int | float) else ""


def day(seconds: Any) -> str:
    """A day."""
    return moment(seconds)[:10]


def ago(seconds: Any, now: float | None = None) -> str:
    """How long ago a time is, or how far ahead."""
    if not isinstance(seconds, int | float):
        return "never"
    distance = (time.time() if now is None else now) - seconds
    if distance < -60:
        return f"in {duration(-distance)}"
    return "just now" if distance < 5 else f"{duration(distance)} ago"


def duration(seconds: Any) -> str:
    """A stretch of time in its largest unit."""
    if not isinstance(seconds, int | float):
        return "–"
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    count = int(seconds)
    return f"{count} second{'' if count == 1 else 's'}"


def ends(seconds: float, now: float) -> str:
    """When a certificate ends, as the end of a sentence."""
    left = seconds - now
    return f"ends in {duration(left)}" if left > 0 else f"ended {duration(-left)} ago"


def size(count: Any) -> str:
    """A number of bytes."""
    if not isinstance(count, int | float):
        return "–"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def number(count: Any) -> str:
    """A count, with a thin space between thousands."""
    if not isinstance(count, int | float):
        return "–"
    return f"{count:,}".replace(",", "\u202f")


def rate(value: Any) -> str:
    """Events a second."""
    if not value:
        return "0"
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else number(round(value))


def endpoint(address: Any, port: Any) -> str:
    """An address with its port; where there is no room for both, the line breaks before the port."""
    if address is None or address == "::":
        return ""
    if port is None:
        return str(address)
    shown = f"[{address}]" if ":" in str(address) else address
    return Markup("{}<wbr>:{}").format(shown, port)


def title(event: Any) -> str:
    """The id of a record family, or of what a name is for, as words."""
    words = str(event or "").split("_")
    text = " ".join(word.upper() if word in _ABBREVIATIONS else word for word in words)
    return text[:1].upper() + text[1:]


def line(row: Mapping[str, Any]) -> str:
    """What an event says, in the way of its kind, with nothing in it that could turn the writing around."""
    return harmless(_line(row))


def _line(row: Mapping[str, Any]) -> str:
    event = row.get("event")
    if row.get("message"):
        return str(row["message"])
    if event == "packet":
        return f"Packet of {row.get('data.packet_length')} bytes"
    if event == "extra_data":
        content = extra_data(row.get("data.type"), row.get("data.data"))
        return f"{row.get('names.extra_data_type') or 'Extra data'}: {content}"
    if row.get("file_name"):
        return f"{row['file_name']} ({size(row.get('file_size'))})"
    if row.get("sha256") and row.get("file_size"):
        return f"File of {size(row['file_size'])}, SHA-256 {row['sha256']}"
    if row.get("signature_id") is not None:
        return f"Rule {row.get('generator_id')}:{row['signature_id']}"
    words = ["Connection" if event == "connection_statistics" else title(event)]
    if isinstance(row.get("application"), str):
        words = [str(row["application"])]
    if row.get("bytes_sent") is not None:
        words.append(f"{size(row['bytes_sent'])} up, {size(row.get('bytes_received'))} down")
    if row.get("url"):
        words.append(str(row["url"]))
    return " · ".join(words)


def extra_data(kind: Any, value: Any) -> str:
    """The content of extra data as text: an address for the types that hold one."""
    if not isinstance(value, bytes):
        return "" if value is None else str(value)
    if kind in _ADDRESS_TYPES and len(value) in (4, 16):
        return str(ipaddress.ip_address(value))
    return value.decode("utf-8", "backslashreplace")


def protocol(value: Any) -> str:
    """Name of an IP protocol."""
    return "" if value is None else PROTOCOLS.get(value, str(value))


def sentence(text: str) -> str:
    """An error's text as a sentence."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


FILTERS = {
    "ago": ago,
    "capitalize_first": sentence,
    "day": day,
    "duration": duration,
    "harmless": harmless,
    "iso": iso,
    "line": line,
    "moment": moment,
    "number": number,
    "protocol": protocol,
    "rate": rate,
    "size": size,
    "title_words": title,
}
