"""Days at other places: the list, one day with equipment and results, and the pack on paper for a place without a network."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.queries.lists import day_sheet
from madoguchi.domain.premises.enums import OutingStage
from madoguchi.domain.premises.errors import PremisesRefused
from madoguchi.domain.premises.models import Outing
from madoguchi.domain.premises.queries.outings import coming, finished, per_month
from madoguchi.domain.premises.services import outings as deeds
from madoguchi.ground.accounts.access import LEAD_AT_COUNTER, READ_COUNTER, READ_RESIDENTS, WORK_AT_COUNTER, may, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.web.ui.dates import DayBox, TimeBox

from ..shared import counter_actor

TONES = {OutingStage.PLANNED: "info", OutingStage.REPORTED: "warn", OutingStage.HANDED_OVER: "ok", OutingStage.CANCELLED: "plain"}
BLANK_LINES = 12
"""Empty lines for who comes without a reservation."""


class OutingForm(forms.Form):
    """Where, when, with whom."""

    use_required_attribute = False
    place = forms.CharField(label="場所", max_length=80, error_messages={"required": "場所の名称を入力してください。"})
    address = forms.CharField(label="所在地", max_length=200, error_messages={"required": "所在地を入力してください。"})
    on = DayBox(label="日", error_messages={"required": "日を入力してください。"})
    starts = TimeBox(label="始まり", error_messages={"required": "始まりの時刻を入力してください。"})
    ends = TimeBox(label="終わり", error_messages={"required": "終わりの時刻を入力してください。"})
    staff = forms.IntegerField(label="人数", min_value=1, max_value=99, initial=2, error_messages={"required": "人数を入力してください。"})
    target = forms.IntegerField(
        label="目標の件数", min_value=0, max_value=deeds.LARGEST, initial=20, error_messages={"required": "目標の件数を入力してください。"}
    )
    site = forms.ChoiceField(label="予約を受けている場所", required=False, help_text="この日の予約が入っている場所。なければ「なし」のままにします。")
    note = forms.CharField(label="メモ（氏名は書かない）", max_length=200, required=False)

    def __init__(self, contract: Contract, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sites = [(site.code, site.short_name or site.name) for site in contract.profile.sites]
        self.fields["site"].choices = [("", "なし"), *sites]  # type: ignore[attr-defined]


def _served(contract: Contract) -> None:
    if not contract.profile.outreach.enabled:
        raise Http404("この契約では、出張申請を行っていません。")


def _outing(contract: Contract, outing: int) -> Outing:
    _served(contract)
    found = Outing.objects.select_related("site", "handed_over_by").filter(pk=outing).first()
    if found is None:
        raise Http404("この出張の日は見つかりません。")
    return found


@roles(READ_COUNTER)
def outings(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Coming days, days gone by, how many a month; whoever leads adds one."""
    _served(contract)
    form = OutingForm(contract, request.POST if request.method == "POST" else None)
    problem, status = "", 200
    if request.method == "POST":
        if not may(request, LEAD_AT_COUNTER):
            raise PermissionDenied("この操作の権限がありません。")
        status = 422
        if form.is_valid():
            try:
                made = deeds.plan_outing(contract, deeds.Plan(**form.cleaned_data), by=counter_actor(request), now=request.now)
            except PremisesRefused as refused:
                problem, status = refused.message, 409
            else:
                messages.success(request, "出張の日を決めました。")
                return redirect("premises:outing", contract.code, made.pk)
    today = request.now.date()
    terms = contract.profile.outreach
    context = {
        "terms": terms,
        "coming": [_row(one) for one in coming(today)],
        "finished": [_row(one) for one in finished()[:30]],
        "months": [(month, n, n < terms.places_per_month_min, terms.places_per_month_max is not None and n > terms.places_per_month_max)
                   for month, n in per_month(today)],
        "form": form,
        "problem": problem,
        "may_lead": may(request, LEAD_AT_COUNTER),
    }  # fmt: skip
    return render(request, "counter/rooms/outings.html", context, status=status)


def _row(outing: Outing) -> dict[str, Any]:
    return {"outing": outing, "tone": TONES[OutingStage(outing.stage)], "people": sum(outing.results.values())}


@roles(READ_COUNTER)
def outing(request: HttpRequest, contract: Contract, outing: int) -> HttpResponse:
    """One day."""
    return _page(request, contract, _outing(contract, outing))


