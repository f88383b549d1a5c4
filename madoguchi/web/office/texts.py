"""What residents read about procedures, in every language of the contract: edited here, shown before it is saved."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from madoguchi.domain.procedures.models import Procedure, ProcedureText
from madoguchi.domain.procedures.services import edit_text
from madoguchi.ground.accounts.access import EDIT_TEXTS, actor_of, roles
from madoguchi.ground.contracts.models import Contract


class TextForm(forms.Form):
    """Name and explanation of a procedure in one language."""

    name = forms.CharField(label="表示名", max_length=120, error_messages={"required": "表示名を入力してください。"})
    summary = forms.CharField(label="説明", max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    confirmed = forms.BooleanField(
        label="市の確認済み",
        required=False,
        help_text="確認前の文面には、住民の画面で「迷ったら電話してください」と添えます。",
    )


def languages_of(contract: Contract) -> list[tuple[str, str]]:
    """(code, name) of the contract's languages."""
    return [(code, name) for code, name in settings.LANGUAGES if code in contract.profile.languages]


@roles(EDIT_TEXTS)
def texts(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Every procedure and language: confirmed, not yet confirmed, or missing."""
    languages = languages_of(contract)
    found = {(t.procedure_id, t.language): t for t in ProcedureText.objects.all()}
    rows = [
        (procedure, [(code, found.get((procedure.pk, code))) for code, _ in languages])
        for procedure in Procedure.objects.all()
    ]
    return render(request, "office/texts/texts.html", {"languages": languages, "rows": rows})


@roles(EDIT_TEXTS)
def text(request: HttpRequest, contract: Contract, procedure: str, language: str) -> HttpResponse:
    """One text with its preview; it is saved by the button under the preview or directly."""
    languages = dict(languages_of(contract))
    found = Procedure.objects.filter(code=procedure).first()
    if found is None or language not in languages:
        raise Http404("この文面はありません。")
    stored = {t.language: t for t in ProcedureText.objects.filter(procedure=found, language__in=[language, "ja"])}
    here = stored.get(language)
    initial: dict[str, Any] = {"name": found.legal_name}
    if here:
        initial = {key: getattr(here, key) for key in ("name", "summary", "confirmed")}
    form = TextForm(request.POST or None, initial=initial)
    status = 200
    if request.method == "POST":
        if form.is_valid() and request.POST.get("step") == "save":
            edit_text(contract, procedure, language, **form.cleaned_data, by=actor_of(request), now=request.now)
            messages.success(request, f"{found.legal_name}（{languages[language]}）の文面を保存しました。")
            return redirect("office:texts", contract.code)
        status = 200 if form.is_valid() else 422
    values = form.cleaned_data if form.is_bound and form.is_valid() else initial
    context = {
        "procedure": found,
        "language": language,
        "language_name": languages[language],
        "form": form,
        "text": here,
        "japanese": stored.get("ja") if language != "ja" else None,
        "shown": {
            "name": values.get("name", ""),
            "summary": values.get("summary", ""),
            "confirmed": values.get("confirmed", False),
        },
    }
    return render(request, "office/texts/text.html", context, status=status)
