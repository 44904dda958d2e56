"""The page of keys and metrics of `openstreamer run`: `run-reference.md`, made from the classes.

Here: the look of the page. What it says comes from `openstreamer.client.service`.
"""

from __future__ import annotations

from openstreamer.client.service import metrics
from openstreamer.client.service.configuration import SECTIONS, manual

HEAD = """\
# Keys and metrics of `openstreamer run`

What the configuration of [the client as a service](run.md) can say, and what it measures.

## Keys
"""

METRICS = """\
## Metrics

At `/metrics` of the address `health` in `[client]`. All names begin with `openstreamer_client_`. Labels:
`server`, `pair` or `output`, by the first word of the name.
"""


def reference_page() -> str:
    """All of it."""
    lines = [HEAD]
    section = ""
    for entry in manual():
        if entry.section != section:
            section = entry.section
            name = f"[{section}]" if section == "client" else f"[{section}.NAME]"
            about = " ".join((SECTIONS[section].__doc__ or "").split())
            lines += [
                "",
                f"### `{name}`",
                "",
                about,
                "",
                "| key | default | meaning |",
                "| --- | --- | --- |",
            ]
        default = f"`{entry.default}`" if entry.default else ""
        lines.append(f"| `{entry.key}` | {default} | {entry.text.replace('|', chr(92) + '|')} |")
    lines += ["", METRICS, "| metric | kind | meaning |", "| --- | --- | --- |"]
    rows = (*metrics.SERVICE, *metrics.SERVERS, *metrics.PAIRS, *metrics.OUTPUTS)
    lines.append("| `build_info` | gauge | The program: its `version` is a label. |")
    lines += [f"| `{row.name}` | {row.kind} | {row.text} |" for row in rows]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"
