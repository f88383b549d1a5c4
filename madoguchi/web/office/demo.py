"""The page of the demo: who one can be, the clock, the ways in."""

from __future__ import annotations

import datetime as dt
from itertools import groupby

from django import forms
from django.contrib import messages
from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_POST
from psycopg.errors import LockNotAvailable

from madoguchi.ground.accounts.demo import demo_logins, sign_in_demo
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import clock


class ClockForm(forms.Form):
    """Where to move the clock of the demo."""

    moment = forms.DateTimeField(
        label="日時",
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={
            "invalid": "日時を選んでください（例：2026-11-02 09:00）。",
            "required": "日時を選んでください。",
        },
    )


def home(request: HttpRequest, form: ClockForm | None = None, status: int = 200) -> HttpResponse:
    """Contracts × roles with one-click sign-in, the true credentials with the code of the moment, the clock, links."""
    contracts = list(Contract.objects.filter(active=True).order_by("id"))
    there = set(User.objects.filter(email__endswith="@demo.example.jp", is_active=True).values_list("email", flat=True))
    logins = [item for item in demo_logins(contracts) if item.email in there]
    now = clock.now()
    context = {
        "groups": [(name, list(items)) for name, items in groupby(logins, key=lambda item: item.contract_name)],
        "contracts": contracts,
        "now": now,
        "moved": bool(clock.offset()),
        "clock_form": form or ClockForm(initial={"moment": now}),
        "mailbox_url": _url("mailbox"),
    }
    return render(request, "office/demo/home.html", context, status=status)


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Become one of the demo's people; of a city whose data is still being made, in a moment."""
    try:
        with transaction.atomic():
            user = sign_in_demo(request, request.POST.get("email", ""))
    except OperationalError as busy:
        if not isinstance(busy.__cause__, LockNotAvailable):
            raise
        messages.warning(request, "この市のデータを作っている途中です。1、2分待ってから、もう一度選んでください。")
        return redirect("demo")
    messages.success(request, f"{user} としてサインインしました。")
    return redirect("staff")


@require_POST
def travel(request: HttpRequest) -> HttpResponse:
    """Move the clock of the whole demo: to a moment, on by days or hours, or back to the real time."""
    step = request.POST.get("step", "")
    form = ClockForm(request.POST)
    if step == "real":
        clock.travel_to(None)
    elif step in STEPS:
        clock.travel_to(clock.now() + STEPS[step])
    elif form.is_valid():
        clock.travel_to(form.cleaned_data["moment"])
    else:
        return home(request, form, status=422)
    messages.success(request, f"時計を {clock.now():%Y年%m月%d日 %H:%M} にしました。")
    return redirect("demo")


STEPS = {"hour": dt.timedelta(hours=1), "day": dt.timedelta(days=1), "week": dt.timedelta(days=7)}
