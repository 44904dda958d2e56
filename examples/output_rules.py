"""An output of one's own: a file that says how often each rule fired, written anew with every batch.

A package makes it known with an entry point, and then `-o rules:top=5 -f rules.txt` works:

    [project.entry-points."openstreamer.outputs"]
    rules = "output_rules:RulesOutput"
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import msgspec

from openstreamer.outputs.batch import Batch
from openstreamer.outputs.interface import Output, Place


class RulesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the rules output."""

    top: Annotated[int, msgspec.Meta(description="How many rules to show.", ge=1)] = 10


class RulesOutput(Output):
    """`-o rules`."""

    Config = RulesConfig
    title = "how often each rule fired"
    record_types = frozenset({400})
    example = "openstreamer stream SERVER -o rules:top=5 -f rules.txt"

    def open(self, place: Place | None) -> None:
        """Go on with the counts that were saved with the position."""
        self.counts = Counter(place["counts"] if place else {})

    def write(self, batch: Batch) -> None:
        """Count, then write the list."""
        for event in batch:
            if event.record_type == 400:
                self.counts[event.names.get("rule", str(event.data.signature_id))] += 1
        assert isinstance(self.config, RulesConfig)
        lines = [f"{count:>8} {rule}\n" for rule, count in self.counts.most_common(self.config.top)]
        Path(self.target).write_text("".join(lines))

    def place(self) -> Place | None:
        """What has to be known to go on: the counts."""
        return {"counts": dict(self.counts)}
