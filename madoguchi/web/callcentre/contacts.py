"""Records of conversations: find, count, write, correct. Answered calls that nobody recorded stand on top until somebody does."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.rules import show_code
from madoguchi.domain.calls import rules
from madoguchi.domain.calls.enums import Result, Source
from madoguchi.domain.calls.errors import CallsRefused
from madoguchi.domain.calls.models import Call, Contact
from madoguchi.domain.calls.queries import callbacks, second
from madoguchi.domain.calls.queries import contacts as reads
from madoguchi.domain.calls.services import contacts as deeds
from madoguchi.ground.accounts.access import READ_CALLS, READ_CONTACTS, WORK_ON_CALLS, actor_of, may, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import phones
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.csvfile import write_csv
from madoguchi.web.ui.middleware import handles_individual_number

from .phone_forms import ContactFilter, ContactForm

PER_PAGE = 50
MOST_OF_A_NUMBER = 100


@roles(READ_CONTACTS)
def contacts(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What lacks a record, the list with its counts; a number to search for travels in POST, never in an address."""
    form = ContactFilter(request.now.date(), request.GET)
    unwritten = list(reads.unwritten(request.now))
    context: dict[str, Any] = {
        "form": form,
        "unwritten": [(call, call.operator_id == request.user.pk) for call in unwritten],
        "unwritten_days": reads.UNWRITTEN_DAYS,
        "most_unwritten": len(unwritten) == reads.MOST_UNWRITTEN,
        "may_work": may(request, WORK_ON_CALLS),
    }
    if request.method == "POST":
        return _of_number(request, contract, context)
    if not form.is_valid():
        return render(request, "callcentre/phone/contacts.html", context, status=422)
    conditions = form.conditions()
    page = Paginator(reads.contacts(conditions), PER_PAGE).get_page(request.GET.get("page"))
    topics = reads.by_topic(conditions)
    context["asked"] = [(name, value) for name, value in request.GET.items() if name in form.fields]
    context |= {"conditions": conditions, "page": page, "rows": page.object_list, "topics": topics}
    context["bars"] = [(label.partition("・")[0], n) for label, n in topics]
    return render(request, "callcentre/phone/contacts.html", context)


