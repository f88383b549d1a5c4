"""Geometry of the inline SVG charts: plain numbers in, rounded coordinates out; the template draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

WIDTH = 720
_LEFT, _TOP, _BOTTOM = 44, 20, 26


def nice_ceiling(value: float) -> float:
    """The smallest of 1, 2, 2.5, 5 × 10ⁿ that is not below ``value``; 1 for nothing."""
    if value <= 0:
        return 1
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)


def bars(
    rows: Sequence[Sequence[Any]], *, title: str, unit: str = "", target: float | None = None, height: int = 200
) -> dict[str, Any]:
    """Context of ``ui/components/bar_chart.html`` for rows ``(label, value[, second value])`` in the order given."""
    top = nice_ceiling(max([float(v) for row in rows for v in row[1:]] + [target or 0, 0]))
    plot = height - _TOP - _BOTTOM
    step = (WIDTH - _LEFT) / max(1, len(rows))
    thick = min(36.0, step * 0.64)
    every = max(1, math.ceil(len(rows) / 16))

    def y(value: float) -> float:
        return round(_TOP + plot * (1 - value / top), 1)

    drawn = []
    for index, row in enumerate(rows):
        middle = _LEFT + step * (index + 0.5)
        value = float(row[1])
        second = float(row[2]) if len(row) > 2 else None
        drawn.append(
            {
                "label": row[0],
                "show_label": index % every == 0,
                "value": _plain(value),
                "second": None if second is None else _plain(second),
                "x": round(middle - thick / 2, 1),
                "middle": round(middle, 1),
                "y": y(value),
                "height": round(plot * value / top, 1),
                "second_y": None if second is None else y(second),
                "second_height": None if second is None else round(plot * second / top, 1),
                "value_y": round(y(max(value, second or 0)) - 5, 1),
            }
        )
    return {
        "title": title,
        "unit": unit,
        "bars": drawn,
        "thick": round(thick, 1),
        "show_values": len(rows) <= 16,
        "width": WIDTH,
        "height": height,
        "left": _LEFT,
        "base": height - _BOTTOM,
        "text_y": height - 8,
        "grid": [
            {"y": y(top * part / 4), "text_y": y(top * part / 4) + 4, "text": _plain(top * part / 4)}
            for part in (1, 2, 3, 4)
        ],
        "target_y": None if target is None else y(target),
        "target": None if target is None else _plain(target),
        "has_second": any(len(row) > 2 for row in rows),
    }


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
