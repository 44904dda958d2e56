"""What this program can decode and encode: the object that `openstreamer explain events --json` prints."""

from __future__ import annotations

from typing import Any

NO_LAYOUT = "the layout is not known; the bytes are kept"
NOT_DECLARED = "the layout is not declared yet; the bytes are kept"


def capabilities() -> dict[str, Any]:
    """What can be decoded and encoded: the object that `explain events --json` prints."""
    from openstreamer.layouts.records import RECORDS, UNKNOWN_LAYOUTS, WHY_UNKNOWN
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
    for (series, number), cls in blocks().items():
        layout = layout_of(cls)
        found[series, number] = _block(
            series, number, layout.id, layout.types[number], layout.confidence[number]
        )
    for (series, number), (family, releases, confidence) in UNKNOWN_LAYOUTS.items():
        reason = f"{NO_LAYOUT}. {WHY_UNKNOWN[series, number]}"
        found[series, number] = _block(series, number, family, releases, confidence, reason=reason)
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
