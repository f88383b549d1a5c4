"""The operator's page: the telephone, who calls, the work, and the record of it, side by side.

The work in the middle is the ordinary desk, loaded into the page, so that the telephone beside it is never cut off. The exchange vouches for
a ringing call by a sealed text; the page hands it over in POST, and what is known of the caller is there before the database has heard of the call.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from madoguchi.domain.booking.queries import desk as bookings
from madoguchi.domain.booking.rules import read_code, show_code
from madoguchi.domain.callflow.models import Telephone
from madoguchi.domain.callflow.queries import seated_today, telephone_of
from madoguchi.domain.callflow.services import FlowRefused
from madoguchi.domain.callflow.telephones import get_up, sit_down
from madoguchi.domain.calls import rules
from madoguchi.domain.calls.enums import Line, Result, Source, Topic
from madoguchi.domain.calls.errors import CallsRefused
from madoguchi.domain.calls.models import Call, Contact
from madoguchi.domain.calls.queries.caller import caller
from madoguchi.domain.calls.queries.theirs import theirs, watched
from madoguchi.domain.calls.services import callbacks, contacts, escalations
from madoguchi.domain.calls.services.record import call_of
from madoguchi.domain.calls.words import CONTACT, NUMBER
from madoguchi.ground.accounts.access import ANSWER_CALLS, CALL_SUPERVISION, actor_of, assignments_of, roles
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.accounts.queries import people_in_role
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import phones
from madoguchi.ground.privacy.guard import REFUSAL, find_individual_numbers
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.voice.passes import CallPass, Pass, PassError, derive, seal, unseal_call
from madoguchi.web.ui.middleware import with_softphone

from .desk import choices, shell

PASS_HOURS = 12
DIAL_WITHIN = dt.timedelta(minutes=2)
RECORD_WITHIN = dt.timedelta(hours=4)
THEIRS_EVERY = 3
"""Seconds between two looks for calls of other telephone systems."""


@with_softphone
@roles(ANSWER_CALLS)
def console(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The page. The work area opens with the search of the desk."""
    context = shell(request, contract) | {
        "door_url": settings.VOICE_DOOR_URL,
        "pass_url": reverse("callcentre:console_pass", args=[contract.code]),
        "colleagues": _colleagues(request, contract),
        "telephone": telephone_of(request.user, request.now),
        "telephones": _telephones(request),
        "watched": watched(request.user, request.now),
    }
    return render(request, "callcentre/console.html", context)


