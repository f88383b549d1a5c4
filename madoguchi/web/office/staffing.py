"""How many operators and channels the telephone needs: assumptions to try out, the need of a day, what a staff can answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from madoguchi.domain.calls.queries import calls
from madoguchi.domain.staffing import rules
from madoguchi.domain.staffing.queries import saved_assumptions, telephone_hours
from madoguchi.domain.staffing.rules import LIMITS, MOST_WEIGHT, Assumptions, DayPlan, HalfHour, Measured
from madoguchi.domain.staffing.services import save_assumptions
from madoguchi.ground.accounts.access import EVERYONE, PLAN_STAFF, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.web.ui.dates import DayBox
from madoguchi.web.ui.sliders import SliderInput

from .forms import day_of

TIMES = {"1": "平常", "1.5": "×1.5", "2": "×2", "3": "×3", "5": "×5"}
WEEKDAYS = "月火水木金土日"
MOST_COLUMNS = 6
SEARCHED_MONTHS = 3

NUMBERS: dict[str, tuple[str, str, tuple[int, int], int, str]] = {
    "calls_per_month": ("月の入電件数", "件", (0, 6000), 50, ""),
    "handle_seconds": ("平均処理時間", "秒", (60, 900), 10, "通話と後処理の合計（AHT）。"),
    "patience_seconds": ("待てる時間の平均", "秒", (10, 600), 5, "待っている人が、電話を切るまでの時間の平均。"),
    "answer_percent": ("応答率の目標", "％", (50, 99), 1, "人が応答した件数 ÷ かかってきた件数。"),
    "service_percent": ("決めた秒数以内に応答する割合の目標", "％", (0, 95), 5, "0なら、この目標を使いません。"),
    "service_seconds": ("決めた秒数", "秒", (0, 60), 5, ""),
    "operators": ("配置する人数", "人", (1, 20), 1, "電話を受ける人の数。"),
    "channels": ("回線数", "本", (1, 40), 1, "通話中と待っている人が、1本ずつ使います。"),
    "waiting_places": ("待てる人の数", "人", (0, 20), 1, "全員が通話中のとき、つないだまま待てる人の数。"),
}
"""Label, unit, reach and step of the slider, help of each assumption."""


class PlanForm(forms.Form):
    """The assumptions, the day and the campaign to try; weights only of half hours in which the telephone is ever open."""

    use_required_attribute = False
    day = DayBox(label="日", error_messages={"required": "日を選んでください。"})
    times = forms.ChoiceField(label="入電の倍率", choices=list(TIMES.items()), widget=forms.RadioSelect, help_text="広報や一斉送付のあとを試します。")

    def __init__(self, plan: Assumptions, silent: frozenset[str], open_half_hours: Sequence[int], data: dict[str, Any]) -> None:
        names = {f"h{n}": plan.half_hours[n] for n in open_half_hours} | {f"d{n}": w for n, w in enumerate(plan.weekdays)}
        super().__init__({name: getattr(plan, name) for name in LIMITS} | names | {"times": "1"} | data)
        self.plan = plan
        for name, (label, unit, reach, step, text) in NUMBERS.items():
            self.fields[name] = _number(label, LIMITS[name], SliderInput(reach, step), unit)
            stand_in = name in silent and not name.startswith("service_")
            self.fields[name].help_text = text + ("契約に書かれていないので、仮の値です。" if stand_in else "")
        for n in open_half_hours:
            self.fields[f"h{n}"] = _number(_clock(n), (0, MOST_WEIGHT), forms.NumberInput({"inputmode": "numeric"}))
        for n, day in enumerate(WEEKDAYS):
            self.fields[f"d{n}"] = _number(f"{day}曜日", (0, MOST_WEIGHT), forms.NumberInput({"inputmode": "numeric"}))

    def values(self) -> Assumptions:
        """What was typed; weights that are not on the page stay as they were."""
        data = self.cleaned_data
        return replace(
            self.plan,
            **{name: data[name] for name in LIMITS},
            half_hours=tuple(data.get(f"h{n}", weight) for n, weight in enumerate(self.plan.half_hours)),
            weekdays=tuple(data[f"d{n}"] for n in range(7)),
        )

    def rows(self) -> list[tuple[forms.BoundField, str]]:
        """Fields of the numbers with their units, in order."""
        return [(self[name], unit) for name, (_, unit, *_) in NUMBERS.items()]

    def d_weights(self) -> list[forms.BoundField]:
        """Weights of the weekdays."""
        return [self[f"d{n}"] for n in range(7)]

    def h_weights(self) -> list[forms.BoundField]:
        """Weights of the half hours."""
        return [self[name] for name in self.fields if name[0] == "h" and name[1:].isdecimal()]


def _number(label: str, limits: tuple[int, int], widget: forms.NumberInput, unit: str = "") -> forms.IntegerField:
    low, high = limits
    told = f"「{label}」は、{low}から{high:,}までの数{f'（{unit}）' if unit else ''}で入力してください。"
    errors = {"required": told, "invalid": told, "min_value": told, "max_value": told}
    return forms.IntegerField(label=label, min_value=low, max_value=high, widget=widget, error_messages=errors)


MEASURED_DAYS = 56


def _clock(index: int) -> str:
    return f"{index // 2}:{index % 2 * 30:02}"


def _measured(contract: Contract, now: dt.datetime) -> list[Measured]:
    """The half hours that are over, of the weeks since calls are on record, at most :data:`MEASURED_DAYS`."""
    today = now.date()
    first = calls.first_day(today - dt.timedelta(days=MEASURED_DAYS))
    if first is None:
        return []
    over = now - dt.timedelta(minutes=30)
    return [
        Measured(half.start, half.offered, half.answered, half.handle_seconds)
        for half in calls.measured(contract, first, today)
        if half.start <= over
    ]


@roles(EVERYONE)
def staffing(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The plan of a day. POST works out other assumptions without keeping them, or keeps them with ``step=save``.

    A request of htmx gets the results alone.
    """
    if contract.profile.telephone is None:
        return render(request, "office/staffing/none.html")
    measured = _measured(contract, request.now)
    saved = saved_assumptions()
    plan, silent = rules.assumptions_of(contract.profile)
    if saved:
        plan, silent = saved.values, frozenset()
    today = request.now.date()
    upcoming = _open_days(contract, today)
    half_hours = sorted({n for _, shares in upcoming for n, share in enumerate(shares) if share})
    first_day = next((day for day, _ in upcoming), today)
    start = {"day": day_of(request.GET.get("day", ""), first_day).isoformat()}
    form = PlanForm(plan, silent, half_hours, start | request.POST.dict())
    valid = form.is_valid()
    if request.POST.get("step") == "save":
        if not may(request, PLAN_STAFF):
            raise PermissionDenied("見積もりの前提は、リーダー・業務責任者・市職員が保存できます。")
        if valid:
            done = save_assumptions(contract, form.values(), by=actor_of(request), now=request.now)
            messages.success(request, "前提を保存しました。" if done else "前提は、保存されているものと同じです。")
            return redirect(f"{reverse('office:staffing', args=[contract.code])}?day={form.cleaned_data['day']}")
    context: dict[str, Any] = {"form": form, "saved": saved, "may_save": may(request, PLAN_STAFF)}
    if valid:
        day, times = form.cleaned_data["day"], float(form.cleaned_data["times"])
        context |= result(contract, form.values(), day, times, measured) | {"next_open": next((d for d, _ in upcoming if d > day), None)}
    if request.htmx:
        return render(request, "office/staffing/_result.html", context)
    return render(request, "office/staffing/staffing.html", context, status=200 if valid else 422)


