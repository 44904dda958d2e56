"""Events of every class as lines of the Common Event Format, in files or on standard output.

The same lines go through a log server with `-o syslog:content=cef`. Which field stands under which key is
data, shown in docs/output-fields.md; the escaping is in mappings/cef.py. This output adds only the file.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import Place
from openstreamer.outputs.mappings.cef import cef_line, head
from openstreamer.outputs.mappings.describe import Describer
from openstreamer.outputs.one_file import FileOutput
from openstreamer.outputs.rotation import RotationConfig, open_rotating
from openstreamer.version import __version__


class CefConfig(RotationConfig, frozen=True, forbid_unknown_fields=True):
    """Settings of the cef output."""

    vendor: Annotated[str, msgspec.Meta(description="Vendor in the head of each line.", min_length=1)] = (
        "OpenStreamer"
    )
    product: Annotated[str, msgspec.Meta(description="Product in the head of each line.", min_length=1)] = (
        "OpenStreamer"
    )
    version: Annotated[str, msgspec.Meta(description="Version in the head; empty: this program's.")] = ""


class CefOutput(FileOutput):
    """`-o cef`."""

    Config = CefConfig
    title = "one line of the Common Event Format an event"
    example = "openstreamer stream SERVER -o cef:rotate_size=100m,keep=7 -f events.cef"

    def __init__(self, config: msgspec.Struct, target: str) -> None:
        super().__init__(config, target)
        assert isinstance(config, CefConfig)
        self._settings = config
        self._describer = Describer()
        self._head = head(config.vendor, config.product, config.version or __version__)

    def open(self, place: Place | None) -> None:
        self._file = open_rotating(self.target, place, self._settings)

    def write(self, batch: Batch) -> None:
        assert self._file is not None
        lines = [cef_line(event, self._head) for event in self._describer.batch(batch)]
        if lines:
            self._file.append(("\n".join(lines) + "\n").encode())
