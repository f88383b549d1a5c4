"""Before the booking: which procedure is it, and what to bring. Everything stands in the address, nothing about a person."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from madoguchi.domain.booking import availability
from madoguchi.domain.procedures.briefing import age_text, brief, situation_text, who_text
from madoguchi.domain.procedures.enums import Situation, Who
from madoguchi.domain.procedures.queries import Shown, bring_rows, shown_procedures
from madoguchi.domain.procedures.rules.bring import Row, Visitor, age_bands, situations_asked
from madoguchi.domain.procedures.rules.triage import Outcome
from madoguchi.domain.procedures.shipped import triage_text, triage_tree
from madoguchi.ground.contracts.models import Contract

from .. import showing


class VisitForm(forms.Form):
    """Who comes, how old the card's owner is, and what holds; only what changes the answer is asked."""

    use_required_attribute = False

    def __init__(self, rows: list[Row], procedure: str, today: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["who"] = forms.ChoiceField(
            label=_("窓口に来る人"),
            choices=[(str(one), who_text(one)) for one in Who],
            widget=forms.RadioSelect,
            initial=str(Who.SELF),
        )
        bands = age_bands(rows, procedure, today)
        if len(bands) > 1:
            self.fields["age"] = forms.ChoiceField(
                label=_("カードの持ち主の年齢"),
                choices=[(str(low), age_text(low, high)) for low, high in bands] + [("", _("選ばない"))],
                widget=forms.RadioSelect,
                required=False,
            )
        asked = situations_asked(rows, procedure, None, today)
        if asked:
            self.fields["s"] = forms.MultipleChoiceField(
                label=_("あてはまるもの"),
                help_text=_("なければ、選ばなくてかまいません。"),
                choices=[(str(one), situation_text(one)) for one in asked],
                widget=forms.CheckboxSelectMultiple,
                required=False,
            )

    def visitor(self, procedure: str) -> Visitor:
        """The person; situations that were offered and not ticked do not hold."""
        chosen = self.cleaned_data
        yes = frozenset(Situation(one) for one in chosen.get("s", ()))
        offered = frozenset(Situation(str(code)) for code, _label in getattr(self.fields.get("s"), "choices", ()))
        age = int(chosen["age"]) if chosen.get("age") else None
        return Visitor(procedure, Who(chosen["who"]), age, yes, offered - yes)


def bring_address(contract: Contract, procedure: str = "", who: str = "", situations: Any = ()) -> str:
    """URL of what to bring, with what is known."""
    query = [("p", procedure), ("who", who), *(("s", str(one)) for one in situations)]
    kept = urlencode([(key, value) for key, value in query if value])
    return reverse("citizen:bring", args=[contract.code]) + (f"?{kept}" if kept else "")


@require_GET
def which(request: HttpRequest, contract: Contract) -> HttpResponse:
    """One question at a time in plain words, until it is clear which procedure it is."""
    tree = triage_tree()
    at = request.GET.get("at", "") or tree.start
    language = showing.language()
    frame = showing.frame(request, contract)
    if at in tree.questions:
        question = tree.questions[at]
        here = reverse("citizen:which", args=[contract.code])
        context = {
            **frame,
            "question": triage_text("question", at, language),
            "options": [
                (triage_text("option", f"{at}-{option}", language), f"{here}?{urlencode({'at': to})}")
                for option, to in question.options
            ],
            "first": at == tree.start,
        }
        return render(request, "citizen/which.html", context)
    if at in tree.outcomes:
        return render(request, "citizen/which_found.html", {**frame, **_found(contract, tree.outcomes[at], language)})
    raise Http404("この質問はありません。")


def _found(contract: Contract, outcome: Outcome, language: str) -> dict[str, Any]:
    shown = {one.code: one for one in shown_procedures(language)}
    code = outcome.procedure(shown)
    external = contract.profile.booking.mode == "external"
    return {
        "found": shown.get(code),
        "first": [triage_text("text", key, language) for key in outcome.first],
        "elsewhere": triage_text("text", outcome.elsewhere, language) if outcome.elsewhere else "",
        "bring_url": bring_address(contract, code, str(outcome.who or Who.SELF), outcome.situations) if code else "",
        "book_url": _book_url(contract, code),
        "external": contract.profile.booking.external if external else None,
    }


@require_GET
def bring(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Choose a procedure, say who comes and what holds, and read (or print) what to bring."""
    language, today = showing.language(), request.now.date()  # type: ignore[attr-defined]
    shown = shown_procedures(language)
    frame = showing.frame(request, contract)
    chosen: Shown | None = next((one for one in shown if one.code == request.GET.get("p")), None)
    if chosen is None:
        rows = [(one, bring_address(contract, one.code)) for one in shown]
        return render(request, "citizen/bring_choose.html", {**frame, "procedures": rows})
    rows = bring_rows(today, [chosen.code])
    asked = "who" in request.GET
    form = VisitForm(rows, chosen.code, today, request.GET if asked else None)
    context: dict[str, Any] = {**frame, "procedure": chosen, "form": form, "all_url": bring_address(contract)}
    if asked and form.is_valid():
        visitor = form.visitor(chosen.code)
        context |= {
            "briefing": brief(rows, visitor, today, language),
            "who": who_text(visitor.who),
            "age": next((label for value, label in form.fields["age"].choices if value == form.cleaned_data["age"]), "")
            if form.cleaned_data.get("age")
            else "",
            "situations": [situation_text(one) for one in Situation if one in visitor.yes],
            "book_url": _book_url(contract, chosen.code),
        }
    return render(request, "citizen/bring.html", context, status=200 if not form.is_bound or form.is_valid() else 422)


def _book_url(contract: Contract, code: str) -> str:
    offered = {one for plan in availability.site_plans(contract).values() for one in plan.procedures}
    if contract.profile.booking.mode == "external" or code not in offered:
        return ""
    return f"{reverse('citizen:who', args=[contract.code])}?{urlencode({'p': code})}"
