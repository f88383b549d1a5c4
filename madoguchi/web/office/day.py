"""The sheet of a day: who comes when, arrived or not; prints on A4."""

from __future__ import annotations

import datetime as dt

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.queries.external import visits
from madoguchi.domain.booking.queries.lists import day_sheet
from madoguchi.domain.booking.services.marks import mark_arrived, mark_no_show
from madoguchi.ground.accounts.access import READ_RESIDENTS, WORK_ON_BOOKINGS, actor_of, may, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.kit import dates

from .forms import day_of


@roles(READ_RESIDENTS)
def day(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Bookings of ``?date=`` (today) at ``?site=`` (all)."""
    date = day_of(request.GET.get("date", ""), request.now.date())
    sites = list(Site.objects.all())
    site = request.GET.get("site", "")
    if site not in {s.code for s in sites}:
        site = ""
    rows = day_sheet(contract, date, site=site, now=request.now)
    if rows:
        detail = {"date": date, "bookings": [row.id for row in rows]}
        request.audit_reads.append(Read("booking.listed", f"contract:{contract.code}", actor_of(request), detail))
    people = [person for row in rows for person in row.people]
    procedures: dict[str, int] = {}
    for person in people:
        procedures[person.procedure] = procedures.get(person.procedure, 0) + 1
    external = contract.profile.booking.mode == "external"
    context = {
        "visits": list(visits(date, date, site=site)) if external else [],
        "date": date,
        "date_title": dates.show(date),
        "rows": rows,
        "sites": sites,
        "site": site,
        "totals": {
            "bookings": len(rows),
            "people": len(people),
            "arrived": sum(row.arrived for row in rows),
            "no_show": sum(row.no_show for row in rows),
            "no_mail": sum(not row.has_mail for row in rows),
        },
        "procedures": procedures.items(),
        "earlier": (date - dt.timedelta(days=1)).isoformat(),
        "later": (date + dt.timedelta(days=1)).isoformat(),
        "today": request.now.date(),
        "printed_at": request.now,
        "may_work": may(request, WORK_ON_BOOKINGS),
    }
    return render(request, "office/day/day.html", context)


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
