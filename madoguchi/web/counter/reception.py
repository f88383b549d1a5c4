"""The reception desk on a tablet: who came, with or without a booking, with which documents; then a ticket, or the list of what is missing."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.enums import WalkInOutcome
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.queries.desk import Panel, panel
from madoguchi.domain.booking.queries.lists import SheetRow, day_sheet
from madoguchi.domain.booking.rules import ALPHABET, CODE_LENGTH, read_code
from madoguchi.domain.procedures.enums import Situation, Who
from madoguchi.domain.procedures.queries import bring_rows
from madoguchi.domain.procedures.rules.bring import situations_asked
from madoguchi.domain.procedures.shipped import triage_text, triage_tree
from madoguchi.domain.reception import queries
from madoguchi.domain.reception.enums import Need, Stay
from madoguchi.domain.reception.errors import ReceptionRefused
from madoguchi.domain.reception.models import Ticket
from madoguchi.domain.reception.services import tickets as deeds
from madoguchi.ground.accounts.access import WORK_AT_COUNTER, WORK_ON_BOOKINGS, may, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import kana

from . import shared

LAST_DIGITS = 4
IN_LINK = re.compile(r"/r/([0-9A-Za-z]{4,12})/")


@roles(WORK_AT_COUNTER)
def reception(request: HttpRequest, contract: Contract, site: str) -> HttpResponse:
    """The start: find today's booking by QR code, number, last digits of the telephone or reading; or choose a procedure."""
    where = shared.site_of(contract, site)
    text = str(request.POST.get("q", "")).strip()
    context: dict[str, Any] = {
        "site": where,
        "sites": shared.sites_of(contract),
        "procedures": contract.profile.procedures_at(site),
        "languages": shared.languages(contract),
        "search_asked": bool(text),
        "queue": queries.group_rows(queries.Queue(contract, site, request.now), request.now),
    }
    if not text:
        return render(request, "counter/reception/start.html", context)
    code = code_in(text)
    if code and queries.todays_booking(site, code, request.now) is not None:
        return redirect("counter:booked", contract.code, site, code)
    rows = [row for row in day_sheet(contract, request.now.date(), site=site, now=request.now) if fits(row, text)]
    detail = {"site": site, "bookings": [row.id for row in rows]}
    request.audit_reads.append(Read("reception.searched", f"contract:{contract.code}", shared.counter_actor(request), detail))
    return render(request, "counter/reception/start.html", {**context, "found": rows, "asked": text})


def code_in(text: str) -> str:
    """The booking's code in what was typed or scanned: the number itself, or the link of a QR code; empty when there is none."""
    linked = IN_LINK.search(text)
    code = read_code(linked[1] if linked else text)
    return code if len(code) == CODE_LENGTH and all(sign in ALPHABET for sign in code) else ""


def fits(row: SheetRow, text: str) -> bool:
    """Whether a booking of the day is meant by last digits of its telephone, the beginning of a reading, or a name."""
    plain = kana.to_katakana(text)
    digits = re.sub(r"\D", "", text.translate(str.maketrans("０１２３４５６７８９", "0123456789")))
    if digits and len(digits) >= LAST_DIGITS and re.sub(r"\D", "", row.phone).endswith(digits):
        return True
    squeezed = re.sub(r"[\s\u3000]", "", plain)
    if not squeezed or digits:
        return False
    return any(
        re.sub(r"[\s\u3000]", "", person.kana).startswith(squeezed) or re.sub(r"[\s\u3000]", "", person.name).startswith(squeezed)
        for person in row.people
    )


@roles(WORK_AT_COUNTER)
def which(request: HttpRequest, contract: Contract, site: str) -> HttpResponse:
    """The questions that lead to a procedure, one at a time."""
    where = shared.site_of(contract, site)
    tree = triage_tree()
    at = request.GET.get("at", "") or tree.start
    here = reverse("counter:which", args=[contract.code, site])
    if at in tree.questions:
        options = [
            (triage_text("option", f"{at}-{option}", "ja"), f"{here}?{urlencode({'at': to})}") for option, to in tree.questions[at].options
        ]
        context = {"site": where, "question": triage_text("question", at, "ja"), "options": options, "first": at == tree.start}
        return render(request, "counter/reception/which.html", context)
    outcome = tree.outcomes.get(at)
    if outcome is None:
        raise Http404("この質問はありません。")
    code = outcome.procedure([one.code for one in contract.profile.procedures_at(site)])
    if code:
        query = [("p", code), ("who", str(outcome.who or Who.SELF)), *(("s", str(one)) for one in outcome.situations)]
        return redirect(f"{reverse('counter:walk_in', args=[contract.code, site])}?{urlencode(query)}")
    elsewhere = triage_text("text", outcome.elsewhere, "ja") if outcome.elsewhere else ""
    return render(request, "counter/reception/which.html", {"site": where, "elsewhere": elsewhere, "ended": True})