def _open_days(contract: Contract, today: dt.date) -> list[tuple[dt.date, tuple[float, ...]]]:
    """Days from today on, in this month and the next ones, on which the telephone is open, with the open share of their half hours."""
    found = []
    month = today
    for _ in range(SEARCHED_MONTHS):
        found += [(day, shares) for day, shares in telephone_hours(contract, month).items() if day >= today and any(shares)]
        month = (month.replace(day=1) + dt.timedelta(days=31)).replace(day=1)
    return found


def result(contract: Contract, plan: Assumptions, day: dt.date, times: float, measured: Sequence[Measured]) -> dict[str, Any]:
    """Everything the page shows about one day under ``plan``."""
    hours = telephone_hours(contract, day)
    half_hours = rules.forecast(plan, hours, day, measured)
    found = rules.plan_day(plan, half_hours, times=times)
    peak = found.peak
    seen = rules.actual(day, measured)
    return {
        "plan": plan,
        "day": day,
        "times": TIMES[f"{times:g}"] if times != 1 else "",
        "found": found,
        "peak": peak,
        "peak_end": _end(peak.half_hour) if peak else "",
        "percents": {name: found.share(name) * 100 for name in ("answered", "within", "refused")},
        "month": _percent(rules.month_answered(plan, hours, measured, times=times)),
        "measured_seconds": rules.measured_handle_seconds(measured),
        "weeks": max((one.weeks for one in half_hours), default=0),
        "own_day": bool(seen),
        "misses": found.share("answered") * 100 < plan.answer_percent,
        **(_table(plan, found, seen) | _charts(plan, found, seen) if peak and found.calls else {}),
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100


def _end(half_hour: HalfHour) -> str:
    return _clock(half_hour.index + 1)


def _real(half_hour: HalfHour, seen: dict[int, int]) -> float | None:
    """What was measured: on the day itself, or else on average of its weekday."""
    if seen:
        return seen.get(half_hour.index)
    return half_hour.mean if half_hour.weeks else None


def _table(plan: Assumptions, found: DayPlan, seen: dict[int, int]) -> dict[str, Any]:
    needs = [line.need.operators for line in found.lines if line.need]
    last = max([*needs, plan.operators]) + 1
    counts = range(max(1, last - MOST_COLUMNS + 1), last + 1)
    return {
        "counts": counts,
        "rows": [
            {
                "start": _clock(line.half_hour.index),
                "end": _end(line.half_hour),
                "line": line,
                "real": _real(line.half_hour, seen),
                "planned": line.planned.answered * 100,
                "rates": [
                    (wide.answered * 100, wide.answered * 100 >= plan.answer_percent)
                    for _, _, wide in rules.rates_by_operators(plan, line.calls, counts)
                ],
            }
            for line in found.lines
        ],
    }


def _charts(plan: Assumptions, found: DayPlan, seen: dict[int, int]) -> dict[str, Any]:
    needs = [(_clock(line.half_hour.index), line.need.operators, line.need.channels) for line in found.lines if line.need]
    assert found.peak is not None
    most = max((found.peak.need.operators if found.peak.need else plan.operators) + 2, plan.operators + 1, 4)
    counts = sorted({max(1, round(n * most / 12)) for n in range(1, 13)}) if most > 12 else range(1, most + 1)
    rates = [
        (f"{n}人", round(narrow.answered * 100, 1), round(wide.answered * 100, 1))
        for n, narrow, wide in rules.rates_by_operators(plan, found.peak.calls, counts)
    ]
    calls = [(_clock(line.half_hour.index), round(line.calls, 1), _real(line.half_hour, seen)) for line in found.lines]
    measured = any(real is not None for *_, real in calls)
    return {
        "need_chart": needs,
        "rate_chart": rates,
        "rate_series": [f"いまの回線数（{plan.channels}本）", "回線が足りるとき"],
        "call_chart": calls if measured else [row[:2] for row in calls],
        "call_series": ["予測", "実績" if seen else "実績（同じ曜日の平均）"] if measured else ["予測"],
        "measured": measured,
    }
