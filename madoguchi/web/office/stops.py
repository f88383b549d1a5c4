"""Planned stops of the residents' site: plan, see, change, withdraw."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.notices.models import PlannedStop
from madoguchi.domain.notices.services import NoticeError, change_stop, plan_stop, withdraw_stop
from madoguchi.ground.accounts.access import EVERYONE, MANAGE_STAFF, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.web.ui.dates import DayBox

from .forms import TimeBox


class StopForm(forms.Form):
    """From when to when, since when residents are told, and why."""

    use_required_attribute = False
    first = DayBox(label="始まりの日", error_messages={"required": "日を入力してください。"})
    begin = TimeBox(label="始まりの時刻", help_text="例：22:00", error_messages={"required": "時刻を入力してください。"})
    last = DayBox(label="終わりの日", error_messages={"required": "日を入力してください。"})
    end = TimeBox(label="終わりの時刻", help_text="例：5:00", error_messages={"required": "時刻を入力してください。"})
    announce = DayBox(label="お知らせを始める日", required=False, help_text="空なら今すぐ。")
    reason = forms.CharField(
        label="理由", max_length=120, help_text="停止中の画面に出ます。", error_messages={"required": "理由を入力してください。"}
    )

    def moment(self, day: str, clock: str) -> dt.datetime:
        """A day and a time of the form together, in Japan's time."""
        return dt.datetime.combine(self.cleaned_data[day], self.cleaned_data[clock], JST)

    def values(self, now: dt.datetime) -> dict[str, Any]:
        """What was typed, as the deeds take it."""
        announce = self.cleaned_data["announce"]
        return {
            "starts_at": self.moment("first", "begin"),
            "ends_at": self.moment("last", "end"),
            "announce_at": dt.datetime.combine(announce, dt.time(), JST) if announce else now,
            "reason": self.cleaned_data["reason"],
        }


@roles(EVERYONE)
def stops(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What is planned and what was; POST plans another one."""
    form = StopForm(request.POST or None)
    problem, status = "", 200
    if request.method == "POST":
        if not may(request, MANAGE_STAFF):
            raise PermissionDenied("停止の予定は、業務責任者・市職員だけが入れられます。")
        status = 422
        if form.is_valid():
            try:
                plan_stop(contract, **form.values(request.now), by=actor_of(request), now=request.now)
            except NoticeError as wrong:
                problem, status = str(wrong), 409
            else:
                messages.success(request, "停止の予定を入れました。市職員にメールで知らせます。")
                return redirect("office:stops", contract.code)
    context: dict[str, Any] = {
        "form": form,
        "problem": problem,
        "coming": PlannedStop.objects.filter(withdrawn_at=None, ends_at__gt=request.now),
        "past": PlannedStop.objects.exclude(withdrawn_at=None, ends_at__gt=request.now).order_by("-starts_at")[:20],
        "now": request.now,
        "may_plan": may(request, MANAGE_STAFF),
    }
    return render(request, "office/stops/stops.html", context, status=status)


@roles(MANAGE_STAFF)
def stop(request: HttpRequest, contract: Contract, stop: int) -> HttpResponse:
    """Change one that is not over."""
    found = PlannedStop.objects.filter(pk=stop, withdrawn_at=None, ends_at__gt=request.now).first()
    if found is None:
        raise Http404("この予定は、すでに終わったか取り下げられています。")
    begins, ends, announced = (t.astimezone(JST) for t in (found.starts_at, found.ends_at, found.announce_at))
    initial = {
        "first": begins.date().isoformat(), "begin": f"{begins:%H:%M}", "last": ends.date().isoformat(), "end": f"{ends:%H:%M}",
        "announce": announced.date().isoformat(), "reason": found.reason,
    }  # fmt: skip
    form = StopForm(request.POST or None, initial=initial)
    problem, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                change_stop(contract, stop, **form.values(request.now), by=actor_of(request), now=request.now)
            except NoticeError as wrong:
                problem, status = str(wrong), 409
            else:
                messages.success(request, "停止の予定を変更しました。市職員にメールで知らせます。")
                return redirect("office:stops", contract.code)
    return render(request, "office/stops/stop.html", {"form": form, "problem": problem}, status=status)


@require_POST
@roles(MANAGE_STAFF)
def withdraw(request: HttpRequest, contract: Contract, stop: int) -> HttpResponse:
    """Take a stop back."""
    try:
        withdraw_stop(contract, stop, by=actor_of(request), now=request.now)
    except NoticeError as wrong:
        messages.warning(request, str(wrong))
    else:
        messages.success(request, "停止の予定を取り下げました。市職員にメールで知らせます。")
    return redirect("office:stops", contract.code)