@require_POST
@roles(READ_CONTACTS)
def export(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The list as CSV with what was asked and answered, for the city's FAQ and reports; without names and numbers. The look is reported."""
    form = ContactFilter(request.now.date(), request.POST)
    if not form.is_valid():
        return render(request, "callcentre/phone/contacts.html", {"form": form}, status=422)
    found = list(reads.contacts(form.conditions()))
    detail = {"contacts": [contact.pk for contact in found]}
    request.audit_reads.append(Read("contact.exported", f"contract:{contract.code}", actor_of(request), detail))
    header = ["受けた日時", "受けた方法", "種類", "結果", "ことば", "聞かれたこと", "答えたこと", "使ったFAQ", "予約番号", "担当", "後処理（秒）", "内容の消去"]
    lines = []
    for contact in found:
        words = reads.words_of(contract, contact)
        lines.append(
            [
                contact.at.astimezone(JST), contact.get_source_display(), contact.get_topic_display(), contact.get_result_display(), contact.language,
                words.question, words.answer, contact.faq, "、".join(map(show_code, contact.bookings)), str(contact.operator),
                contact.wrapup_seconds, "消去済み" if contact.erased_at else "",
            ]
        )  # fmt: skip
    name = f"contacts-{contract.code}-{request.now:%Y%m%d-%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(write_csv(header, lines).content, content_type="text/csv; charset=utf-8", headers=headers)


def _of_number(request: HttpRequest, contract: Contract, context: dict[str, Any]) -> HttpResponse:
    text = request.POST.get("number", "")
    context |= {"searched": True, "number": text[:30]}
    try:
        number = phones.normalise(text)
    except phones.PhoneError as wrong:
        return render(request, "callcentre/phone/contacts.html", {**context, "number_problem": str(wrong)}, status=422)
    found = list(reads.contacts_of_number(contract, number)[:MOST_OF_A_NUMBER])
    detail = {"contacts": [contact.pk for contact in found]}
    request.audit_reads.append(Read("contact.searched", f"contract:{contract.code}", actor_of(request), detail))
    return render(request, "callcentre/phone/contacts.html", context | {"rows": found, "number": phones.show(number)})


@handles_individual_number
@roles(WORK_ON_CALLS)
def new(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Write a record: of the call ``?call=``, of the call-back ``?callback=`` that reached somebody, or of what came without a call."""
    call, initial = _begin(request, contract)
    form = ContactForm(
        contract, request.now, request.POST if request.method == "POST" else None, timed=call is None, initial=initial
    )
    problem, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = deeds.record(
                    contract, form.said(), call=call, at=form.cleaned_data["at"], user=request.user, by=actor_of(request), now=request.now
                )  # fmt: skip
            except CallsRefused as refused:
                problem, status = refused.message, 409
            else:
                messages.success(request, "応対を記録しました。")
                if made.result == Result.ESCALATED:
                    return redirect(reverse("phone:second_new", args=[contract.code]) + f"?contact={made.pk}")
                return redirect("phone:contact", contract.code, made.pk)
    context = {"form": form, "call": call, "problem": problem, "now": request.now}
    return render(request, "callcentre/phone/contact_new.html", context, status=status)


def _begin(request: HttpRequest, contract: Contract) -> tuple[Call | None, dict[str, Any]]:
    """The call to record, and what is known before anybody types."""
    by, call_id, callback_id = actor_of(request), _number(request, "call"), _number(request, "callback")
    if call_id is not None:
        call = Call.objects.filter(pk=call_id).first()
        if call is None:
            raise Http404("この通話は見つかりません。")
        request.audit_reads.append(Read("call.viewed", f"call:{call.pk}", by))
        topic, result = rules.guess(call.choice, ())
        source = Source.BACK if call.direction == "back" else Source.PHONE
        return call, {
            "topic": topic if call.choice else "", "result": result, "source": source, "language": call.language or "ja",
            "number": number_of_call(contract, call),
        }  # fmt: skip
    if callback_id is not None:
        row = callbacks.callback_of(contract, callback_id, request.now)
        if row is None:
            raise Http404("この折り返しは見つかりません。")
        request.audit_reads.append(Read("callback.viewed", f"callback:{row.id}", by))
        return None, {
            "source": Source.BACK, "language": row.language or "ja", "name": row.name, "number": phones.show(row.number), "question": row.about,
        }  # fmt: skip
    return None, {"source": Source.RELAY, "language": "ja"}


def number_of_call(contract: Contract, call: Call) -> str:
    """The caller's number with hyphens; empty when unknown."""
    return phones.show(reads.number_of(contract, call))


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    if not text:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise Http404("この記録は見つかりません。")
    return int(text)


@handles_individual_number
@roles(READ_CONTACTS)
def contact(request: HttpRequest, contract: Contract, contact: int) -> HttpResponse:
    """One record with its words and its call; POST corrects it."""
    found = Contact.objects.filter(pk=contact).select_related("operator", "call").first()
    if found is None:
        raise Http404("この応対の記録は見つかりません。")
    words = reads.words_of(contract, found)
    initial = {
        "topic": found.topic, "result": found.result, "source": found.source, "language": found.language, "faq": found.faq,
        "bookings": " ".join(show_code(code) for code in found.bookings), "question": words.question, "answer": words.answer,
        "name": words.name, "number": phones.show(words.number),
    }  # fmt: skip
    form = ContactForm(contract, request.now, request.POST if request.method == "POST" else None, initial=initial)
    problem, status = "", 200
    if request.method == "POST":
        if not may(request, WORK_ON_CALLS):
            raise PermissionDenied("応対の記録を直せるのは、オペレーター・リーダー・業務責任者・市職員だけです。")
        status = 422
        if form.is_valid():
            try:
                deeds.change(contract, contact, form.said(), by=actor_of(request), now=request.now)
            except CallsRefused as refused:
                problem, status = refused.message, 409
            else:
                messages.success(request, "応対の記録を直しました。")
                return redirect("phone:contact", contract.code, contact)
    request.audit_reads.append(Read("contact.viewed", f"contact:{contact}", actor_of(request)))
    context = {
        "contact": found,
        "words": words,
        "codes": [(code, show_code(code)) for code in found.bookings],
        "form": form,
        "problem": problem,
        "matters": second.matters_of_contact(contact) if may(request, READ_CALLS) else [],
        "editing": status != 200 or "edit" in request.GET,
        "may_work": may(request, WORK_ON_CALLS) and found.erased_at is None,
    }
    return render(request, "callcentre/phone/contact.html", context, status=status)
