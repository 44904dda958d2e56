"""JSON lines: every event of every type, with all its fields, and readable back.

The form of a line is that of `openstreamer.protocol.records.json_line`; `feed json` reads such a file and
stores the same records again. This output adds only the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec

from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import Place
from openstreamer.outputs.one_file import FileOutput
from openstreamer.outputs.rotation import RotationConfig, open_rotating
from openstreamer.protocol.identity import stable_id
from openstreamer.protocol.records import Event, json_line, json_lines


class JsonLinesConfig(RotationConfig, frozen=True, forbid_unknown_fields=True):
    """Settings of the json output."""

    ids: Annotated[
        bool, msgspec.Meta(description="Put the event's stable id at the end of each line, as id.")
    ] = True


class JsonLinesOutput(FileOutput):
    """`-o json`."""

    Config = JsonLinesConfig
    title = "one JSON object a line, with every field of every event"
    example = "openstreamer stream SERVER -o json -f events.json"

    def __init__(self, config: msgspec.Struct, target: str) -> None:
        super().__init__(config, target)
        assert isinstance(config, JsonLinesConfig)
        self._settings = config

    def open(self, place: Place | None) -> None:
        self._file = open_rotating(self.target, place, self._settings)

    def write(self, batch: Batch) -> None:
        assert self._file is not None
        if self._settings.ids:
            self._file.append(b"".join(self._with_ids(batch)))
            return
        server = batch.server
        names = None if batch.names is None else batch.names.names_json
        parts = [json_lines(events, server, names) for events in batch.parts()]
        self._file.append(parts[0] if len(parts) == 1 else b"".join(parts))

    def _with_ids(self, batch: Batch) -> Iterator[bytes]:
        names = batch.names_function()
        events: Iterable[Event | None] = batch.events() if batch.shared else ()
        if not batch.shared or batch.problems:
            events = batch.each()
        for record, event in zip(batch.records, events, strict=True):
            if event is not None:
                line = json_line(event, batch.server, None if names is None else names(event))
                yield b'%s,"id":"%s"}\n' % (line[:-2], stable_id(record).encode())
