"""Wording of mails (list, edit with preview, history) and the log of what was sent."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages as flash
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.rules import show_code
from madoguchi.domain.notices import queries, services, texts, wording
from madoguchi.domain.notices.models import Kind, Message, StaffKind, Template, TicketKind
from madoguchi.domain.notices.rules import OUTCOME_LABELS, Outcome
from madoguchi.ground.accounts.access import EDIT_TEXTS, READ_RESIDENTS, WORK_ON_BOOKINGS, actor_of, may, roles
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates, phones
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.guard import GuardedForm
from madoguchi.web.ui.middleware import handles_individual_number

PER_PAGE = 50
OVERVIEW = dt.timedelta(days=30)
TONES = {
    Message.State.QUEUED: "info",
    Message.State.SENDING: "info",
    Message.State.SENT: "ok",
    Message.State.FAILED: "bad",
    Message.State.BOUNCED: "bad",
    Message.State.DROPPED: "plain",
}
LANGUAGE_NAMES = dict(settings.LANGUAGES)
RESENDABLE = (Message.State.SENT, Message.State.FAILED, Message.State.BOUNCED, Message.State.DROPPED)


class WordingForm(GuardedForm):
    """Subject and body; mistakes in placeholders are said with their line."""

    subject = forms.CharField(label="件名", max_length=200, required=False)
    body = forms.CharField(
        label="本文", required=False, strip=False, widget=forms.Textarea(attrs={"rows": 26, "spellcheck": "false"})
    )

    def clean(self) -> dict[str, Any]:
        """Check both parts together; errors go to their part."""
        data = super().clean() or {}
        data["body"] = data.get("body", "").replace("\r\n", "\n")
        if not self.errors:
            for problem in texts.check(data.get("subject", "").strip(), data["body"]):
                where = f"{problem.line}行目：" if problem.part == "body" and problem.line else ""
                self.add_error(problem.part, f"{where}{problem.message}")
        return data


class LogForm(forms.Form):
    """Filters of the log."""

    state = forms.ChoiceField(label="状態", required=False, choices=[("", "すべての状態"), *Message.State.choices])
    kind = forms.ChoiceField(label="種類", required=False, choices=[("", "すべての種類"), *Kind.choices, *TicketKind.choices, *StaffKind.choices])
    language = forms.ChoiceField(label="言語", required=False, choices=[("", "すべての言語"), *settings.LANGUAGES])
    code = forms.CharField(label="予約番号", required=False, max_length=20)
    first = forms.CharField(label="この日から", required=False, max_length=20)
    last = forms.CharField(label="この日まで", required=False, max_length=20)

    def clean_first(self) -> dt.date | None:
        """A day, or nothing."""
        return _day(self.cleaned_data["first"])

    def clean_last(self) -> dt.date | None:
        """A day, or nothing."""
        return _day(self.cleaned_data["last"])


def _day(text: str) -> dt.date | None:
    if not text.strip():
        return None
    try:
        return dates.parse(text)
    except dates.DateError as error:
        raise forms.ValidationError(str(error)) from None


@roles(EDIT_TEXTS)
def templates(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Every kind of notice in every language of the contract, and which wording is in force."""
    edited = {(row.kind, row.language): row for row in Template.objects.all()}
    rows = [
        {
            "label": LANGUAGE_NAMES[code],
            "language": code,
            "cells": [
                {
                    "url": reverse("office:template", args=[contract.code, str(kind), code]),
                    "edited": edited.get((kind, code)),
                    "shipped": texts.shipped(kind, code) is not None,
                    "name": f"{kind.label}（{LANGUAGE_NAMES[code]}）",
                }
                for kind in Kind
            ],
        }
        for code in contract.profile.languages
    ]
    return render(request, "office/notices/templates.html", {"kinds": [kind.label for kind in Kind], "rows": rows})


@handles_individual_number
@roles(EDIT_TEXTS)
def template(request: HttpRequest, contract: Contract, kind: str, language: str) -> HttpResponse:
    """Edit one wording: check, preview with made-up data, save, or go back to the shipped one."""
    if kind not in Kind or language not in contract.profile.languages:
        raise Http404("この文面はありません。")
    here = redirect("office:template", contract.code, kind, language)
    by = actor_of(request)
    if request.method == "POST" and request.POST.get("action") == "restore":
        if services.restore_template(contract, kind=kind, language=language, by=by, now=request.now):
            flash.success(request, "標準の文面に戻しました。次のメールから使われます。")
        return here
    current = wording.wording(kind, language)
    if request.method == "POST":
        form = WordingForm(request.POST)
        if form.is_valid() and request.POST.get("action") == "save":
            services.edit_template(contract, kind=kind, language=language, by=by, now=request.now, **form.cleaned_data)
            flash.success(request, "文面を保存しました。次のメールから使われます。")
            return here
        data = form.data
        shown = [texts.Text(language, data.get("subject", ""), data.get("body", ""))]
    else:
        single = current[0] if len(current) == 1 else None
        form = WordingForm(initial={"subject": single.subject, "body": single.body} if single else None)
        shown = current
    context = {
        "form": form,
        "kind": kind,
        "label": Kind(kind).label,
        "language": language,
        "language_name": LANGUAGE_NAMES[language],
        "composed": len(current) > 1,
        "edited": Template.objects.filter(kind=kind, language=language).first(),
        "tabs": _tabs(contract, kind, language),
        "placeholders": texts.PLACEHOLDERS.items(),
        "required": texts.REQUIRED,
        "previews": _previews(contract, shown),
        "reference": _previews(contract, wording.wording(kind, "ja")) if language != "ja" and len(current) == 1 else [],
        "history": _history(kind, language),
        "unsaved": request.method == "POST",
    }
    return render(request, "office/notices/template.html", context, status=422 if form.errors else 200)


