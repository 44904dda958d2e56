"""Small charts as SVG, drawn from numbers alone: bars of one series, and a bar for a share.

Colours come from the style sheet, by class; there is nothing in them that a text could get into. The numbers
are in the `title` of each bar, for pointers and screen readers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH = 240
HEIGHT = 56


_FRAME = Markup(
    '<svg class="chart {kind}" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" '
    'aria-label="{label}"><path class="grid" d="M0 .5H{width}M0 {middle}H{width}"/>{bars}'
    '<path class="axis" d="M0 {bottom}H{width}"/></svg>'
)
_BAR = Markup(
    '<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"><title>{title}</title></rect>'
)


def bars(values: Sequence[int], *, kind: str, label: str, end: float, seconds: int) -> Markup:
    """Bars for counts of equal stretches of time of so many seconds, the last of which ends at `end`."""
    top = nice(max(values, default=0))
    step = WIDTH / max(1, len(values))
    parts = []
    for index, value in enumerate(values):
        if value:
            height = max(1.0, value / top * (HEIGHT - 2))
            begin = time.strftime("%H:%M", time.gmtime(end - (len(values) - index) * seconds))
            title = f"{begin} UTC: {value:,}"
            parts.append(
                _BAR.format(
                    x=index * step,
                    y=HEIGHT - height,
                    width=max(0.5, step - 0.6),
                    height=height,
                    title=title,
                )
            )
    return _FRAME.format(
        kind=kind,
        width=WIDTH,
        height=HEIGHT,
        label=label,
        middle=HEIGHT / 2,
        bottom=HEIGHT - 0.5,
        bars=Markup("").join(parts),
    )


def share(part: float, whole: float, label: str) -> Markup:
    """A bar that is filled as far as `part` is of `whole`."""
    filled = 0.0 if whole <= 0 else min(1.0, max(0.0, part / whole))
    kind = "share full" if filled > 0.9 else "share"
    return Markup(
        '<svg class="{}" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="all" width="100" height="6"/><rect class="part" width="{:.1f}" height="6"/></svg>'
    ).format(kind, escape(label), filled * 100)


def nice(value: float) -> float:
    """The next round number (1, 2 or 5 times a power of ten) that is no less; 1 at least."""
    if value <= 1:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    for factor in (1, 2, 5, 10):
        if factor * power >= value:
            return factor * power
    return 10 * power
