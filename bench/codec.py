"""How fast one connection event is read and written, on one core.

    python bench/codec.py [seconds per measurement]

The event is a `connection_statistics` block of the newest type with every field filled in as a sensor does
it: most numbers set, five texts, the rest empty. Printed: events per second for the interpreter, the
generated decoder, a projection to 12 columns, the generated encoder, and decoding followed by JSON.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from openstreamer.layouts.connection import ConnectionStatistics
from openstreamer.wire import decoder, encoder, interpreter, layout_of
from openstreamer.wire.kinds import Integer, Octets, StringKind

COLUMNS = (
    "initiator_ip",
    "responder_ip",
    "initiator_port",
    "responder_port",
    "protocol",
    "first_packet_time",
    "last_packet_time",
    "initiator_bytes",
    "responder_bytes",
    "rule_id",
    "client_url",
    "user_id",
)
TEXTS = {
    "client_url": "http://www.example.net/catalogue/spring/index.html?page=%d",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/%d.0",
    "referenced_host": "www%d.example.net",
    "netbios_name": "CLIENT%d",
    "dns_query": "host%d.example.org",
}


def sample_events(count: int = 500) -> list[bytes]:
    """Blocks that differ in addresses, ports, counters and texts, as those of a network do."""
    chance = random.Random(8302)
    layout = layout_of(ConnectionStatistics)
    zones = [f"{number:032x}" for number in range(1, 6)]
    events = []
    for number in range(count):
        values: dict[str, Any] = {}
        for item in layout.fields(layout.newest):
            if isinstance(item.kind, Integer):
                values[item.name] = chance.randrange(1 << min(8 * (item.size or 1), 31))
            elif isinstance(item.kind, Octets) and item.kind.name == "ip":
                values[item.name] = f"10.{number % 3}.{chance.randrange(8)}.{chance.randrange(250)}"
            elif isinstance(item.kind, Octets) and item.kind.name == "uuid":
                values[item.name] = chance.choice(zones)
            elif isinstance(item.kind, StringKind) and item.name in TEXTS:
                values[item.name] = TEXTS[item.name] % number
        events.append(encoder(ConnectionStatistics, layout.newest)(ConnectionStatistics(**values)))
    return events


def rate(work: Callable[[Any], Any], items: Iterable[Any], seconds: float) -> float:
    """Items per second: the best of several rounds of about `seconds` in all."""
    items = list(items)
    for item in items:
        work(item)
    best = 0.0
    deadline = time.perf_counter() + seconds
    while True:
        begin = time.perf_counter()
        for item in items:
            work(item)
        end = time.perf_counter()
        best = max(best, len(items) / (end - begin))
        if end > deadline:
            return best


def measure(seconds: float = 1.0) -> dict[str, float]:
    """All measurements by name."""
    events = sample_events()
    newest = layout_of(ConnectionStatistics).newest
    decode, project = decoder(ConnectionStatistics, newest), decoder(ConnectionStatistics, newest, COLUMNS)
    encode, to_json = encoder(ConnectionStatistics, newest), msgspec.json.Encoder().encode
    values = [decode(event, 0, len(event)) for event in events]
    return {
        "interpreter": rate(
            lambda event: interpreter.decode(ConnectionStatistics, newest, event, 0, len(event)),
            events,
            seconds,
        ),
        "generated": rate(lambda event: decode(event, 0, len(event)), events, seconds),
        f"projection to {len(COLUMNS)} columns": rate(
            lambda event: project(event, 0, len(event)), events, seconds
        ),
        "encode": rate(encode, values, seconds),
        "generated + JSON": rate(lambda event: to_json(decode(event, 0, len(event))), events, seconds),
    }


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    events = sample_events()
    layout = layout_of(ConnectionStatistics)
    print(
        f"{layout.label(layout.newest)}: {len(layout.fields(layout.newest))} fields, "
        f"{sum(map(len, events)) // len(events)} bytes"
    )
    results = measure(seconds)
    for name, value in results.items():
        print(f"{name:28}{value:12,.0f} events/s")
    print(f"generated / interpreter: {results['generated'] / results['interpreter']:.1f}")


if __name__ == "__main__":
    main()