def _tabs(contract: Contract, kind: str, language: str) -> list[dict[str, Any]]:
    return [
        {
            "label": LANGUAGE_NAMES[code],
            "url": reverse("office:template", args=[contract.code, kind, code]),
            "active": code == language,
        }
        for code in contract.profile.languages
    ]


def _previews(contract: Contract, shown: list[texts.Text]) -> list[dict[str, str]]:
    profile = contract.profile
    found = []
    for text in shown:
        context = texts.sample(
            text.language,
            city=profile.city.name,
            city_en=profile.city.name_en,
            site=profile.sites[0].name,
            phone=phones.show(profile.phone_number.replace("-", "")),
            link=f"{settings.PUBLIC_URL}/{contract.code}/r/…",
        )
        known = {name: context.get(name, f"{{{name}}}") for name in texts.PLACEHOLDERS}
        subject, body = texts.fill(text, _Lenient(known))
        found.append({"language": text.language, "subject": subject, "body": body})
    return found


class _Lenient(dict[str, str]):
    """Leaves an unknown placeholder as it was typed, so that the preview of a wrong text can be shown beside its
    errors.
    """

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


def _history(kind: str, language: str) -> list[dict[str, Any]]:
    entries = audit.search(target=f"template:{kind}.{language}")[:20]
    return [
        {
            "at": e.at,
            "actor": e.actor,
            "label": audit.label_of(e.action),
            "before": e.detail.get("before"),
            "after": e.detail.get("after"),
        }
        for e in entries
    ]


@roles(READ_RESIDENTS)
def log(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What was sent, waits, failed or came back; addresses are not shown and not stored here."""
    form = LogForm(request.GET or None)
    data = form.cleaned_data if form.is_bound and form.is_valid() else {}
    found = queries.messages(
        state=data.get("state", ""),
        kind=data.get("kind", ""),
        language=data.get("language", ""),
        ref=_ref_of(data.get("code", "")),
        first=_midnight(data.get("first")),
        last=_midnight(data["last"] + dt.timedelta(days=1)) if data.get("last") else None,
    )
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "rows": _rows(list(page.object_list), may(request, WORK_ON_BOOKINGS)),
        "counts": queries.counts(request.now - OVERVIEW),
        "late": queries.late(request.now),
        "filtered": any(request.GET.get(name) for name in form.fields),
    }
    return render(request, "office/notices/log.html", context)


def _midnight(day: dt.date | None) -> dt.datetime | None:
    return dt.datetime.combine(day, dt.time(0), JST) if day else None


def _ref_of(code: str) -> str:
    plain = code.replace("-", "").replace(" ", "").upper()
    if not plain:
        return ""
    pk = Booking.objects.filter(code=plain).values_list("pk", flat=True).first()
    return f"booking:{pk or 0}"


def _rows(found: list[Message], may_resend: bool) -> list[dict[str, Any]]:
    attempts = queries.attempts_of([message.pk for message in found])
    ids = [int(ref) for name, _, ref in (m.ref.partition(":") for m in found) if name == "booking"]
    codes = dict(Booking.objects.filter(pk__in=ids).values_list("pk", "code"))
    rows = []
    for message in found:
        name, _, pk = message.ref.partition(":")
        code = codes.get(int(pk), "") if name == "booking" else ""
        tries = [
            {
                "at": a.at,
                "outcome": a.outcome,
                "label": OUTCOME_LABELS.get(Outcome(a.outcome), a.outcome),
                "answer": a.answer,
            }
            for a in attempts.get(message.pk, [])
        ]
        rows.append(
            {
                "message": message,
                "tone": TONES[Message.State(message.state)],
                "language": LANGUAGE_NAMES.get(message.language, message.language),
                "code": code,
                "shown_code": show_code(code) if code else "",
                "tries": tries,
                "last": next((t for t in tries if t["outcome"] == Outcome.BOUNCED), tries[-1] if tries else None),
                "resend_of": (message.detail or {}).get("resend_of"),
                "may_resend": may_resend and message.state in RESENDABLE,
            }
        )
    return rows


@require_POST
@roles(WORK_ON_BOOKINGS)
def resend(request: HttpRequest, contract: Contract, pk: int) -> HttpResponse:
    """Send a message once more by hand."""
    try:
        services.resend(contract, pk, by=actor_of(request), now=request.now)
        flash.success(request, "メールをもう一度送ります。結果はこの一覧に出ます。")
    except services.NoticeError as error:
        flash.error(request, str(error))
    return redirect("office:messages", contract.code)
