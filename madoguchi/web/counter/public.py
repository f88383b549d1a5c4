"""What visitors see without an account: the ticket machine, the display of calls, the page of one ticket."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from madoguchi.domain.booking.models import Attendee
from madoguchi.domain.callflow.speech import SpeechError
from madoguchi.domain.procedures.enums import Situation, Who
from madoguchi.domain.procedures.queries import Shown, shown_procedures
from madoguchi.domain.procedures.shipped import triage_text, triage_tree
from madoguchi.domain.reception import queries, sound
from madoguchi.domain.reception.enums import Outcome, Stay, TerminalKind
from madoguchi.domain.reception.errors import ReceptionRefused
from madoguchi.domain.reception.models import Period, Summons, Terminal, Ticket
from madoguchi.domain.reception.rules import WaitRange
from madoguchi.domain.reception.services import tickets as deeds
from madoguchi.domain.reception.services.terminals import open_terminal, terminal_path
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel
from madoguchi.web.ui.throttle import allow

from . import screens, shared
from .reception import code_in

MACHINE = Actor(ActorKind.CITIZEN, Channel.COUNTER)
MOST_AT_MACHINE = 10


def wait_text(wait: WaitRange | None) -> str:
    """A waiting time in the reader's language; an unknown one is said to be unknown."""
    if wait is None:
        return _("待ち時間は、まだ分かりません。")
    if wait.high == 0:
        return _("まもなくお呼びします。")
    return _("待ち時間は、%(low)s〜%(high)s分の見込みです。") % {"low": wait.low, "high": wait.high}


def _terminal(contract: Contract, terminal: int, token: str, kind: TerminalKind) -> Terminal:
    found = open_terminal(contract, terminal, token, kind) if len(str(terminal)) < 19 else None
    if found is None or contract.profile.reception is None:
        raise Http404("この画面のリンクは使えません。")
    return found


def _open_now(contract: Contract, site: str, request: HttpRequest) -> bool:
    """Whether the site receives visitors at this moment."""
    today = request.now.date()
    if contract.profile.hours_for(site, "counter") is None:
        return True
    return calendar_of(contract, today, today).at(site, "counter", request.now).accepting


def _machine(request: HttpRequest, contract: Contract, terminal: Terminal) -> dict[str, Any]:
    """What every page of the machine needs."""
    home = terminal_path(contract, terminal)
    query = request.GET.copy()
    links = []
    for code, name in shared.languages(contract):
        query["lang"] = code
        links.append((code, name, f"{request.path}?{query.urlencode()}"))
    return {
        "terminal": terminal, "site": contract.profile.site(terminal.site.code), "home": home, "tongues": links, "tongue": get_language(),
        "key": shared.new_key(), "is_open": _open_now(contract, terminal.site.code, request),
    }  # fmt: skip


def _offered(contract: Contract, site: str) -> list[Shown]:
    return shown_procedures(get_language() or "ja", [one.code for one in contract.profile.procedures_at(site)])


def machine(request: HttpRequest, contract: Contract, terminal: int, token: str) -> HttpResponse:
    """The start of the ticket machine: with a booking or without one."""
    found = _terminal(contract, terminal, token, TerminalKind.MACHINE)
    return render(request, "counter/public/machine.html", _machine(request, contract, found))


def machine_booked(request: HttpRequest, contract: Contract, terminal: int, token: str) -> HttpResponse:
    """The booking's number, typed or scanned; then time and number of people are confirmed. Names are never shown."""
    found = _terminal(contract, terminal, token, TerminalKind.MACHINE)
    context = _machine(request, contract, found)
    if request.method != "POST":
        return render(request, "counter/public/machine_booked.html", context)
    if allow(request, contract, "machine"):
        return render(request, "counter/public/machine_booked.html", {**context, "problem": _("少し待ってから、もう一度お試しください。")}, status=429)
    typed = request.POST.get("code", "")
    booking = queries.todays_booking(found.site.code, code_in(typed), request.now)
    if booking is None:
        problem = _("今日のこの場所の予約に、この番号はありません。番号を確かめるか、係の者にお声がけください。")
        return render(request, "counter/public/machine_booked.html", {**context, "problem": problem, "typed": typed[:20]}, status=422)
    codes = list(dict.fromkeys(Attendee.objects.filter(booking=booking).values_list("procedure__code", flat=True)))
    names = [one for one in _offered(contract, found.site.code) if one.code in codes]
    context |= {"booking": booking, "names": names, "numbers": range(1, booking.people + 1)}
    return render(request, "counter/public/machine_confirm.html", context)


