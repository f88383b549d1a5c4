"""The business calendar of a contract: a month of every channel, and one-day changes with a preview of what they do."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.models import Pool, Slot
from madoguchi.domain.booking.services.days import change_day, pools_of_change, withdraw_change
from madoguchi.domain.booking.services.slots import CalendarChange, Effect, preview
from madoguchi.ground.accounts.access import EDIT_SLOTS, EVERYONE, actor_of, may, roles
from madoguchi.ground.contracts.models import CalendarOverride, Contract, Site
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.actors import CHANNEL_LABELS, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.web.ui.dates import DayBox

from .effects import REASON_HELP, preview_or_do, summary
from .forms import TimeBox, fingerprint, month_of, spans_text

Kind = CalendarOverride.Kind


class ChangeForm(forms.Form):
    """A one-day change, with the places per band for hours that the weekly patterns do not know."""

    date = DayBox(label="日にち", error_messages={"required": "日にちを選んでください。"})
    kind = forms.ChoiceField(label="変更の種類", choices=Kind.choices)
    site = forms.ChoiceField(label="場所", required=False)
    channel = forms.ChoiceField(label="対象", required=False)
    starts = TimeBox(label="開始", required=False)
    ends = TimeBox(label="終了", required=False, end=True)
    last_reception = TimeBox(label="最終受付", required=False)
    reason = forms.CharField(label="理由", max_length=120, help_text=REASON_HELP, error_messages={"required": "理由を入力してください。"})

    def __init__(
        self, contract: Contract, sites: list[Site], pools: list[Pool], today: dt.date, *args: Any, **kwargs: Any
    ):
        super().__init__(*args, **kwargs)
        self.pools, self.today = pools, today
        self.fields["site"].choices = [("", "すべての場所"), *((s.code, s.name) for s in sites)]
        offered = [(c, CHANNEL_LABELS[Channel(c)]) for c in contract.profile.channels.offered()]
        self.fields["channel"].choices = [("", "Webのほかすべて（窓口・電話など）"), *offered]
        self.fields["channel"].initial = str(Channel.COUNTER) if contract.profile.channels.counter else ""
        for pool in pools:
            self.fields[f"places_{pool.code}"] = forms.IntegerField(
                label=pool.name, required=False, min_value=0, max_value=500,
                error_messages={"invalid": "人数は数で入力してください。", "max_value": "人数は500までの数で入力してください。",
                                "min_value": "人数は0以上の数で入力してください。"},
            )  # fmt: skip

    @property
    def place_boxes(self) -> list[Any]:
        """Bound fields of places per band, one for each pool."""
        return [self[f"places_{pool.code}"] for pool in self.pools]

    def clean_date(self) -> dt.date:
        date: dt.date = self.cleaned_data["date"]
        if date < self.today:
            raise forms.ValidationError("過ぎた日は変更できません。今日以後の日を選んでください。")
        return date

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        starts, ends, last = data.get("starts"), data.get("ends"), data.get("last_reception")
        if bool(starts) != bool(ends) and not {"starts", "ends"} & set(self.errors):
            self.add_error(
                "ends" if starts else "starts", "開始と終了は両方入力してください。終日なら両方とも空にします。"
            )
        elif starts and ends and starts >= ends:
            self.add_error("ends", "終了は開始より後の時刻にしてください。")
        elif data.get("kind") == Kind.HOURS and not starts and not {"starts", "ends"} & set(self.errors):
            self.add_error("starts", "時間変更では、その日の開始と終了を入力してください。")
        if last and starts and ends and not starts <= last <= ends:
            self.add_error("last_reception", "最終受付は開始と終了の間の時刻にしてください。")
        return data

    def change(self) -> CalendarChange:
        """The change as the service takes it."""
        data = self.cleaned_data
        spans = ((data["starts"], data["ends"]),) if data["starts"] else ()
        return CalendarChange(
            data["date"], data["kind"], data["site"], data["channel"], spans, data["last_reception"], data["reason"]
        )

    @property
    def hours(self) -> str:
        """The typed span; 終日 without one."""
        data = self.cleaned_data
        return spans_text([(data["starts"], data["ends"])]) if data["starts"] else "終日"

    def places(self) -> dict[str, int]:
        """Pool code → places per band."""
        return {pool.code: self.cleaned_data.get(f"places_{pool.code}") or 0 for pool in self.pools}


@roles(EVERYONE)
def calendar(request: HttpRequest, contract: Contract) -> HttpResponse:
    """A month of all channels; POST previews a one-day change, and does it when exactly that was previewed."""
    pools = pools_of_change(contract, "", "")
    sites = list(Site.objects.all())
    today = request.now.date()
    if request.method != "POST":
        initial: dict[str, Any] = {"date": request.GET.get("date", ""), "kind": request.GET.get("kind", "open")}
        initial |= {f"places_{pool.code}": n for pool, n in usual_places(pools, request.now).items()}
        form = ChangeForm(contract, sites, pools, today, initial=initial)
        return _page(request, contract, form, sites)
    if not may(request, EDIT_SLOTS):
        raise PermissionDenied("カレンダーの変更は、リーダー・業務責任者・市職員だけができます。")
    form = ChangeForm(contract, sites, pools, today, request.POST)
    if not form.is_valid():
        return _page(request, contract, form, sites, status=422)
    by = actor_of(request)

    def deed() -> Effect:
        return change_day(contract, form.change(), places=form.places(), by=by, now=request.now)

    effect, seen, done = preview_or_do(request, contract, deed, fingerprint(request.POST))
    if done:
        text = f"{dates.show_short(form.change().date)}のカレンダーを変更しました。{told(effect)}"
        messages.success(request, text)
        month = f"{form.change().date:%Y-%m}"
        return redirect(f"{reverse('office:calendar', args=[contract.code])}?month={month}")
    return _page(request, contract, form, sites, effect=effect, seen=seen)


def told(effect: Effect) -> str:
    """What was done, for the message after a deed."""
    text = f"開いた枠{len(effect.opened)}、変わった枠{len(effect.changed)}、閉じた枠{len(effect.closed)}。"
    if effect.broken:
        text += f"影響を受けた予約が{len(effect.broken)}件あります。「対応が必要な予約」で連絡してください。"
    return text


def usual_places(pools: list[Pool], now: dt.datetime) -> dict[Pool, int]:
    """The most places per band that each pool plans in the coming two weeks."""
    from django.db.models import Max

    rows = Slot.objects.filter(pool__in=pools, starts_at__range=(now, now + dt.timedelta(days=14)))
    most = dict(rows.order_by().values_list("pool_id").annotate(most=Max("planned")))
    return {pool: most.get(pool.pk) or 0 for pool in pools}


@require_POST
@roles(EDIT_SLOTS)
def withdraw(request: HttpRequest, contract: Contract, override: int) -> HttpResponse:
    """Take a change back: first what that would do, then the deed."""
    row = CalendarOverride.objects.filter(pk=override, withdrawn_at=None).select_related("site").first()
    if row is None:
        raise Http404("この変更はすでに取り下げられています。")
    by = actor_of(request)

    def deed() -> Effect:
        return withdraw_change(contract, override, by=by, now=request.now)

    if request.POST.get("step") == "confirm":
        effect = deed()
        messages.success(request, f"{dates.show_short(row.date)}の変更を取り下げました。{told(effect)}")
        return redirect(f"{reverse('office:calendar', args=[contract.code])}?month={row.date:%Y-%m}")
    context = {"row": row, "effect": summary(preview(contract, deed))}
    return render(request, "office/calendar/withdraw.html", context)


def _page(
    request: HttpRequest, contract: Contract, form: ChangeForm, sites: list[Site], *, effect: Effect | None = None,
    seen: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    today = request.now.date()
    wanted = str(form.data.get("date", ""))[:7] if form.is_bound else request.GET.get("month", "")
    first = month_of(wanted, today)
    last = (first + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
    columns, rows = month_rows(contract, sites, first, last, today)
    changes = list(
        CalendarOverride.objects.filter(date__range=(first, last)).select_related("site").order_by("date", "pk")
    )
    context = {
        "form": form,
        "effect": summary(effect) if effect is not None else None,
        "seen": seen,
        "columns": columns,
        "rows": rows,
        "changes": [c for c in changes if c.withdrawn_at is None],
        "withdrawn": [c for c in changes if c.withdrawn_at is not None],
        "channel_labels": {str(k): v for k, v in CHANNEL_LABELS.items()},
        "title": dates.show_month(first),
        "earlier": f"{first - dt.timedelta(days=1):%Y-%m}",
        "later": f"{last + dt.timedelta(days=1):%Y-%m}",
        "may_edit": may(request, EDIT_SLOTS),
        "today": today,
    }
    return render(request, "office/calendar/calendar.html", context, status=status)


def month_rows(
    contract: Contract, sites: list[Site], first: dt.date, last: dt.date, today: dt.date
) -> tuple[list[str], list[dict[str, Any]]]:
    """Heads and days of the month table: one column per channel and site; equal columns of sites are shown once."""
    known = calendar_of(contract, first, last)
    columns: list[str] = []
    days_of: list[list[Any]] = []
    for channel in contract.profile.channels.offered():
        shown: list[list[Any]] = []
        for site in sites:
            days = known.days(site.code, channel, first, last)
            if all(d.layer == "not_offered" for d in days) or days in shown:
                continue
            shown.append(days)
            label = CHANNEL_LABELS[Channel(channel)]
            columns.append(f"{label}（{site.name}）" if channel not in ("web", "phone") and len(sites) > 1 else label)
        days_of += shown
    rows = []
    for index in range((last - first).days + 1):
        date = first + dt.timedelta(days=index)
        cells = []
        for days in days_of:
            day = days[index]
            cells.append(
                {
                    "open": bool(day.intervals),
                    "hours": spans_text(day.intervals),
                    "last": day.last_reception,
                    "reason": day.reason,
                    "changed": day.layer == "override",
                    "stops": [
                        f"{spans_text([part.span])} {part.reason}"
                        for part in day.degraded
                        if any(part.span[0] < end and begin < part.span[1] for begin, end in day.intervals)
                    ],
                }
            )
        rows.append(
            {
                "date": date,
                "label": dates.show_short(date),
                "cells": cells,
                "today": date == today,
                "weekday": date.weekday(),
            }
        )
    return columns, rows


def at_midnight(date: dt.date) -> dt.datetime:
    """The beginning of a day in Japan."""
    return dt.datetime.combine(date, dt.time(), JST)