def _page(request: HttpRequest, contract: Contract, found: Outing, *, problem: str = "", form: OutingForm | None = None, status: int = 200) -> HttpResponse:
    lead = may(request, LEAD_AT_COUNTER)
    planned = found.stage == OutingStage.PLANNED
    changeable = found.stage in deeds.CHANGEABLE
    initial = {name: getattr(found, name) for name in ("place", "address", "on", "staff", "target", "note")}
    initial |= {"starts": f"{found.starts:%H:%M}", "ends": f"{found.ends:%H:%M}", "site": found.site.code if found.site else ""}
    context = {
        **_row(found),
        "form": form or OutingForm(contract, initial=initial),
        "procedures": [(one, request.POST.get(f"n_{one.code}", found.results.get(one.code, ""))) for one in contract.profile.procedures],
        "papers": request.POST.get("papers", "" if found.papers is None else found.papers),
        "receipt": request.POST.get("receipt", ""),
        "reason": request.POST.get("reason", ""),
        "label": request.POST.get("label", ""),
        "out": sum(bool(row["out"]) for row in found.equipment),
        "back": sum(bool(row["back"]) for row in found.equipment),
        "planned": planned,
        "changeable": changeable,
        "come": found.on <= request.now.date(),
        "may_work": may(request, WORK_AT_COUNTER) and changeable,
        "may_lead": lead,
        "problem": problem,
    }
    return render(request, "counter/rooms/outing.html", context, status=status)


@require_POST
@roles(WORK_AT_COUNTER)
def deed(request: HttpRequest, contract: Contract, outing: int, deed: str) -> HttpResponse:
    """A deed on a day: ``tick``, ``add``, ``report`` by who works there; ``change``, ``cancel``, ``hand-over`` by who leads."""
    found = _outing(contract, outing)
    by, now, data = counter_actor(request), request.now, request.POST
    said = {
        "tick": "", "add": "加えました。", "report": "結果を記録しました。", "change": "変えました。", "cancel": "中止しました。",
        "hand-over": "引き渡しを記録しました。",
    }  # fmt: skip
    if deed not in said:
        raise Http404("この操作はありません。")
    try:
        if deed in ("change", "cancel", "hand-over") and not may(request, LEAD_AT_COUNTER):
            raise PremisesRefused("この操作は、リーダー・業務責任者・市の方が行います。")
        if deed == "tick":
            position = data.get("position", "")
            deeds.tick(contract, found.pk, int(position) if position.isdecimal() and len(position) < 4 else -1, data.get("way", ""), now=now)
        elif deed == "add":
            deeds.add_equipment(contract, found.pk, data.get("label", ""))
        elif deed == "report":
            counts = {one.code: _count(data.get(f"n_{one.code}", "")) for one in contract.profile.procedures}
            deeds.report(contract, found.pk, counts, _count(data.get("papers", "")), by=by, now=now)
        elif deed == "cancel":
            deeds.cancel_outing(contract, found.pk, data.get("reason", ""), by=by, now=now)
        elif deed == "hand-over":
            deeds.hand_over(contract, found.pk, data.get("receipt", ""), user=request.user, by=by, now=now)  # type: ignore[arg-type]
        else:
            form = OutingForm(contract, data)
            if not form.is_valid():
                return _page(request, contract, found, form=form, status=422)
            deeds.change_outing(contract, found.pk, deeds.Plan(**form.cleaned_data), by=by, now=now)
    except PremisesRefused as refused:
        return _page(request, contract, _outing(contract, outing), problem=refused.message, status=409)
    if said[deed]:
        messages.success(request, said[deed])
    return redirect("premises:outing", contract.code, found.pk)


def _count(text: str) -> int:
    """A number of people or sheets; nothing is none, and what is no number is refused by the deed."""
    plain = text.strip()
    if not plain:
        return 0
    return int(plain) if plain.isdecimal() and len(plain) <= 6 else -1


@roles(READ_RESIDENTS)
def pack(request: HttpRequest, contract: Contract, outing: int) -> HttpResponse:
    """On paper for a place without a network: the day's reservations, equipment, telephone numbers, blank forms."""
    found = _outing(contract, outing)
    profile = contract.profile
    rows = day_sheet(contract, found.on, site=found.site.code, now=request.now) if found.site else []
    if rows:
        detail = {"date": found.on, "bookings": [row.id for row in rows]}
        request.audit_reads.append(Read("premises.pack_opened", f"outing:{found.pk}", counter_actor(request), detail))
    phones = [(profile.city.office.name, profile.city.office.phone, profile.city.office.phone_confirmed)]
    channel = profile.channels.phone
    if channel is not None:
        phones.append((channel.label, channel.number, channel.number_confirmed))
    context = {
        "outing": found,
        "date_title": dates.show(found.on),
        "rows": rows,
        "blanks": range(BLANK_LINES),
        "phones": [(name, number, confirmed) for name, number, confirmed in phones if number],
        "sites": profile.sites,
        "forms": profile.outreach.forms,
        "procedures": profile.procedures,
        "made_at": request.now,
    }
    return render(request, "counter/rooms/pack.html", context)
