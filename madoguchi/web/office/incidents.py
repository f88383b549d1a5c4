"""Incidents: the list with what waits, one page per incident, the form to report, and the report as paper."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from madoguchi.domain.incidents.enums import OPEN, UNWRITTEN, Kind, Seriousness, State
from madoguchi.domain.incidents.errors import IncidentRefused
from madoguchi.domain.incidents.models import Incident
from madoguchi.domain.incidents.printed import pdf_of, sheet
from madoguchi.domain.incidents.queries import (
    incidents,
    legal_of,
    owed,
    people_of,
    preventions_of,
    site_name,
    timeline,
    whole,
    words_of,
)
from madoguchi.domain.incidents.services import report
from madoguchi.ground.accounts.access import (
    ACCEPT_INCIDENTS,
    EVERYONE,
    FOLLOW_INCIDENTS,
    READ_INCIDENTS,
    REPORT_INCIDENTS,
    WORK_ON_INCIDENTS,
    actor_of,
    may,
    roles,
)
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import typeset
from madoguchi.ground.worklog.models import Fact
from madoguchi.web.ui.middleware import handles_individual_number

from .bookings import attachment
from .incident_forms import (
    CauseForm,
    DoneForm,
    EffectForm,
    LegalForm,
    LineForm,
    PreventForm,
    ReasonForm,
    ReportForm,
    SortForm,
    moment_values,
)
from .record_pages import pages_of

PER_PAGE = 30
TONES = {
    State.REPORTED: "bad", State.ACKNOWLEDGED: "warn", State.INVESTIGATING: "warn", State.WRITTEN: "info", State.CLOSED: "done",
}  # fmt: skip
WEIGHTS = {Seriousness.MINOR: "plain", Seriousness.SERIOUS: "warn", Seriousness.GRAVE: "bad"}
NEVER = "この報告は見つかりません。"


def doer(request: HttpRequest) -> dict[str, Any]:
    """``user``, ``by`` and ``now`` of a deed."""
    return {"user": request.user, "by": actor_of(request), "now": request.now}


def lasted(seconds: float) -> str:
    """A time that passed: ``45分``, ``3時間05分``, ``2日4時間``."""
    minutes = max(0, round(seconds // 60))
    if minutes < 60:
        return f"{minutes}分"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}時間{minutes:02d}分" if hours < 24 else f"{hours // 24}日{hours % 24}時間"


@dataclass(frozen=True)
class Row:
    """An incident as the list shows it."""

    incident: Incident
    site: str
    tone: str
    weight: str
    weight_tone: str
    known: str
    late: list[str]


def row_of(contract: Contract, one: Incident, now: dt.datetime, late: list[str]) -> Row:
    """An incident with the words beside it; ``known`` is how long it took, or has taken, until somebody acknowledged."""
    weight = Seriousness(one.seriousness)
    known = lasted(((one.acknowledged_at or now) - one.reported_at).total_seconds())
    return Row(one, site_name(contract, one.site), TONES[State(one.state)], weight.label.partition("（")[0], WEIGHTS[weight], known, late)


@roles(EVERYONE)
def overview(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Incidents, those nobody acknowledged first. Who may not read all sees what they reported."""
    reads_all = may(request, READ_INCIDENTS)
    asked = {name: request.GET.get(name, "") for name in ("state", "kind")}
    state = asked["state"] if asked["state"] in {"open", *State.values} else ""
    kind = asked["kind"] if asked["kind"] in Kind.values else ""
    found = incidents(state=state, kind=kind, reporter=None if reads_all else request.user)  # type: ignore[arg-type]
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    waits = owed(contract, request.now.date()) if reads_all else None
    late = waits.late if waits else {}
    context = {
        "page": page, "rows": [row_of(contract, one, request.now, late.get(one.pk, [])) for one in page.object_list], "owed": waits,
        "late": [(pk, what) for pk, what in sorted(late.items())],
        "states": [("open", "終結していないもの"), *State.choices], "kinds": Kind.choices, "state": state, "kind": kind, "reads_all": reads_all,
        "may_report": may(request, REPORT_INCIDENTS), "query": f"state={state}&kind={kind}&",
    }  # fmt: skip
    return render(request, "office/incidents/overview.html", context)


