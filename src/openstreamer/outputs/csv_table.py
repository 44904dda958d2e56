"""A table with a fixed header: one row an event, the same columns whatever the event is.

RFC 4180: comma, quotes where needed, lines end in CR LF, one header line at the head of the file. Absent
values are empty. `columns` chooses; the names are those of `openstreamer.outputs.columns`, or any field as
`data.FIELD`, `header.FIELD`, `names.NAME`. Lists and nested blocks stand as JSON in their cell.

Text in an event comes from the network, and a spreadsheet takes a cell that begins with `=`, `+`, `-` or
`@` for a formula. By default cells hold what the event holds, because programs read them; `spreadsheet=yes`
puts an apostrophe before such cells, for people who open the file in an office program.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from openstreamer.errors import OutputError
from openstreamer.outputs import columns as columns_table
from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import Place
from openstreamer.outputs.one_file import FileOutput
from openstreamer.outputs.rotation import RotationConfig, open_rotating

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CsvConfig(RotationConfig, frozen=True, forbid_unknown_fields=True):
    """Settings of the csv output."""

    columns: Annotated[
        list[str], msgspec.Meta(description="The columns, in order; without it the common ones.")
    ] = msgspec.field(default_factory=list)
    header: Annotated[bool, msgspec.Meta(description="Write the names of the columns as the first line.")] = (
        True
    )
    separator: Annotated[
        str, msgspec.Meta(description="What stands between cells.", min_length=1, max_length=1)
    ] = ","
    spreadsheet: Annotated[
        bool,
        msgspec.Meta(description="Put an apostrophe before text that an office program takes for a formula."),
    ] = False


def cell(value: Any) -> Any:
    """A value as it stands in a cell."""
    if value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    return msgspec.json.encode(value).decode()


class CsvOutput(FileOutput):
    """`-o csv`."""

    Config = CsvConfig
    title = "a table with chosen columns, one row an event (RFC 4180)"
    example = "openstreamer stream SERVER -o csv:columns=time,message,source_ip -f events.csv"

    def __init__(
        self,
        config: msgspec.Struct,
        target: str,
        *,
        columns: Sequence[columns_table.Column] | None = None,
        line_end: str = "\r\n",
    ) -> None:
        """`columns` go before those of the settings, under whatever names they have."""
        super().__init__(config, target)
        assert isinstance(config, CsvConfig)
        self._settings = config
        self._line_end = line_end
        chosen = columns or [columns_table.column(name) for name in config.columns or columns_table.DEFAULT]
        self._rows = columns_table.RowMaker(chosen)
        names = [[column.name for column in self._rows.columns]]
        self._header = self._text(names) if config.header else b""

    def open(self, place: Place | None) -> None:
        self._file = open_rotating(self.target, place, self._settings)
        found = self._file.head(len(self._header))
        if found and found != self._header:
            raise OutputError("has other columns than those asked for; move it away", target=self.target)

    def _text(self, rows: list[Any]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self._settings.separator, lineterminator=self._line_end).writerows(rows)
        return text.getvalue().encode()

    def write(self, batch: Batch) -> None:
        assert self._file is not None
        rows: list[Any] = []
        for values in self._rows.rows(batch):
            row = [cell(value) for value in values]
            if self._settings.spreadsheet:
                row = [
                    f"'{part}" if isinstance(part, str) and part.startswith(_FORMULA) else part
                    for part in row
                ]
            rows.append(row)
        self._file.append(self._text(rows), head=self._header)
