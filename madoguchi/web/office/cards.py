"""The city's list of notice numbers: what is there, add a file, take all away."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.cards import MOST_PROBLEMS, CardList, read_list
from madoguchi.domain.booking.models import NoticeCard
from madoguchi.domain.booking.services.cards import add_cards, drop_cards
from madoguchi.ground.accounts.access import EDIT_TEXTS, actor_of, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.web.ui.dates import DayBox

MOST_BYTES = 3_000_000
USUAL_DAYS = 180
MOST_DAYS = 730


class CardsForm(forms.Form):
    """A file, and until when its numbers count."""

    use_required_attribute = False
    file = forms.FileField(
        label="CSVファイル",
        help_text="1列目に番号（A1B-123456）、2列目に生年月日。UTF-8 か Shift_JIS。",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
        error_messages={
            "required": "ファイルを選んでください。",
            "empty": "ファイルが空です。番号の入ったファイルを選んでください。",
        },
    )
    until = DayBox(label="いつまで使うか", help_text="この日を過ぎると自動で消えます。", error_messages={"required": "日を入力してください。"})

    def __init__(self, today: dt.date, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["until"].initial = today + dt.timedelta(days=USUAL_DAYS)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(f"{MOST_BYTES // 1_000_000}MBまでです。ファイルを分けてください。")
        return file

    def clean_until(self) -> dt.date:
        until: dt.date = self.cleaned_data["until"]
        if not self.today <= until <= self.today + dt.timedelta(days=MOST_DAYS):
            raise forms.ValidationError("今日から2年以内の日を入力してください。")
        return until


@roles(EDIT_TEXTS)
def cards(request: HttpRequest, contract: Contract) -> HttpResponse:
    """How many numbers there are, and a form for more; a file with a fault is reported line by line and nothing of it is kept."""
    used = contract.profile.booking.notice_check == "list"
    today = request.now.date()
    form = CardsForm(today, request.POST or None, request.FILES or None)
    report: CardList | None = None
    status = 200
    if request.method == "POST":
        if not used:
            raise PermissionDenied("この契約では、はがきの番号を一覧と照合していません。")
        status = 422
        if form.is_valid():
            report = read_list(form.cleaned_data["file"].read())
            if not report.faults:
                until = form.cleaned_data["until"]
                count = add_cards(contract, report.cards, expires_on=until, by=actor_of(request), now=request.now)
                messages.success(request, f"{count:,}件を登録しました。")
                return redirect("office:cards", contract.code)
    context = {
        "form": form,
        "used": used,
        "faults": report.faults[:MOST_PROBLEMS] if report else [],
        "fault_count": len(report.faults) if report else 0,
        "by_day": NoticeCard.objects.filter(expires_on__gte=today).values("expires_on").annotate(n=Count("id")).order_by("expires_on"),
    }
    return render(request, "office/cards/cards.html", context, status=status)


@require_POST
@roles(EDIT_TEXTS)
def drop(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Take the whole list away, when the box beside the button is ticked."""
    if request.POST.get("sure") != "on":
        messages.warning(request, "消すときは「すべて消す」にチェックを入れてください。")
    else:
        count = drop_cards(contract, by=actor_of(request), now=request.now)
        messages.success(request, f"{count:,}件を消しました。")
    return redirect("office:cards", contract.code)
