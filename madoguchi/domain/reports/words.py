"""What dimensions, their values and figures are called, for pages and papers alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.conf import settings

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import ACTOR_KIND_LABELS, CHANNEL_LABELS

from .measures import Measure
from .queries import Period

WEEKDAYS = "月火水木金土日"


def labels_of(contract: Contract, dimension: str, measures: Iterable[Measure]) -> dict[str, str]:
    """Values of a dimension and what they are called, in the order they are shown."""
    profile = contract.profile
    names: dict[str, dict[str, str]] = {
        "weekday": {str(n + 1): f"{day}曜日" for n, day in enumerate(WEEKDAYS)},
        "hour": {f"{hour:02d}": f"{hour}時" for hour in range(24)},
        "site": {one.code: one.short_name or one.name for one in profile.sites},
        "procedure": {one.code: one.title for one in profile.procedures},
        "channel": {str(code): label for code, label in CHANNEL_LABELS.items()},
        "actor": {str(code): label for code, label in ACTOR_KIND_LABELS.items()},
        "language": dict(settings.LANGUAGES),
        "kind": {f"worklist.{one.code}": one.label for one in profile.work_lists},
    }
    if dimension in ("outcome", "booked"):
        found = list(measures)
        results = {one.code: one.label for work in profile.work_lists for one in work.results} if any("kind" in one.by for one in found) else {}
        survey = profile.survey if any(one.code == "survey_score" for one in found) else None
        asked = {one.code: one.title for one in survey.questions} if survey is not None else {}
        return {**asked, **{code: label for one in found for code, label in one.outcomes}, **results}
    return names.get(dimension, {})


def name_of(dimension: str, value: str, labels: dict[str, str]) -> str:
    """What a value of a dimension is called: ``11月2日（月）``, ``2026年11月``, its label, or the value itself."""
    if dimension == "day":
        day = dt.date.fromisoformat(value)
        return f"{day.month}月{day.day}日（{WEEKDAYS[day.weekday()]}）"
    if dimension == "month":
        return f"{int(value[:4])}年{int(value[5:])}月"
    return labels.get(value, value) if value else "（なし）"


def rows_of(dimension: str, period: Period, seen: Iterable[str], labels: dict[str, str]) -> list[str]:
    """The rows of a table: every day, month and weekday of the period, the hours between the first and the last; else what was seen."""
    found = sorted(set(seen))
    if not found:
        return []
    if dimension in ("day", "month"):
        return list(dict.fromkeys(day.isoformat()[: 10 if dimension == "day" else 7] for day in period.days))
    if dimension == "weekday":
        return [value for value in labels if value in {str(day.isoweekday()) for day in period.days}]
    if dimension == "hour":
        return [value for value in labels if found[0] <= value <= found[-1]]
    order = {value: place for place, value in enumerate(labels)}
    return sorted(found, key=lambda value: (order.get(value, len(order)), value))


def told(unit: str, value: float | None) -> str:
    """A value as papers say it: ``1,234``, ``84.3%``, ``4.25``, ``4分05秒``, ``1時間02分``; ``―`` where there is none."""
    if value is None:
        return "―"
    if unit == "%":
        return f"{value * 100:.1f}%"
    if unit == "点":
        return f"{value:.2f}"
    if unit != "秒":
        return f"{value:,}"
    minus, seconds = "-" if value < 0 else "", abs(round(value))
    if seconds >= 3600:
        return f"{minus}{seconds // 3600}時間{seconds % 3600 // 60:02d}分"
    return f"{minus}{seconds // 60}分{seconds % 60:02d}秒" if seconds >= 60 else f"{minus}{seconds}秒"
