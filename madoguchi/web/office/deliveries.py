"""Handing lists over to the city: standing orders, the files that are there, who received them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.enums import FileForm, Rhythm
from madoguchi.domain.booking.errors import ListError
from madoguchi.domain.booking.models import SavedList, StandingOrder
from madoguchi.domain.booking.queries.deliveries import made_deliveries, next_due, receipts_of, running_orders, unmade
from madoguchi.domain.booking.queries.listfile import MEDIA
from madoguchi.domain.booking.selection import Selection
from madoguchi.domain.booking.services.deliveries import end_order, hand_over, order_list
from madoguchi.domain.booking.standing import state_label
from madoguchi.ground.accounts.access import ORDER_LISTS, READ_RESIDENTS, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.dates import WEEKDAYS
from madoguchi.web.ui.dates import TimeBox

from .bookings import attachment

PER_PAGE = 30
TONES = {"遅れ": "bad", "遅れて作成": "warn", "受け取れます": "ok", "準備中": "plain", "消去済み": "done"}


class OrderForm(forms.Form):
    """Which list, in which form, by when."""

    use_required_attribute = False
    saved_list = forms.TypedChoiceField(
        label="一覧", coerce=int, error_messages={"required": "一覧を選んでください。"},
        help_text="みんなに見せている「保存した一覧」から選びます。",
    )  # fmt: skip
    form = forms.TypedChoiceField(label="形式", choices=FileForm.choices, coerce=FileForm, initial=FileForm.CSV)
    rhythm = forms.TypedChoiceField(
        label="受け渡す日", choices=Rhythm.choices, coerce=Rhythm, initial=Rhythm.BUSINESS_DAYS, widget=forms.RadioSelect
    )
    weekdays = forms.TypedMultipleChoiceField(
        label="曜日", required=False, coerce=int, choices=list(enumerate(WEEKDAYS)), widget=forms.CheckboxSelectMultiple,
        help_text="「曜日を決めて」のとき",
    )  # fmt: skip
    month_day = forms.IntegerField(
        label="毎月何日", required=False, min_value=1, max_value=31, help_text="「毎月の日を決めて」のとき。31は月末です。",
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), "1から31の数で入力してください。"),
    )  # fmt: skip
    due_time = TimeBox(
        label="期限の時刻", help_text="例：8:30。この時刻までにファイルを用意します。",
        error_messages={"required": "時刻を入力してください。例：8:30"},
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shared = SavedList.objects.filter(shared=True, removed_at=None).values_list("pk", "name")
        self.fields["saved_list"].choices = [("", "選んでください"), *shared]


def rhythm_text(order: StandingOrder) -> str:
    """``毎週 月・木 8:30まで``."""
    match Rhythm(order.rhythm):
        case Rhythm.BUSINESS_DAYS:
            days = "開庁日ごと"
        case Rhythm.WEEKDAYS:
            days = f"毎週 {'・'.join(WEEKDAYS[n] for n in order.weekdays)}"
        case Rhythm.MONTH_DAY:
            days = "毎月 末日" if order.month_day == 31 else f"毎月 {order.month_day}日"
    return f"{days} {order.due_time:%H:%M}まで"


@roles(READ_RESIDENTS)
def deliveries(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Files, what is late, the standing orders; POST orders another one."""
    form = OrderForm(request.POST or None)
    problem, status = "", 200
    if request.method == "POST":
        if not may(request, ORDER_LISTS):
            raise PermissionDenied("定期の受け渡しは、業務責任者・市職員だけが決められます。")
        status = 422
        if form.is_valid():
            try:
                order_list(contract, **form.cleaned_data, by=actor_of(request), now=request.now)
            except ListError as wrong:
                problem = str(wrong)
            else:
                messages.success(request, "定期の受け渡しを決めました。期限までにファイルを用意し、市の担当者にメールで知らせます。")
                return redirect("office:deliveries", contract.code)
    now = request.now
    page = Paginator(made_deliveries(), PER_PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    receipts = receipts_of(shown)
    rows = []
    for one in shown:
        label = state_label(due_at=one.due_at, made_at=one.made_at, erased=one.erased_at is not None, now=now)
        people = receipts.get(one.pk, [])
        rows.append({"one": one, "state": label, "tone": TONES[label], "people": people})
    orders = running_orders()
    coming = next_due(contract, orders, now)
    context: dict[str, Any] = {
        "rows": rows,
        "page": page,
        "waiting": [
            (due, label, TONES[label])
            for due in unmade(contract, now)
            for label in [state_label(due_at=due.due_at, made_at=None, erased=False, now=now)]
        ],
        "orders": [
            (order, rhythm_text(order), Selection.of(order.saved_list.selection).words(), coming.get(order.pk))
            for order in orders
        ],
        "form": form,
        "problem": problem,
        "may_order": may(request, ORDER_LISTS),
    }
    return render(request, "office/deliveries/deliveries.html", context, status=status)


@require_POST
@roles(READ_RESIDENTS)
def download(request: HttpRequest, contract: Contract, pk: int) -> HttpResponse:
    """The file itself; who took it and when is written down."""
    try:
        delivery, content = hand_over(contract, pk, user=request.user, by=actor_of(request), now=request.now)
    except ListError as wrong:
        messages.error(request, str(wrong))
        return redirect("office:deliveries", contract.code)
    return attachment(content, MEDIA[FileForm(delivery.order.form)], delivery.file_name)


@require_POST
@roles(ORDER_LISTS)
def end(request: HttpRequest, contract: Contract, pk: int) -> HttpResponse:
    """No more deliveries of an order."""
    try:
        end_order(contract, pk, by=actor_of(request), now=request.now)
    except ListError as wrong:
        messages.error(request, str(wrong))
    else:
        messages.success(request, "定期の受け渡しを終えました。これまでのファイルと記録は残ります。")
    return redirect("office:deliveries", contract.code)
