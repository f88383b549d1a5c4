"""The sheet of a day: who comes when, arrived or not, who came without a booking, whom to call; prints on A4."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.enums import WalkInOutcome
from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.models import Booking, WalkIn
from madoguchi.domain.booking.queries.external import visits
from madoguchi.domain.booking.queries.lists import day_sheet, walk_ins_of
from madoguchi.domain.booking.services.marks import (
    MOST_PEOPLE,
    mark_arrived,
    mark_no_show,
    record_walk_in,
    withdraw_walk_in,
)
from madoguchi.domain.cards.queries.stock import cards_by_booking
from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.accounts.access import READ_RESIDENTS, WORK_ON_BOOKINGS, actor_of, may, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.kit import dates

from .forms import day_of


class WalkInForm(forms.Form):
    """A party without a booking: people per procedure, language, what became of it."""

    use_required_attribute = False
    place = forms.ChoiceField(label="場所")
    language = forms.ChoiceField(label="ことば", initial="ja")
    outcome = forms.ChoiceField(label="結果", choices=WalkInOutcome.choices, initial=WalkInOutcome.SERVED)

    def __init__(self, contract: Contract, sites: list[Site], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = dict(settings.LANGUAGES)
        self.fields["place"].choices = [(site.code, site.name) for site in sites]
        self.fields["language"].choices = [(code, names[code]) for code in contract.profile.languages]
        self.procedures = list(Procedure.objects.all())
        for procedure in self.procedures:
            wrong = f"{procedure.legal_name}の人数は、0から{MOST_PEOPLE}までの数で入力してください。"
            self.fields[f"n_{procedure.code}"] = forms.IntegerField(
                label=procedure.legal_name, required=False, min_value=0, max_value=MOST_PEOPLE,
                error_messages={"invalid": wrong, "min_value": wrong, "max_value": wrong},
            )  # fmt: skip

    @property
    def boxes(self) -> list[Any]:
        """Bound fields of people, one for each procedure."""
        return [self[f"n_{procedure.code}"] for procedure in self.procedures]

    def people(self) -> dict[str, int]:
        """Procedure code → people, without zeros."""
        return {p.code: n for p in self.procedures if (n := self.cleaned_data.get(f"n_{p.code}"))}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not self.people():
            self.add_error(None, "手続きのどれかに、人数を入力してください。")
        return data


@roles(READ_RESIDENTS)
def day(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Bookings of ``?date=`` (today) at ``?site=`` (all); ``?only=calls``: those whom no notice reaches, to be called."""
    return _page(request, contract, WalkInForm(contract, list(Site.objects.all())))


def _page(request: HttpRequest, contract: Contract, form: WalkInForm, *, status: int = 200) -> HttpResponse:
    date = day_of(request.GET.get("date", ""), request.now.date())
    sites = list(Site.objects.all())
    site = request.GET.get("site", "")
    if site not in {s.code for s in sites}:
        site = ""
    whole = day_sheet(contract, date, site=site, now=request.now)
    calls = request.GET.get("only") == "calls"
    rows = [row for row in whole if not row.told] if calls else whole
    walk_ins = walk_ins_of(date, site=site)
    if rows:
        detail = {"date": date, "bookings": [row.id for row in rows]}
        request.audit_reads.append(Read("booking.listed", f"contract:{contract.code}", actor_of(request), detail))
    people = [person for row in rows for person in row.people]
    procedures: dict[str, int] = {}
    for person in people:
        procedures[person.procedure] = procedures.get(person.procedure, 0) + 1
    external = contract.profile.booking.mode == "external"
    cards = cards_by_booking(row.id for row in rows) if contract.profile.cards else {}
    context = {
        "visits": list(visits(date, date, site=site)) if external else [],
        "date": date,
        "date_title": dates.show(date),
        "rows": [(row, cards.get(row.id, [])) for row in rows],
        "cards_kept": contract.profile.cards is not None,
        "sites": sites,
        "site": site,
        "totals": {
            "bookings": len(rows),
            "people": len(people),
            "arrived": sum(row.arrived for row in rows),
            "no_show": sum(row.no_show for row in rows),
            "no_mail": sum(not row.told for row in whole),
            "walk_ins": sum(row.people for row in walk_ins if not row.withdrawn),
        },
        "calls": calls,
        "walk_ins": walk_ins,
        "form": form,
        "procedures": procedures.items(),
        "earlier": (date - dt.timedelta(days=1)).isoformat(),
        "later": (date + dt.timedelta(days=1)).isoformat(),
        "today": request.now.date(),
        "printed_at": request.now,
        "may_work": may(request, WORK_ON_BOOKINGS),
    }
    return render(request, "office/day/day.html", context, status=status)


@require_POST
@roles(WORK_ON_BOOKINGS)
def walk_in(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Record a party that came without a booking, now."""
    form = WalkInForm(contract, list(Site.objects.all()), request.POST)
    if not form.is_valid():
        return _page(request, contract, form, status=422)
    data = form.cleaned_data
    record_walk_in(
        contract, site=data["place"], people=form.people(), language=data["language"], outcome=WalkInOutcome(data["outcome"]),
        by=actor_of(request), now=request.now,
    )  # fmt: skip
    messages.success(request, "予約のない来庁を記録しました。")
    return redirect(f"{reverse('office:day', args=[contract.code])}#walk-ins")


@require_POST
@roles(WORK_ON_BOOKINGS)
def walk_in_withdraw(request: HttpRequest, contract: Contract, walk_in: int) -> HttpResponse:
    """Take a wrong entry back."""
    try:
        withdraw_walk_in(contract, walk_in, by=actor_of(request), now=request.now)
    except WalkIn.DoesNotExist:
        messages.warning(request, "この記録は、すでに取り消されています。")
    else:
        messages.success(request, "記録を取り消しました。")
    return redirect(f"{reverse('office:day', args=[contract.code])}#walk-ins")


@require_POST
@roles(WORK_ON_BOOKINGS)
def mark(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """Mark a party as arrived or as not come; a wrong mark is mended by the other button."""
    deed = {"arrived": mark_arrived, "no_show": mark_no_show}.get(request.POST.get("mark", ""))
    if deed is None:
        raise Http404("この操作はありません。")
    try:
        booking = deed(contract, code, by=actor_of(request), now=request.now)
    except Booking.DoesNotExist:
        raise Http404("この予約番号の予約はありません。") from None
    except Refused as refused:
        messages.error(request, refused.message)
        booking = Booking.objects.get(code=code)
    date = day_of(request.POST.get("date", ""), request.now.date())
    site = request.POST.get("site", "")
    query = f"?date={date.isoformat()}" + (f"&site={site}" if site.replace("-", "").replace("_", "").isalnum() else "")
    return redirect(f"{reverse('office:day', args=[contract.code])}{query}#b-{booking.code}")