@handles_individual_number
@roles(REPORT_INCIDENTS)
def new(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Report an incident: prefilled with now, so that a minute is enough."""
    if request.method == "POST":
        form = ReportForm(contract, request.POST)
        problem = ""
        if form.is_valid():
            try:
                made = report(contract, **form.values(), **doer(request))
            except IncidentRefused as refused:
                problem = str(refused)
            else:
                messages.success(request, "報告しました。決められた人に、いまメールで知らせています。")
                return redirect("incidents:incident", contract.code, made.pk)
        return render(request, "office/incidents/new.html", {"form": form, "problem": problem}, status=422)
    sites = contract.profile.sites
    asked = {name: request.GET.get(name, "") for name in ("kind", "origin", "site")}
    begun = {
        **moment_values("happened", request.now), **moment_values("found", request.now), **asked, "seriousness": Seriousness.SERIOUS,
        "site": asked["site"] or (sites[0].code if len(sites) == 1 else ""),
    }  # fmt: skip
    return render(request, "office/incidents/new.html", {"form": ReportForm(contract, initial=begun), "problem": ""})


def found_or_404(request: HttpRequest, pk: int) -> Incident:
    """An incident that the signed-in person may see: all of them, or what they reported themselves."""
    found = Incident.objects.select_related("reported_by", "acknowledged_by", "written_by", "closed_by").filter(pk=pk).first()
    if found is None:
        raise Http404(NEVER)
    if not may(request, READ_INCIDENTS) and found.reported_by_id != request.user.pk:
        raise PermissionDenied("ほかの人の報告は、リーダー・業務責任者・市職員だけが見られます。")
    return found


@roles(EVERYONE)
def incident(request: HttpRequest, contract: Contract, incident: int) -> HttpResponse:
    """One incident: what happened, what is done, by whom and until when, and the timeline."""
    return page_of(request, contract, incident)


def page_of(request: HttpRequest, contract: Contract, pk: int, problem: str = "", typed: dict[str, BaseForm] | None = None) -> HttpResponse:
    """The page of an incident; ``typed`` are forms that were refused, by their name (of a row ``effect-5``)."""
    found = found_or_404(request, pk)
    request.audit_reads.append(Read("incident.viewed", f"incident:{pk}", actor_of(request)))
    typed = typed or {}
    today = request.now.date()
    told, state = words_of(contract, found), State(found.state)
    follows, works = may(request, FOLLOW_INCIDENTS), may(request, WORK_ON_INCIDENTS)
    live = found.erased_at is None
    unwritten = live and state in UNWRITTEN
    terms = contract.profile.incidents
    ends_calls = Role(request.assignment.role) in terms.acknowledged_by  # type: ignore[attr-defined]
    check_on = today + dt.timedelta(days=terms.check_days)
    plans = [
        (one, typed.get(f"done-{one.row.pk}") or DoneForm(initial={"check_on": check_on.isoformat()}, prefix=f"d{one.row.pk}"),
         typed.get(f"effect-{one.row.pk}") or EffectForm(prefix=f"e{one.row.pk}"))
        for one in preventions_of(contract, found, today)
    ]  # fmt: skip
    legal = [
        (one, typed.get(f"legal-{one.step.code}") or LegalForm(initial={"on": today.isoformat(), "result": "done"}, prefix=f"l-{one.step.code}"))
        for one in legal_of(contract, found, today)
    ]
    begun = {"kind": found.kind, "seriousness": found.seriousness, "site": found.site, "people": found.people, "wrongful": found.wrongful}
    begun |= {**moment_values("happened", found.happened_at), **moment_values("found", found.found_at)}
    owners = [(user.pk, f"{user}（{role.label}）") for role, user in people_of(contract, [*FOLLOW_INCIDENTS, Role.OPERATOR, Role.COUNTER])] if works else []
    until = found.written_at if state in (State.WRITTEN, State.CLOSED) else None
    context = {
        "incident": found, "row": row_of(contract, found, request.now, []), "words": told, "lines": timeline(contract, found), "plans": plans, "legal": legal,
        "origin": pages_of(request, contract, [Fact(ref=found.origin)])[0] if found.origin else None, "whole": whole(contract, found),
        "steps": [(one.label, one == state, State.values.index(one) < State.values.index(state)) for one in State],
        "since": lasted(((until or request.now) - found.reported_at).total_seconds()), "written": until is not None, "today": today,
        "may_acknowledge": live and follows and found.acknowledged_at is None and state in OPEN, "ends_calls": ends_calls,
        "may_begin": works and unwritten and state != State.INVESTIGATING, "may_work": works and unwritten, "may_sort": follows and unwritten,
        "may_note": live and state in OPEN and may(request, REPORT_INCIDENTS), "may_follow": live and follows, "may_settle": follows and live and state in OPEN,
        "may_close": may(request, ACCEPT_INCIDENTS) and live and state == State.WRITTEN,
        "may_reopen": follows and live and state in (State.WRITTEN, State.CLOSED),
        "sort_form": typed.get("sort") or SortForm(contract, initial=begun), "line_form": typed.get("line") or LineForm(),
        "cause_form": typed.get("cause") or CauseForm(initial=told), "prevent_form": typed.get("prevent") or PreventForm(owners),
        "reason_form": typed.get("reason") or ReasonForm(), "problem": problem, "lacking": [form for form in typed.values() if form.errors],
    }  # fmt: skip
    return render(request, "office/incidents/incident.html", context, status=422 if problem or typed else 200)


@roles(READ_INCIDENTS)
def paper(request: HttpRequest, contract: Contract, incident: int) -> HttpResponse:
    """The report as a sheet of A4."""
    return _paper(request, contract, found_or_404(request, incident))


def _paper(request: HttpRequest, contract: Contract, found: Incident, problem: str = "") -> HttpResponse:
    request.audit_reads.append(Read("incident.printed", f"incident:{found.pk}", actor_of(request)))
    context = {"incident": found, "sheet": sheet(contract, found, request.now.date()), "whole": whole(contract, found), "problem": problem}
    return render(request, "office/incidents/paper.html", context, status=503 if problem else 200)


@roles(READ_INCIDENTS)
def report_pdf(request: HttpRequest, contract: Contract, incident: int) -> HttpResponse:
    """The same as PDF; where the server has no fonts, its page says so."""
    found = found_or_404(request, incident)
    try:
        made = pdf_of(contract, found, request.now.date())
    except typeset.FontsMissing as missing:
        return _paper(request, contract, found, str(missing))
    request.audit_reads.append(Read("incident.printed", f"incident:{incident}", actor_of(request)))
    return attachment(made, typeset.MEDIA_TYPE, f"incident-{contract.code}-{incident}.pdf")