@roles(WORK_AT_COUNTER)
def walk_in(request: HttpRequest, contract: Contract, site: str) -> HttpResponse:
    """Without a booking: procedures with their people, language, who comes; the documents to look at."""
    where = shared.site_of(contract, site)
    offered = [one.code for one in contract.profile.procedures_at(site)]
    chosen = [code for code in offered if code in request.GET.getlist("p") or f"n_{code}" in request.GET]
    counts = shared.read_counts(request.GET, offered) or dict.fromkeys(chosen, 1)
    if not counts:
        messages.warning(request, "手続きを選んでください。")
        return redirect("counter:reception", contract.code, site)
    return render(request, "counter/reception/party.html", _page(request, contract, where, counts, request.GET))


def _page(request: HttpRequest, contract: Contract, site: Any, counts: dict[str, int], data: Any) -> dict[str, Any]:
    who = data.get("who", "") if data.get("who", "") in Who.values else Who.SELF.value
    situations = [Situation(one) for one in data.getlist("s") if one in Situation.values]
    language = data.get("language", "")
    language = language if language in contract.profile.languages else "ja"
    today = request.now.date()
    rows = bring_rows(today, list(counts))
    asked = list(dict.fromkeys(one for code in counts for one in situations_asked(rows, code, None, today)))
    titles = {one.code: one.title for one in contract.profile.procedures}
    return {
        "site": site,
        "counts": [(one.code, one.title, counts.get(one.code, 0)) for one in contract.profile.procedures_at(site.code)],
        "chosen": [(code, titles[code], count) for code, count in counts.items()],
        "languages": shared.languages(contract),
        "language": language,
        "whos": [(value, label, value == who) for value, label in Who.choices],
        "who": who,
        "situations": [(one.value, one.label, one in situations) for one in asked],
        "needs": Need.choices,
        "bring": [(titles[code], code, one) for code, one in shared.briefings(list(counts), Who(who), situations, today, "ja")],
        "key": shared.new_key(),
    }


@roles(WORK_AT_COUNTER)
def booked(request: HttpRequest, contract: Contract, site: str, code: str) -> HttpResponse:
    """A booked party: who of it came, what it needs, its documents."""
    where = shared.site_of(contract, site)
    booking = queries.todays_booking(site, read_code(code), request.now)
    if booking is None:
        raise Http404("今日のこの場所の予約に、この番号はありません。")
    found = panel(contract, booking.code)
    request.audit_reads.append(Read("reception.welcomed", f"booking:{booking.pk}", shared.counter_actor(request), {"site": site}))
    context = {
        "site": where,
        "panel": found,
        "ticket": Ticket.objects.filter(booking=booking, closed_at=None).first(),
        "languages": shared.languages(contract),
        "language": booking.language,
        "needs": Need.choices,
        "wishes": found.contact.as_dict().get("needs", ""),
        "bring": _booked_bring(contract, found),
        "key": shared.new_key(),
    }
    return render(request, "counter/reception/booked.html", context)


def _booked_bring(contract: Contract, found: Panel) -> list[tuple[str, str, Any]]:
    titles = {one.code: one.title for one in contract.profile.procedures}
    return [(titles.get(one.procedure, one.procedure), one.procedure, one.briefing) for _, one in found.briefings]


@require_POST
@roles(WORK_AT_COUNTER)
def issue(request: HttpRequest, contract: Contract, site: str) -> HttpResponse:
    """Give out a ticket and show it."""
    shared.site_of(contract, site)
    data = request.POST
    language = data.get("language", "")
    code = read_code(data.get("booking", ""))
    try:
        ticket = deeds.issue(
            contract, site=site, parts=_parts(contract, site, data, code), people=_people(data), booking=code, needs=data.getlist("need"),
            language=language if language in contract.profile.languages else "ja", key=data.get("key", ""),
            by=shared.counter_actor(request), now=request.now,
        )  # fmt: skip
    except ReceptionRefused as refused:
        messages.error(request, str(refused))
        if code:
            return redirect("counter:reception", contract.code, site)
        where = shared.site_of(contract, site)
        counts = shared.read_counts(data, [one.code for one in contract.profile.procedures_at(site)])
        return render(request, "counter/reception/party.html", _page(request, contract, where, counts, data), status=422)
    return redirect("counter:slip", contract.code, site, ticket.pk)


