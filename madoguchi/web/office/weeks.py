"""Many days at once: bands edited together and a week copied, each with one preview drawn as weeks and one confirmation."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from madoguchi.domain.booking.models import Pool
from madoguchi.domain.booking.services.weeks import (
    MOST_PLACES,
    Act,
    Chosen,
    PlanError,
    WeeksEffect,
    copy_week,
    edit_bands,
    weeks_until,
)
from madoguchi.ground.accounts.access import EDIT_SLOTS, actor_of, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST
from madoguchi.web.ui.dates import DayBox, TimeBox

from .calendar import told
from .effects import REASON_HELP, preview_or_do, summary
from .forms import NOT_KEPT, day_of, fingerprint
from .slots import DAYS

WEEKS_OFFERED = 26
MOST_GRIDS = 12


class TargetsForm(forms.Form):
    """Pools by name, or a place with all its pools, and the reason."""

    use_required_attribute = False
    targets = forms.MultipleChoiceField(
        label="枠の組", widget=forms.CheckboxSelectMultiple, error_messages={"required": "枠の組を1つ以上選んでください。"}
    )
    reason = forms.CharField(
        label="理由", max_length=120, help_text=REASON_HELP, error_messages={"required": "理由を入力してください。"}
    )

    def __init__(self, pools: list[Pool], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pools = pools
        sites = {pool.site.code: pool.site.name for pool in pools}
        whole = [(f"site:{code}", f"{name}のすべて") for code, name in sites.items()] if len(sites) > 1 else []
        own = [(f"pool:{p.code}", f"{p.name}（{p.site.name}）" if whole else p.name) for p in pools]
        self.fields["targets"].choices = whole + own
        if len(own) == 1:
            self.fields["targets"].initial = [own[0][0]]

    def codes(self) -> frozenset[str]:
        """Codes of the chosen pools."""
        chosen = self.cleaned_data["targets"]
        return frozenset(p.code for p in self.pools if f"pool:{p.code}" in chosen or f"site:{p.site.code}" in chosen)


class EditForm(TargetsForm):
    """Which bands of which days, and what happens to them."""

    field_order = ("targets", "first", "last", "weekdays", "starts", "ends", "act", "places", "reason")
    ACTS = (
        ("close", "閉じる"), ("reopen", "閉じた枠をふだんの枠に戻す"), ("set", "1コマの人数を決める"),
        ("add", "1コマの人数を増やす"), ("subtract", "1コマの人数を減らす"),
    )  # fmt: skip
    first = DayBox(label="いつから", error_messages={"required": "最初の日を選んでください。"})
    last = DayBox(label="いつまで", error_messages={"required": "最後の日を選んでください。"})
    weekdays = forms.MultipleChoiceField(
        label="曜日", widget=forms.CheckboxSelectMultiple, choices=[(str(n), DAYS[n]) for n in range(7)],
        initial=[str(n) for n in range(7)], error_messages={"required": "曜日を1つ以上選んでください。"},
    )  # fmt: skip
    starts = TimeBox(label="この時刻から", required=False)
    ends = TimeBox(label="この時刻まで", required=False, end=True)
    act = forms.ChoiceField(
        label="すること", widget=forms.RadioSelect, choices=ACTS, error_messages={"required": "することを選んでください。"}
    )
    places = forms.IntegerField(
        label="人数", required=False, min_value=0, max_value=MOST_PLACES,
        error_messages={"invalid": "人数は数で入力してください。", "max_value": "人数は500までの数で入力してください。",
                        "min_value": "人数は0以上の数で入力してください。"},
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        starts, ends, first, last = (data.get(name) for name in ("starts", "ends", "first", "last"))
        if bool(starts) != bool(ends) and not {"starts", "ends"} & set(self.errors):
            self.add_error("ends" if starts else "starts", "両方の時刻を入力してください。終日なら両方とも空にします。")
        elif starts and ends and starts >= ends:
            self.add_error("ends", "終わりは始まりより後の時刻にしてください。")
        if first and last and last < first:
            self.add_error("last", "最後の日は、最初の日と同じか後の日にしてください。")
        if data.get("act") in ("set", "add", "subtract") and data.get("places") is None and "places" not in self.errors:
            self.add_error("places", "人数を入力してください。")
        return data

    def chosen(self) -> Chosen:
        """The bands as the deed takes them."""
        data = self.cleaned_data
        span = (data["starts"], data["ends"]) if data["starts"] else None
        return Chosen(self.codes(), data["first"], data["last"], frozenset(map(int, data["weekdays"])), span)

    def act_and_places(self) -> tuple[Act, int]:
        """What to do, and the new number or the difference."""
        act, places = self.cleaned_data["act"], self.cleaned_data["places"] or 0
        return (Act.ADD, -places) if act == "subtract" else (Act(act), places)


class CopyForm(TargetsForm):
    """From which week onto which weeks."""

    field_order = ("targets", "source", "until", "weeks", "beyond_hours", "reason")
    source = DayBox(label="コピー元の週", help_text="その週のどの日でもかまいません。", error_messages={"required": "コピー元の週を選んでください。"})
    until = DayBox(label="この日の週まで毎週", required=False)
    weeks = forms.MultipleChoiceField(label="週を選ぶ", required=False, widget=forms.CheckboxSelectMultiple)
    beyond_hours = forms.BooleanField(label="カレンダーの休みの日・時間外にもコピーする", required=False)

    def __init__(self, pools: list[Pool], today: dt.date, *args: Any, **kwargs: Any) -> None:
        super().__init__(pools, *args, **kwargs)
        monday = today - dt.timedelta(days=today.weekday())
        starts = [monday + dt.timedelta(weeks=n) for n in range(WEEKS_OFFERED)]
        self.fields["weeks"].choices = [(day.isoformat(), week_label(day)) for day in starts]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        source, until = data.get("source"), data.get("until")
        if not self.errors and not until and not data.get("weeks"):
            self.add_error("until", "いつまで毎週コピーするか、下でコピー先の週を選んでください。")
        elif source and until and until < source + dt.timedelta(days=7 - source.weekday()):
            self.add_error("until", "コピー元より後の週の日を選んでください。")
        return data

    def mondays(self) -> list[dt.date]:
        """The weeks to copy onto. Raises :class:`PlanError`."""
        data = self.cleaned_data
        picked = [dt.date.fromisoformat(text) for text in data["weeks"]]
        following = weeks_until(data["source"] + dt.timedelta(days=7), data["until"]) if data["until"] else []
        return sorted({*picked, *following})


@roles(EDIT_SLOTS)
def edit(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Bands of several pools and days: set, add, subtract, close, reopen."""
    pools = list(Pool.objects.select_related("site").order_by("pk"))
    start = day_of(request.GET.get("week", ""), request.now.date() + dt.timedelta(days=1)).isoformat()
    form = EditForm(pools, request.POST or None, initial={"first": start})

    def deed() -> WeeksEffect:
        act, places = form.act_and_places()
        return edit_bands(
            contract, form.chosen(), act, places=places, reason=form.cleaned_data["reason"], by=actor_of(request), now=request.now
        )  # fmt: skip

    return _page(request, contract, form, deed, "office/slots/edit.html", "first")