@require_GET
def machine_which(request: HttpRequest, contract: Contract, terminal: int, token: str) -> HttpResponse:
    """Without a booking: the procedures, or the questions that lead to one (``?at=``)."""
    found = _terminal(contract, terminal, token, TerminalKind.MACHINE)
    context = _machine(request, contract, found)
    offered = _offered(contract, found.site.code)
    at, tree, language = request.GET.get("at", ""), triage_tree(), get_language() or "ja"
    bring = reverse("visitor:machine_bring", args=[contract.code, terminal, token])
    if not at:
        rows = [(one, f"{bring}?{urlencode({'p': one.code})}") for one in offered]
        return render(request, "counter/public/machine_which.html", {**context, "procedures": rows, "start": tree.start})
    if at in tree.questions:
        options = [
            (triage_text("option", f"{at}-{option}", language), f"{request.path}?{urlencode({'at': to})}")
            for option, to in tree.questions[at].options
        ]
        return render(
            request, "counter/public/machine_which.html", {**context, "question": triage_text("question", at, language), "options": options}
        )
    outcome = tree.outcomes.get(at)
    if outcome is None:
        raise Http404("この質問はありません。")
    code = outcome.procedure([one.code for one in offered])
    if code:
        query = [("p", code), ("who", str(outcome.who or Who.SELF)), *(("s", str(one)) for one in outcome.situations)]
        return redirect(f"{bring}?{urlencode(query)}")
    text = triage_text("text", outcome.elsewhere, language) if outcome.elsewhere else ""
    return render(request, "counter/public/machine_which.html", {**context, "elsewhere": text, "ended": True})


@require_GET
def machine_bring(request: HttpRequest, contract: Contract, terminal: int, token: str) -> HttpResponse:
    """Does the visitor have everything? With all of it a ticket, else (``?lacks=1``) what to do."""
    found = _terminal(contract, terminal, token, TerminalKind.MACHINE)
    shown = next((one for one in _offered(contract, found.site.code) if one.code == request.GET.get("p")), None)
    if shown is None:
        raise Http404("この手続きはありません。")
    asked = request.GET.get("who", "")
    who = Who(asked) if asked in Who.values else Who.SELF
    situations = [Situation(one) for one in request.GET.getlist("s") if one in Situation.values]
    (_code, briefing), *_rest = shared.briefings([shown.code], who, situations, request.now.date(), get_language() or "ja")
    context = {
        **_machine(request, contract, found),
        "procedure": shown,
        "briefing": briefing,
        "lacks": request.GET.get("lacks") == "1",
        "lacks_url": f"{request.path}?{urlencode([('p', shown.code), ('who', str(who)), *(('s', str(one)) for one in situations), ('lacks', '1')])}",
        "numbers": range(1, MOST_AT_MACHINE + 1),
    }
    if context["lacks"]:
        page = f"{reverse('citizen:bring', args=[contract.code])}?{urlencode({'p': shown.code, 'who': str(who), 'lang': get_language() or 'ja'})}"
        context["bring_qr"] = shared.qr(request.build_absolute_uri(page))
    return render(request, "counter/public/machine_bring.html", context)


@require_POST
def machine_issue(request: HttpRequest, contract: Contract, terminal: int, token: str) -> HttpResponse:
    """Give out the ticket."""
    found = _terminal(contract, terminal, token, TerminalKind.MACHINE)
    site = found.site.code
    context = _machine(request, contract, found)
    refused = "counter/public/machine_refused.html"
    if not context["is_open"] or allow(request, contract, "tickets"):
        return render(request, refused, context, status=409)
    text = request.POST.get("people", "")
    people = int(text) if text.isdecimal() and len(text) < 3 else 1
    code = code_in(request.POST.get("booking", ""))
    chosen = [one.code for one in contract.profile.procedures_at(site) if one.code == request.POST.get("p")]
    if not code and not chosen:
        return render(request, refused, context, status=422)
    try:
        ticket = deeds.issue(
            contract, site=site, parts={} if code else {chosen[0]: people}, people=people if code else 0, booking=code,
            language=get_language() or "ja", key=request.POST.get("key", ""), by=MACHINE, now=request.now,
        )  # fmt: skip
    except ReceptionRefused:
        return render(request, refused, context, status=422)
    return redirect("visitor:machine_ticket", contract.code, terminal, token, ticket.token)


@require_GET
def machine_ticket(request: HttpRequest, contract: Contract, terminal: int, token: str, ticket: str) -> HttpResponse:
    """The ticket at the machine, to be printed or photographed; the machine returns to its start by itself."""
    found = _terminal(contract, terminal, token, TerminalKind.MACHINE)
    row = Ticket.objects.filter(token=ticket, site=found.site).first()
    if row is None:
        raise Http404("この番号札はありません。")
    terms = contract.profile.reception
    assert terms is not None
    wait = queries.Queue(contract, found.site.code, request.now).place(row).wait if row.state == Stay.WAIT else None
    context = {
        **_machine(request, contract, found),
        "ticket": row,
        "group": terms.group(found.site.code, row.group),
        "group_name": terms.group(found.site.code, row.group).called(row.language),
        "wait": wait_text(wait),
        "qr": shared.qr(shared.ticket_url(contract, row)),
    }
    return render(request, "counter/public/machine_ticket.html", context)


