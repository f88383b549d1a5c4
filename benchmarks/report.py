"""From slices to results: rows with ratio and target, one table for people, one JSON file for machines."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .slices import HERE, Summary

RESULTS = HERE / "results.json"
PEERS = HERE / "peers.json"


@dataclass(frozen=True)
class Result:
    """One line. ``versus`` names what ``ratio`` is taken over; ``target`` is a comparison such as ``>= 2.0`` of the ratio, or of
    the value where there is no ratio; ``more`` holds percentiles, range, and how many slices were quiet."""

    name: str
    value: float | None
    unit: str
    versus: str = ""
    ratio: float | None = None
    target: str = ""
    clients: int | None = None
    at: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target, False when there is a target but nothing was measured."""
        if not self.target:
            return None
        sign, number = self.target.split()
        value = self.ratio if self.versus else self.value
        if value is None:
            return False
        return {">=": value >= float(number), "<=": value <= float(number), "==": value == float(number)}[sign]

    def as_dict(self) -> dict[str, Any]:
        """The object of ``results.json``: the agreed keys first, then ``met`` and what ``more`` holds."""
        row = asdict(self)
        more = row.pop("more")
        return {**row, "met": self.met, **more}


def of_summary(summary: Summary, unit: str, **rest: Any) -> Result:
    """A line of a measured rate, with its percentiles in ms."""
    more = {
        "p50": summary.p50, "p95": summary.p95, "p99": summary.p99, "low": summary.low, "high": summary.high,
        "slices": summary.slices, "quiet": summary.quiet, "errors": summary.errors,
    }  # fmt: skip
    return Result(summary.name, summary.rate, unit, clients=summary.clients, at=summary.at, more=more, **rest)


def now() -> str:
    """This moment with its offset, to the second."""
    return dt.datetime.now().astimezone().isoformat(timespec="seconds")


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}".rstrip("0").rstrip(".")


def table(results: Sequence[Result]) -> str:
    """Fixed-width table: measure, clients, value, percentiles, ratio, target, verdict."""
    head = ("measure", "clients", "value", "unit", "p50/p95/p99 ms", "ratio", "over", "target", "")
    rows = [head]
    for r in results:
        times = "/".join(_figure(r.more[k]) for k in ("p50", "p95", "p99")) if "p99" in r.more else ""
        verdict = {None: "", True: "met", False: "MISSED"}[r.met]
        rows.append(
            (
                r.name, str(r.clients or ""), _figure(r.value), r.unit, times,
                _figure(r.ratio) if r.versus else "", r.versus, r.target, verdict,
            )
        )  # fmt: skip
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    right = {1, 2, 5}
    lines = [
        "  ".join(
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(lines)


def write(results: Sequence[Result], path: Path = RESULTS) -> None:
    """Write the JSON list."""
    path.write_text(json.dumps([r.as_dict() for r in results], ensure_ascii=False, indent=1) + "\n")


def peers() -> list[dict[str, Any]]:
    """Last figures of the peers; empty when ``make bench-peers`` never ran here."""
    return json.loads(PEERS.read_text()) if PEERS.exists() else []