@roles(EDIT_SLOTS)
def copy(request: HttpRequest, contract: Contract) -> HttpResponse:
    """One week onto others."""
    pools = list(Pool.objects.select_related("site").order_by("pk"))
    today = request.now.date()
    form = CopyForm(pools, today, request.POST or None, initial={"source": day_of(request.GET.get("week", ""), today).isoformat()})

    def deed() -> WeeksEffect:
        data = form.cleaned_data
        return copy_week(
            contract, form.codes(), data["source"], form.mondays(), beyond_hours=data["beyond_hours"], reason=data["reason"],
            by=actor_of(request), now=request.now,
        )  # fmt: skip

    return _page(request, contract, form, deed, "office/slots/copy.html", "source")


def _page(
    request: HttpRequest, contract: Contract, form: TargetsForm, deed: Any, template: str, shows: str
) -> HttpResponse:
    """The form; after POST its preview, or the way back to the week ``shows`` when the deed was done."""
    context: dict[str, Any] = {"form": form}
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                effect, seen, done = preview_or_do(request, contract, deed, fingerprint(request.POST))
            except PlanError as wrong:
                form.add_error(None, str(wrong))
            else:
                if done:
                    messages.success(request, f"{effect.days}日分の枠を変更しました。{told(effect)}")
                    week = form.cleaned_data[shows].isoformat()
                    return redirect(f"{reverse('office:slots', args=[contract.code])}?week={week}")
                status = 200
                context |= {
                    "effect": summary(effect) | {"lines": [], "nothing": not effect.days},
                    "weeks": grids(effect),
                    "days": effect,
                    "passed": sorted({(date, reason) for _, date, reason in effect.passed}),
                    "seen": seen,
                    "typed": [(name, value) for name, values in request.POST.lists() if name not in NOT_KEPT for value in values],
                }
    return render(request, template, context, status=status)


def week_label(monday: dt.date) -> str:
    """``11月9日(月)〜15日``, or with the month of the Sunday where it differs."""
    sunday = monday + dt.timedelta(days=6)
    end = f"{sunday.day}日" if sunday.month == monday.month else f"{sunday.month}月{sunday.day}日"
    return f"{dates.show_short(monday)}〜{end}"


def grids(effect: WeeksEffect) -> dict[str, Any]:
    """The effect drawn as weeks: one grid for each pool and week, weeks in which the same happens joined.

    A cell is empty or ``{"text", "tone", "label"}``; ``left`` is how many grids are not drawn.
    """
    cells: dict[tuple[Pool, dt.date], dict[tuple[dt.time, int], tuple[str, str, str]]] = {}

    def put(pool: Pool, at: dt.datetime, *cell: str) -> None:
        local = at.astimezone(JST)
        monday = local.date() - dt.timedelta(days=local.weekday())
        cells.setdefault((pool, monday), {})[local.time(), local.weekday()] = (cell[0], cell[1], cell[2])

    for pool, at, n in effect.opened:
        put(pool, at, f"＋{n}", "opened", "開く")
    for pool, at, before, after in effect.changed:
        put(pool, at, f"{before}→{after}", "few", "変わる")
    for pool, at, n in effect.closed:
        put(pool, at, f"×{n}", "shut", "閉じる")
    same: dict[tuple[Any, ...], list[dt.date]] = {}
    for (pool, monday), week in sorted(cells.items(), key=lambda item: (item[0][1], item[0][0].pk)):
        same.setdefault((pool, tuple(sorted(week.items()))), []).append(monday)
    drawn = [
        {
            "pool": pool,
            "weeks": [week_label(monday) for monday in mondays],
            "lines": [
                {"time": clock, "cells": [dict(week).get((clock, day)) for day in range(7)]}
                for clock in sorted({clock for (clock, _), _ in week})
            ],
        }
        for (pool, week), mondays in list(same.items())[:MOST_GRIDS]
    ]
    return {"drawn": drawn, "left": len(same) - len(drawn), "heads": DAYS}
