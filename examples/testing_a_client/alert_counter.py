"""A small program to be tested: counts alerts by source address, and goes on where it was."""

from collections import Counter
from pathlib import Path

import openstreamer


def count_alerts(host: str, port: int, pkcs12: Path, password: str, position: Path) -> Counter[str]:
    """Alerts by source address since the last call with the same position."""
    counts: Counter[str] = Counter()
    with openstreamer.connect(
        host,
        port=port,
        pkcs12=pkcs12,
        password=password,
        events="intrusion",
        position=position,
        idle_exit=1,
    ) as events:
        for event in events:
            counts[event.data.source_ip] += 1
    return counts
