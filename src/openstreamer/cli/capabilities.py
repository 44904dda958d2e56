"""What this program can decode and encode: the object that `openstreamer explain events --json` prints."""

from __future__ import annotations

from typing import Any

NO_LAYOUT = "the layout is not known; the bytes are kept"
NOT_DECLARED = "the layout is not declared yet; the bytes are kept"

PRIMITIVES = (
    (1, 0, "string"),
    (1, 10, "blob"),
    (1, 11, "list"),
    (1, 31, "generic_list"),
    (2, 0, "string"),
    (2, 1, "blob"),
    (2, 2, "list"),
    (2, 3, "generic_list"),
)
"""Blocks that other blocks are made of: (series, type, id)."""


def capabilities() -> dict[str, Any]:
    """What can be decoded and encoded: the object that `explain events --json` prints."""
    from openstreamer.layouts.records import RECORDS, UNKNOWN_LAYOUTS
    from openstreamer.wire import blocks, layout_of

    records = []
    for row in RECORDS.values():
        known = bool(row.bodies)
        records.append(
            {
                "record_type": row.number,
                "id": row.id,
                "name": row.name,
                "event_type": row.event_class,
                "versions": row.versions,
                "decode": known,
                "encode": known,
                "confidence": row.confidence,
                **({} if known else {"reason": NOT_DECLARED}),
            }
        )
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for series, number, name in PRIMITIVES:
        found[series, number] = _block(series, number, name, "all", "partly-verified")
    for (series, number), cls in blocks().items():
        layout = layout_of(cls)
        found[series, number] = _block(
            series, number, layout.id, layout.types[number], layout.confidence[number]
        )
    for (series, number), (family, releases, confidence) in UNKNOWN_LAYOUTS.items():
        found[series, number] = _block(series, number, family, releases, confidence, reason=NO_LAYOUT)
    return {"records": records, "blocks": [found[key] for key in sorted(found)]}


def _block(
    series: int, number: int, name: str, versions: str, confidence: str, reason: str | None = None
) -> dict[str, Any]:
    known = reason is None
    return {
        "series": series,
        "type": number,
        "id": name,
        "versions": versions,
        "decode": known,
        "encode": known,
        "confidence": confidence,
        **({} if known else {"reason": reason}),
    }
