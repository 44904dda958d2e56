"""An output as a package of its own: counts of events for a StatsD server, `-o statsd -f HOST:PORT`."""

import socket
from collections import Counter
from typing import Annotated

import msgspec

from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import Output, Place


class StatsdConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prefix: Annotated[str, msgspec.Meta(description="What the names of all counters begin with.")] = (
        "estreamer"
    )


class StatsdOutput(Output):
    Config = StatsdConfig
    title = "how many events of each kind, for a StatsD server"
    example = "openstreamer stream SERVER -o statsd -f 127.0.0.1:8125"

    @classmethod
    def complete_target(cls, target: str) -> str:
        return target  # an address, not a file

    def open(self, place: Place | None) -> None:
        host, _, port = self.target.partition(":")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((host, int(port or 8125)))

    def write(self, batch: Batch) -> None:
        assert isinstance(self.config, StatsdConfig)
        for kind, count in Counter(event.id for event in batch).items():
            self.socket.send(f"{self.config.prefix}.{kind}:{count}|c".encode())

    def close(self) -> None:
        self.socket.close()
