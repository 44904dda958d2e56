"""What `manage status` says: the numbers of a running service as lines of text."""

from __future__ import annotations

import datetime
from typing import Any


def describe(about: dict[str, object], numbers: dict[str, Any]) -> list[str]:
    """The numbers of the service as lines of text."""
    store = numbers["store"]
    started = datetime.datetime.fromtimestamp(numbers["started"]).astimezone()
    process = f"process {about.get('pid')}, version {numbers['version']}"
    lines = [
        f"the service runs since {started:%Y-%m-%d %H:%M:%S} ({process})",
        f"listens on {', '.join(numbers['listen'])}" + (f"; web {numbers['web']}" if numbers["web"] else ""),
        f"event log: {count(store['records'], 'record')}, {store['bytes']} bytes",
    ]
    off = [name for name, enabled in numbers["event_types"].items() if not enabled]
    if off:
        lines.append(f"event types off: {', '.join(off)}")
    if not numbers["host_check"]:
        lines.append("the host check is off")
    for item in numbers["inputs"]:
        problem = f": {item['problem']}" if item["problem"] else ""
        lines.append(f"input {item['name']}: {item['state']}, {item['lines']} read{problem}")
    for client in numbers["clients"]:
        place = client["place"]
        words = [count(client["sessions"], "session")]
        if place["lag_records"] is not None:
            words.append(f"{count(place['lag_records'], 'record')} ({place['lag_seconds']} s) behind")
        if place["missed_chunks"]:
            words.append("some were deleted before it got them")
        if client.get("missed_records"):
            words.append(f"missed {count(client['missed_records'], 'record')}, deleted before it came")
        lines.append(f"client {client['host']}: {', '.join(words)}")
    for word, causes in (("refused", numbers["refused"]), ("ended", numbers["ended"])):
        if causes:
            lines.append(
                f"{word}: {', '.join(f'{cause} {number}' for cause, number in sorted(causes.items()))}"
            )
    return lines


def count(number: int, what: str) -> str:
    """`1 record`, `2 records`."""
    return f"{number} {what}{'' if number == 1 else 's'}"
