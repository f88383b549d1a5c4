"""Geometry of the inline SVG charts: plain numbers in, rounded coordinates out; the template draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

WIDTHS = {"wide": 720, "narrow": 300}
"""Each chart is drawn twice, for a desk and for a telephone, so that its letters keep their size; the style sheet shows one."""

_LEFT, _TOP, _BOTTOM = 44, 20, 26
_LETTER = 12.0


def steps(value: float, *, whole: bool) -> tuple[float, int]:
    """(step, count) of an axis from 0 to at least ``value``: step 1, 2 or 5 × 10ⁿ, at most five of them.

    ``whole``: people and bookings are not cut in pieces, so the step is at least 1.
    """
    if value <= 0:
        return 1, 1
    power = 10 ** math.floor(math.log10(value)) / 10
    step = next(s * power for s in (1, 2, 5, 10, 20, 50, 100) if s * power * 5 >= value)
    if whole:
        step = max(1.0, step)
    return step, max(1, math.ceil(round(value / step, 6)))


def _length(label: str) -> float:
    return sum(_LETTER if ord(c) > 0x2E7F else _LETTER * 0.6 for c in label)


def bars(
    rows: Sequence[Sequence[Any]],
    *,
    title: str,
    unit: str = "",
    target: float | None = None,
    height: int = 200,
    shares: Sequence[float | None] = (),
    share_label: str = "",
    share_target: float | None = None,
) -> dict[str, Any]:
    """Context of ``ui/components/bar_chart.html`` for rows ``(label, value[, second value])`` in the order given.

    ``shares`` (one per row, 0…1, None for none) are drawn as a line over the bars, the whole height being 100 %, with ``share_target``
    as its target; ``share_label`` names them in the table.
    """
    values = [float(v) for row in rows for v in row[1:]] + ([target] if target is not None else [])
    step, count = steps(max([*values, 0]), whole=all(v == int(v) for v in values))
    return {
        "title": title,
        "unit": unit,
        "target": None if target is None else _plain(target),
        "rows": [
            {
                "label": row[0],
                "value": _plain(float(row[1])),
                "second": _plain(float(row[2])) if len(row) > 2 else None,
                "share": _percent(shares[index]) if shares else None,
            }
            for index, row in enumerate(rows)
        ],
        "share_label": share_label,
        "share_target": _percent(share_target) if share_target is not None else "",
        "drawings": [
            {"name": name, **_draw(rows, step, count, target, width, height, quiet=bool(shares)), **_line(shares, share_target, width, height)}
            for name, width in WIDTHS.items()
        ],
        "has_second": any(len(row) > 2 for row in rows),
    }


def _draw(
    rows: Sequence[Sequence[Any]], step: float, count: int, target: float | None, width: int, height: int, *, quiet: bool
) -> dict[str, Any]:
    top = step * count
    plot = height - _TOP - _BOTTOM
    room = (width - _LEFT) / max(1, len(rows))
    thick = min(36.0, room * 0.64)
    longest = max((_length(str(row[0])) for row in rows), default=0)
    every = max(1, math.ceil((longest + 6) / room))

    def y(value: float) -> float:
        return round(_TOP + plot * (1 - value / top), 1)

    drawn = []
    for index, row in enumerate(rows):
        middle = _LEFT + room * (index + 0.5)
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
        "bars": drawn,
        "thick": round(thick, 1),
        "show_values": not quiet and all(_length(bar["value"]) <= room for bar in drawn),
        "width": width,
        "height": height,
        "left": _LEFT,
        "base": height - _BOTTOM,
        "text_y": height - 8,
        "grid": [
            {"y": y(step * n), "text_y": y(step * n) + 4, "text": _plain(round(step * n, 6))}
            for n in range(1, count + 1)
        ],
        "target_y": None if target is None else y(target),
    }


def _line(shares: Sequence[float | None], target: float | None, width: int, height: int) -> dict[str, Any]:
    """Points of the shares in the middle of their bars, as one path that is broken where there is none."""
    plot, room = height - _TOP - _BOTTOM, (width - _LEFT) / max(1, len(shares))
    points: list[tuple[float, float]] = []
    path, pen = [], "M"
    for index, share in enumerate(shares):
        if share is None:
            pen = "M"
            continue
        x, y = round(_LEFT + room * (index + 0.5), 1), round(_TOP + plot * (1 - share), 1)
        points.append((x, y))
        path.append(f"{pen}{x} {y}")
        pen = "L"
    return {"points": points, "path": " ".join(path), "share_y": None if target is None else round(_TOP + plot * (1 - target), 1)}


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.1f}%"


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def lines(
    rows: Sequence[Sequence[Any]],
    *,
    name: str,
    title: str,
    series: Sequence[str],
    unit: str = "",
    head: str = "",
    target: float | None = None,
    top: float | None = None,
    height: int = 220,
) -> dict[str, Any]:
    """Context of ``ui/components/line_chart.html`` for rows ``(label, value of each series)``; None leaves a gap.

    ``name`` makes ids on the page, ``series`` names one or two lines (the second is dashed), ``head`` the column of the labels in
    the table, ``top`` fixes the end of the axis.
    """
    values = [float(v) for row in rows for v in row[1:] if v is not None] + ([target] if target is not None else [])
    step, count = steps(max([*values, 0]) if top is None else top, whole=all(v == int(v) for v in values))
    return {
        "name": name,
        "title": title,
        "unit": unit,
        "head": head,
        "series": list(series),
        "target": None if target is None else _plain(target),
        "rows": [(row[0], ["" if v is None else _plain(float(v)) for v in row[1:]]) for row in rows],
        "drawings": [
            {"name": kind, **_draw_lines(rows, len(series), step, count, target, width, height)}
            for kind, width in WIDTHS.items()
        ],
    }


def _draw_lines(
    rows: Sequence[Sequence[Any]], series: int, step: float, count: int, target: float | None, width: int, height: int
) -> dict[str, Any]:
    plot = height - _TOP - _BOTTOM
    room = (width - _LEFT) / max(1, len(rows))
    every = max(1, math.ceil((max((_length(str(row[0])) for row in rows), default=0) + 6) / room))

    def x(index: int) -> float:
        return round(_LEFT + room * (index + 0.5), 1)

    def y(value: float) -> float:
        return round(_TOP + plot * (1 - value / (step * count)), 1)

    drawn = []
    for number in range(1, series + 1):
        dots = [(x(index), y(float(row[number]))) for index, row in enumerate(rows) if row[number] is not None]
        parts: list[list[str]] = [[]]
        for index, row in enumerate(rows):
            if row[number] is None:
                parts.append([])
            else:
                parts[-1].append(f"{x(index)},{y(float(row[number]))}")
        drawn.append({"number": number, "dots": dots, "parts": [" ".join(part) for part in parts if len(part) > 1]})
    return {
        "lines": drawn,
        "labels": [{"x": x(index), "text": row[0]} for index, row in enumerate(rows) if index % every == 0],
        "width": width,
        "height": height,
        "left": _LEFT,
        "base": height - _BOTTOM,
        "text_y": height - 8,
        "grid": [
            {"y": y(step * n), "text_y": y(step * n) + 4, "text": _plain(round(step * n, 6))} for n in range(1, count + 1)
        ],
        "target_y": None if target is None else y(target),
    }


def bands(rows: Sequence[Sequence[Any]], *, name: str, title: str, unit: str = "", height: int = 260) -> dict[str, Any]:
    """Context of ``ui/components/band_chart.html`` for rows ``(label, actual, low, middle, high, plan)``; None leaves a gap.

    The band from low to high is drawn over the rows that have one, without a gap between them; ``name`` makes ids on the page.
    """
    values = [float(value) for row in rows for value in row[1:] if value is not None]
    step, count = steps(max([*values, 0]), whole=True)
    return {
        "title": title,
        "unit": unit,
        "name": name,
        "rows": [(row[0], ["" if value is None else _plain(float(value)) for value in row[1:]]) for row in rows],
        "drawings": [{"name": kind, **_draw_bands(rows, step, count, width, height)} for kind, width in WIDTHS.items()],
    }


def _draw_bands(rows: Sequence[Sequence[Any]], step: float, count: int, width: int, height: int) -> dict[str, Any]:
    frame = _draw_lines([(row[0], row[3], row[5]) for row in rows], 2, step, count, None, width, height)
    plot, room = height - _TOP - _BOTTOM, (width - _LEFT) / max(1, len(rows))

    def point(index: int, value: float) -> str:
        return f"{round(_LEFT + room * (index + 0.5), 1)},{round(_TOP + plot * (1 - value / (step * count)), 1)}"

    known = [(index, row) for index, row in enumerate(rows) if row[2] is not None]
    upper, lower = [point(index, row[4]) for index, row in known], [point(index, row[2]) for index, row in reversed(known)]
    thick = round(min(28.0, room * 0.4), 1)
    bars = []
    for index, row in enumerate(rows):
        if row[1] is not None:
            tall = round(plot * row[1] / (step * count), 1)
            bars.append({"x": round(_LEFT + room * (index + 0.5) - thick / 2, 1), "y": round(height - _BOTTOM - tall, 1), "height": tall})
    single = [(point(index, row[2]).split(","), point(index, row[4]).split(",")) for index, row in known] if len(known) == 1 else []
    return {**frame, "area": " ".join([*upper, *lower]) if len(known) > 1 else "", "single": single, "bars": bars, "thick": thick}
