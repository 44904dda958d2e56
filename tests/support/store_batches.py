"""Batches for tests of the store, which takes any bytes, and a program that appends them for ever."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable


class Batch:
    """What the store takes: `count` records that are one piece of data."""

    def __init__(
        self,
        data: bytes = b"record",
        *,
        count: int = 1,
        record_types: Iterable[int] = (400,),
        references: Iterable[tuple[int, bytes]] = (),
        record_counts: dict[int, int] | None = None,
    ) -> None:
        self.data = data
        self.count = count
        self.record_types = frozenset(record_types)
        self.references = tuple(references)
        self.sealed: list[int] = []
        if record_counts is not None:
            self.record_counts = record_counts

    def seal(self, archive_time: int) -> bytes:
        self.sealed.append(archive_time)
        return self.data


def numbered(number: int, size: int = 3000) -> bytes:
    """Data that tells its number and can be checked byte by byte."""
    word = b"%08d" % number
    return word * (size // len(word))


def main(path: str, source: str, limit: int, pause: float) -> None:
    """Append numbered batches from where the source stands; say each number once it is stored.

    All batches of the source are numbered from 1 without gaps, whatever happens to this program.
    """
    from openstreamer.store import open_store

    with open_store(path) as store:
        number = int(store.place(source) or b"0")
        print("ready", flush=True)
        while number < limit:
            number += 1
            store.append(
                Batch(source.encode() + b":" + numbered(number)),
                now=int(time.time()),
                metadata=[(b"key", 66, 0, numbered(number // 10))],
                places={source: b"%d" % number},
            )
            print(number, flush=True)
            time.sleep(pause)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