def ticket(request: HttpRequest, contract: Contract, token: str) -> HttpResponse:
    """One ticket for who holds it: the place in the queue, then the window; a mail when near, if wished."""
    found = Ticket.objects.filter(token=token).select_related("site").first()
    terms = contract.profile.reception
    if found is None or terms is None:
        raise Http404("この番号札はありません。")
    problem, status, typed = "", 200, ""
    if request.method == "POST":
        typed = request.POST.get("email", "")[:254]
        try:
            if allow(request, contract, "tickets"):
                raise ReceptionRefused(_("少し待ってから、もう一度お試しください。"))
            deeds.wish_mail(contract, token, "" if "stop" in request.POST else typed, by=MACHINE, now=request.now)
        except ReceptionRefused as refused:
            problem, status = str(refused), 422
        else:
            return redirect("visitor:ticket", contract.code, token)
    place = queries.Queue(contract, found.site.code, request.now).place(found) if found.state == Stay.WAIT else None
    party = Period.objects.filter(ticket=found, ended_at=None).select_related("window").first()
    group = terms.group(found.site.code, found.group)
    site = contract.profile.site(found.site.code)
    context = {
        "ticket": found,
        "site_name": site.name if (get_language() or "ja").startswith("ja") else site.name_en or site.name,
        "group_name": group.called(get_language() or "ja"),
        "place": place,
        "near": place is not None and place.before < terms.near_places,
        "wait": wait_text(place.wait) if place else "",
        "window": party.window.number if party and party.window and party.kind in (Stay.WALK, Stay.SERVE) else None,
        "walking": found.state == Stay.WALK,
        "serving": found.state == Stay.SERVE,
        "held": found.state == Stay.HOLD,
        "missed": found.outcome == Outcome.MISSED,
        "wished": found.address is not None,
        "problem": problem,
        "typed": typed,
        "survey_url": f"{reverse('citizen:survey', args=[contract.code])}?{urlencode({'at': site.code})}" if _asks(contract) else "",
    }
    response = render(request, "counter/public/ticket.html", context, status=status)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _asks(contract: Contract) -> bool:
    """Whether who holds a ticket is asked how the visit was."""
    return contract.profile.survey is not None and "poster" in contract.profile.survey.ways


@require_GET
def display(request: HttpRequest, contract: Contract, terminal: int, token: str) -> HttpResponse:
    """The screen that shows and speaks the calls."""
    found = _terminal(contract, terminal, token, TerminalKind.DISPLAY)
    terms = contract.profile.reception
    assert terms is not None
    groups = {group.letter: group for group in terms.groups_at(found.site.code)}
    state = queries.display_state(contract, found.site, request.now)
    context = {
        "site": contract.profile.site(found.site.code),
        "state": state,
        "now": request.now,
        "groups": [(one["letter"], groups[one["letter"]], groups[one["letter"]].called("en"), one["waiting"]) for one in state["groups"]],
        "state_url": reverse("visitor:display_state", args=[contract.code, terminal, token]),
        "sound_url": reverse("visitor:display_sound", args=[contract.code, terminal, token, 0, "xx"]),
        "languages": " ".join(sound.LANGUAGES),
    }
    return render(request, "counter/public/display.html", context)


@require_GET
def display_state(request: HttpRequest, contract: Contract, terminal: int, token: str) -> HttpResponse:
    """What the screen polls. A web process answers before Django (``screens.wrap``); this is the answer where it does not."""
    found = screens.state_of(contract.code, terminal, token) if len(str(terminal)) < 19 else None
    if found is None:
        raise Http404("この画面のリンクは使えません。")
    etag, body = found
    same = request.headers.get("If-None-Match") == etag
    answer: HttpResponse = HttpResponseNotModified() if same else HttpResponse(body, content_type="application/json")
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@require_GET
def display_sound(request: HttpRequest, contract: Contract, terminal: int, token: str, summons: int, language: str) -> HttpResponse:
    """A call as sound; made when first asked for, in the time of the chime. 404 where it cannot be spoken: the chime is then all."""
    found = _terminal(contract, terminal, token, TerminalKind.DISPLAY)
    row = Summons.objects.filter(pk=summons, site=found.site).select_related("ticket", "window").first() if len(str(summons)) < 19 else None
    spoken = None
    if row is not None:
        try:
            spoken = sound.spoken(row.ticket.letter, row.ticket.number, row.window.number, language)
        except SpeechError:
            spoken = None
    if spoken is None:
        raise Http404("この呼び出しの音声はありません。")
    return HttpResponse(spoken, content_type="audio/wav")