@require_POST
@roles(ANSWER_CALLS)
def seat(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Take calls at a telephone on the desk for today, or in the browser again."""
    who: dict[str, Any] = {"user": request.user, "by": actor_of(request), "now": request.now}
    try:
        if wanted := request.POST.get("telephone", ""):
            row = sit_down(contract, _whole(wanted) or 0, **who)
            messages.success(request, f"きょうは電話機「{row.name}」で電話を受けます。")
        else:
            get_up(contract, **who)
            messages.success(request, "このパソコンで電話を受けます。「電話を始める」を押してください。")
    except FlowRefused as refused:
        messages.warning(request, str(refused))
    return redirect("callcentre:console", contract.code)


def _telephones(request: HttpRequest) -> list[tuple[int, str]]:
    """The telephones at which one may sit down: nobody else sits there today."""
    rows = Telephone.objects.filter(secret__isnull=False)
    free = [row for row in rows if row.operator_id == request.user.pk or not seated_today(row, request.now)]
    return [(row.pk, f"{row.name}（{row.place}）" if row.place else row.name) for row in free]


@require_safe
@roles(ANSWER_CALLS)
def entry(request: HttpRequest, contract: Contract) -> JsonResponse:
    """A pass for the exchange, for all contracts whose calls this member of staff may answer."""
    mine = [a for a in assignments_of(request.user) if Role(a.role) in ANSWER_CALLS and "calls" in a.contract.profile.modules]
    until = request.now + dt.timedelta(hours=PASS_HOURS)
    telephone = telephone_of(request.user, request.now)
    given = Pass(
        operator=f"user:{request.user.pk}",
        contracts=tuple(a.contract.code for a in mine),
        until=int(until.timestamp()),
        supervisor=any(Role(a.role) in CALL_SUPERVISION for a in mine),
        phone=telephone.user if telephone else "",
    )
    return JsonResponse({"pass": seal(given, _key())})


@require_POST
@roles(ANSWER_CALLS)
def dial(request: HttpRequest, contract: Contract) -> JsonResponse:
    """Take a call-back on, and a pass by which the exchange calls that number and no other."""
    by, now = actor_of(request), request.now
    try:
        found = callbacks.take(contract, _whole(request.POST.get("callback")) or 0, user=request.user, by=by, now=now)
        number = callbacks.number_of(contract, found)
    except CallsRefused as refused:
        return JsonResponse({"problem": refused.message}, status=409)
    given = Pass(
        operator=f"user:{request.user.pk}", contracts=(contract.code,), until=int((now + DIAL_WITHIN).timestamp()),
        dial=number, callback=str(found.pk),
    )  # fmt: skip
    return JsonResponse({"pass": seal(given, _key())})


@require_POST
@roles(ANSWER_CALLS)
def pop(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Who calls: bookings, earlier conversations, what is owed; with an empty record of this call."""
    call = _told(request, contract) if "told" in request.POST else _vouched(request, contract)
    found = caller(contract, call.number, withheld=call.withheld, besides=call.call, now=request.now)
    by = actor_of(request)
    detail = {"bookings": [row.id for row in found.bookings], "contacts": [row.id for row in found.contacts]}
    request.audit_reads.append(Read("call.popped", f"contract:{contract.code}", by, detail))
    known = Call.objects.filter(provider=call.provider, ref=call.call).first()
    written = Contact.objects.filter(call=known, operator_id=request.user.pk).first() if known else None
    form = of_contact(contract, written) if written else _first_form(contract, call, found)
    form.sealed = request.POST.get("sealed") or seal(call, _key())
    context = _record_context(request, contract, form) | {
        "caller": found, "call": call, "choice_label": request.POST.get("choice_label", "")[:40], "waited": _whole(request.POST.get("waited")),
        "language_name": dict(choices(contract)["languages"]).get(call.language, ""), "external": contract.profile.booking.mode == "external",
    }  # fmt: skip
    return render(request, "callcentre/_caller.html", context)


@require_safe
@roles(ANSWER_CALLS)
def others(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Calls of other telephone systems that are this member's now; the page asks again and again."""
    rows = [(one, round((request.now - one.call.opened_at).total_seconds())) for one in theirs(request.user, request.now)]
    return render(request, "callcentre/_theirs.html", {"rows": rows, "every": THEIRS_EVERY})


@require_POST
@roles(ANSWER_CALLS)
def done(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What was done for the caller so far: bookings of this operator since the call was answered, and what they suggest."""
    call = _vouched(request, contract)
    return render(request, "callcentre/_done.html", _done(request, contract, call))


@require_POST
@roles(ANSWER_CALLS)
def record(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Write the record; with it, if asked for, a promise to call back or the hand-over to the second line. All or nothing."""
    form = read_form(request)
    call = _vouched(request, contract) if form.sealed else None
    form.check(contract)
    if not form.errors:
        try:
            with transaction.atomic():
                contact = _write(request, contract, form, call)
            return render(request, "callcentre/_record.html", _record_context(request, contract, form) | {"saved": True, "contact": contact})
        except CallsRefused as refused:
            form.errors["form"] = refused.message
    return render(request, "callcentre/_record.html", _record_context(request, contract, form), status=422)


def _colleagues(request: HttpRequest, contract: Contract) -> list[tuple[str, str]]:
    """Whom a call can be handed over to by name."""
    people = {user.pk: user for role in ANSWER_CALLS for user in people_in_role(contract, role) if user.pk != request.user.pk}
    return sorted(((f"user:{pk}", str(user)) for pk, user in people.items()), key=lambda one: one[1])


def _write(request: HttpRequest, contract: Contract, form: RecordForm, call: CallPass | None) -> Contact:
    """The record and what follows from it. Raises :class:`CallsRefused`."""
    by, now = actor_of(request), request.now
    row = call_of(contract, call.provider, call.call, now=now) if call else None
    number = form.number or (call.number if call and not call.withheld else "")
    said = contacts.Said(
        Topic(form.topic), Result(form.result), form.language, Source(form.source), form.faq, form.bookings,
        contacts.Words(form.question, form.answer, form.name, number),
    )  # fmt: skip
    contact = contacts.record(contract, said, call=row, user=request.user, by=by, now=now)
    if said.result == Result.CALL_AGAIN:
        callbacks.promise(contract, number=number, name=form.name, about=form.question, language=form.language, call=row, by=by, now=now)
    if said.result == Result.ESCALATED or form.complaint:
        escalations.hand_over(
            contract, topic=said.topic, summary=form.summary or form.question, name=form.name, number=number, complaint=form.complaint,
            call_back=form.call_back, line=Line(form.line), contact=contact, user=request.user, by=by, now=now,
        )  # fmt: skip
    return contact


@dataclass
class RecordForm:
    """The record as it stands on the screen; every field keeps what was typed."""

    sealed: str = ""
    topic: str = ""
    result: str = ""
    language: str = "ja"
    source: str = Source.PHONE
    question: str = ""
    answer: str = ""
    name: str = ""
    number: str = ""
    faq: str = ""
    bookings: list[str] = field(default_factory=list)
    complaint: bool = False
    call_back: bool = False
    line: str = Line.SUPERVISOR
    summary: str = ""
    touched: bool = False
    errors: dict[str, str] = field(default_factory=dict)

    def check(self, contract: Contract) -> None:
        """Fill ``errors``."""
        if self.topic not in Topic.values:
            self.errors["topic"] = "種類を選んでください。"
        if self.result not in Result.values:
            self.errors["result"] = "結果を選んでください。"
        if self.language not in contract.profile.languages:
            self.errors["language"] = "ことばを選んでください。"
        if self.source not in Source.values:
            self.errors["source"] = "受けた方法を選んでください。"
        if self.line not in Line.values:
            self.errors["line"] = "引き継ぎ先を選んでください。"
        for name in ("question", "answer", "summary", "name"):
            if find_individual_numbers(getattr(self, name)):
                self.errors[name] = str(REFUSAL)


def read_form(request: HttpRequest) -> RecordForm:
    """What was typed."""
    post = request.POST
    codes = [read_code(part) for part in post.get("bookings", "").split()]
    return RecordForm(
        sealed=post.get("sealed", ""), topic=post.get("topic", ""), result=post.get("result", ""), language=post.get("language", "ja"),
        source=post.get("source", Source.PHONE), question=post.get("question", ""), answer=post.get("answer", ""), name=post.get("name", ""),
        number=post.get("number", ""), faq=post.get("faq", "")[:40], bookings=codes[:20], complaint="complaint" in post,
        call_back="call_back" in post, line=post.get("line", Line.SUPERVISOR), summary=post.get("summary", ""), touched=bool(post.get("touched")),
    )  # fmt: skip


def of_contact(contract: Contract, contact: Contact) -> RecordForm:
    """The record of a call that has one already: the operator came back to it."""
    words = keyring(contract).unseal_json(CONTACT, contact.words) if contact.words else {}
    return RecordForm(
        topic=contact.topic, result=contact.result, language=contact.language, source=contact.source, faq=contact.faq,
        bookings=list(contact.bookings), question=words.get("question", ""), answer=words.get("answer", ""), name=words.get("name", ""),
        number=words.get("number", ""), touched=True,
    )  # fmt: skip


def _first_form(contract: Contract, call: CallPass, found: Any) -> RecordForm:
    topic, result = rules.guess(call.choice, ())
    names = {row.names for row in found.bookings if row.live}
    return RecordForm(
        topic=topic if topic != Topic.OTHER else "",
        result="" if topic == Topic.OTHER else result,
        language=call.language or contract.profile.default_language,
        number=phones.show(call.number) if call.number and not call.withheld else "",
        name=names.pop() if len(names) == 1 else "",
    )


def _record_context(request: HttpRequest, contract: Contract, form: RecordForm) -> dict[str, Any]:
    return {
        "form": form,
        "topics": Topic.choices,
        "results": Result.choices,
        "lines": Line.choices,
        "languages": choices(contract)["languages"],
        "shown_bookings": [(code, show_code(code)) for code in form.bookings],
    }


def _done(request: HttpRequest, contract: Contract, call: CallPass) -> dict[str, Any]:
    row = Call.objects.filter(provider=call.provider, ref=call.call).first()
    since = (row.answered_at or row.opened_at) if row else request.now - dt.timedelta(hours=1)
    until = row.ended_at + dt.timedelta(seconds=rules.WRAPUP_MOST) if row and row.ended_at else request.now
    touched = bookings.touched(f"user:{request.user.pk}", since, until)
    topic, result = rules.guess(call.choice, [deed for _, deed in touched])
    labels = {"created": "予約", "changed": "変更", "cancelled": "取消"}
    return {
        "touched": [(code, show_code(code), labels[deed]) for code, deed in touched],
        "topic": topic if touched else "",
        "result": result if touched else "",
    }


def _vouched(request: HttpRequest, contract: Contract) -> CallPass:
    try:
        call = unseal_call(request.POST.get("sealed", ""), _key(), now=request.now)
    except PassError:
        raise PermissionDenied("この通話の情報は期限が切れたか、正しくありません。通話の一覧から開いてください。") from None
    if call.contract != contract.code or call.operator != f"user:{request.user.pk}":
        raise PermissionDenied("この通話は、ほかの契約または担当者のものです。")
    return call


def _told(request: HttpRequest, contract: Contract) -> CallPass:
    """A call of another telephone system that is this member's now."""
    wanted = _whole(request.POST.get("told"))
    call = next((one.call for one in theirs(request.user, request.now) if one.call.pk == wanted), None)
    if call is None:
        raise PermissionDenied("この通話は終わったか、ほかの担当者のものです。通話の一覧から開いてください。")
    number = keyring(contract).unseal_json(NUMBER, call.number)["number"] if call.number else ""
    until = int((request.now + RECORD_WITHIN).timestamp())
    return CallPass(
        operator=f"user:{request.user.pk}", call=call.ref, contract=contract.code, number=number, withheld=call.withheld or not number,
        choice=call.choice, language=call.language, until=until, provider=call.provider,
    )  # fmt: skip


def _key() -> bytes:
    return derive(settings.VOICE_SECRET, "pass")


def _whole(text: str | None) -> int | None:
    try:
        return round(float(text or ""))
    except (ValueError, OverflowError):
        return None