def _parts(contract: Contract, site: str, data: Any, code: str) -> dict[str, int]:
    offered = [one.code for one in contract.profile.procedures_at(site)]
    if not code:
        return shared.read_counts(data, offered)
    came = data.getlist("person")
    found = Booking.objects.filter(code=code).first()
    if found is None:
        return {}
    counts: dict[str, int] = {}
    for guest in panel(contract, code).people:
        if str(guest.id) in came:
            counts[guest.procedure] = counts.get(guest.procedure, 0) + 1
    return counts


def _people(data: Any) -> int:
    came = data.getlist("person")
    text = data.get("people", "")
    return len(came) if came else int(text) if text.isdecimal() and len(text) < 4 else 0


@require_POST
@roles(WORK_AT_COUNTER)
def missing(request: HttpRequest, contract: Contract, site: str) -> HttpResponse:
    """The list of what is missing, to hand over, with how to book again. Nothing is recorded yet."""
    where = shared.site_of(contract, site)
    data = request.POST
    language = data.get("language", "")
    language = language if language in contract.profile.languages else "ja"
    code = read_code(data.get("booking", ""))
    counts = _parts(contract, site, data, code)
    if not counts:
        messages.warning(request, "手続きを選んでください。")
        return redirect("counter:reception", contract.code, site)
    who = data.get("who", "") if data.get("who", "") in Who.values else Who.SELF.value
    situations = [Situation(one) for one in data.getlist("s") if one in Situation.values]
    there = set(data.getlist("doc"))
    titles = {one.code: one.title for one in contract.profile.procedures}
    lists = []
    for shown in dict.fromkeys([language, "ja"]):
        with translation.override(shown):
            found = shared.briefings(list(counts), Who(who), situations, request.now.date(), shown)
        lists.append((shown, [(titles[p], [item for item in one.documents if f"{p}.{item.code}" not in there]) for p, one in found]))
    lacking = any(items for _, groups in lists for _, items in groups)
    again = f"{settings.PUBLIC_URL}{reverse('citizen:who', args=[contract.code])}?{urlencode({'p': next(iter(counts)), 'lang': language})}"
    context = {
        "site": where,
        "lists": lists,
        "lacking": lacking,
        "counts": counts.items(),
        "language": language,
        "booking": code,
        "people": data.getlist("person"),
        "again_url": again,
        "again_qr": shared.qr(again),
        "books": contract.profile.booking.mode == "own",
        "may_book": may(request, WORK_ON_BOOKINGS),
        "outcomes": [(one.value, one.label) for one in (WalkInOutcome.BOOKED, WalkInOutcome.REFERRED, WalkInOutcome.LEFT)],
        "key": shared.new_key(),
        "printed_at": request.now,
    }
    return render(request, "counter/reception/missing.html", context)


@require_POST
@roles(WORK_AT_COUNTER)
def turn_away(request: HttpRequest, contract: Contract, site: str) -> HttpResponse:
    """The party goes with the list and without a ticket."""
    shared.site_of(contract, site)
    data = request.POST
    wanted = data.get("outcome", "")
    language = data.get("language", "")
    try:
        if wanted not in WalkInOutcome.values:
            raise ReceptionRefused("案内した結果を選んでください。")
        deeds.turn_away(
            contract, site=site, parts=shared.read_counts(data, [one.code for one in contract.profile.procedures_at(site)]),
            outcome=WalkInOutcome(wanted), booked=bool(data.get("booking")), key=data.get("key", ""),
            language=language if language in contract.profile.languages else "ja", by=shared.counter_actor(request), now=request.now,
        )  # fmt: skip
    except ReceptionRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "案内を記録しました。")
    return redirect("counter:reception", contract.code, site)


@roles(WORK_AT_COUNTER)
def slip(request: HttpRequest, contract: Contract, site: str, ticket: int) -> HttpResponse:
    """The ticket, to be printed or photographed."""
    where = shared.site_of(contract, site)
    found = Ticket.objects.filter(pk=ticket, site__code=site).first()
    if found is None:
        raise Http404("この番号札はありません。")
    terms = contract.profile.reception
    assert terms is not None
    place = queries.Queue(contract, site, request.now).place(found) if found.state == Stay.WAIT else None
    context = {
        "site": where,
        "ticket": found,
        "group": terms.group(site, found.group),
        "group_name": terms.group(site, found.group).called(found.language),
        "place": place,
        "wait": shared.wait_staff(place.wait, place.windows) if place else "",
        "qr": shared.qr(shared.ticket_url(contract, found)),
    }
    return render(request, "counter/reception/slip.html", context)
