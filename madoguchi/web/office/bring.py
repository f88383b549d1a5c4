"""The table of what to bring: read and proved like a document, changed from a day on, approved by the city."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.procedures.briefing import age_text, brief
from madoguchi.domain.procedures.enums import Kind, Situation, Who
from madoguchi.domain.procedures.models import BringRule, Procedure
from madoguchi.domain.procedures.queries import bring_rows, coming_changes
from madoguchi.domain.procedures.rules.bring import OLDEST, Visitor
from madoguchi.domain.procedures.services.bring import (
    RuleRefused,
    RuleValues,
    add_rule,
    change_rule,
    confirm_rules,
    end_rule,
    values_of,
)
from madoguchi.ground.accounts.access import CONFIRM_TEXTS, EDIT_TEXTS, READ_RESIDENTS, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.privacy.guard import GuardedForm
from madoguchi.web.ui.dates import DayBox
from madoguchi.web.ui.middleware import handles_individual_number

from .forms import day_of

AGE = dict.fromkeys(("required", "invalid", "min_value", "max_value"), "0から150までの数で入力してください。")
EVERY = "-"
"""In the address: rows that count for every procedure."""


class RuleForm(GuardedForm):
    """One version of a row: its wording in every language, whom it counts for, from which day."""

    use_required_attribute = False
    starts = DayBox(
        label="この日から", required=True, help_text="この日より前の来庁への案内は変わりません。",
        error_messages={"required": "いつから変えるかを入力してください。"},
    )  # fmt: skip
    kind = forms.ChoiceField(label="種類", choices=Kind.choices)
    source = forms.CharField(
        label="根拠", max_length=200, required=False, help_text="要綱・通知・市の案内など。住民の画面には出ません。"
    )
    who = forms.MultipleChoiceField(
        label="来庁する人", choices=Who.choices, required=False, widget=forms.CheckboxSelectMultiple,
        help_text="選ばなければ、だれでも。",
    )  # fmt: skip
    age_from = forms.IntegerField(
        label="年齢（から）", min_value=0, max_value=OLDEST, error_messages=AGE
    )
    age_to = forms.IntegerField(
        label="年齢（まで）", min_value=0, max_value=OLDEST, error_messages=AGE
    )
    when = forms.MultipleChoiceField(
        label="あてはまるとき", choices=Situation.choices, required=False, widget=forms.CheckboxSelectMultiple,
        help_text="すべてにあてはまるときだけ案内します。",
    )  # fmt: skip
    unless = forms.MultipleChoiceField(
        label="除くとき", choices=Situation.choices, required=False, widget=forms.CheckboxSelectMultiple,
        help_text="1つでもあてはまれば案内しません。",
    )  # fmt: skip

    def __init__(self, languages: Sequence[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.languages = languages
        for code, name in languages:
            self.fields[f"text_{code}"] = forms.CharField(
                label=name,
                max_length=600,
                required=code == "ja",
                widget=forms.Textarea(attrs={"rows": 2}),
                error_messages={"required": "文面を入力してください。"},
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        low, high = cleaned.get("age_from"), cleaned.get("age_to")
        if low is not None and high is not None and low > high:
            self.add_error("age_to", "「から」と同じか、より上の年齢にしてください。")
        both = set(cleaned.get("when", ())) & set(cleaned.get("unless", ()))
        if both:
            labels = "、".join(str(Situation(one).label) for one in both)
            self.add_error("unless", f"「{labels}」が両方に選ばれています。どちらかにしてください。")
        return cleaned

    def values(self, procedure: str, becomes: str = "") -> RuleValues:
        """What was typed, as values of a row."""
        found = self.cleaned_data
        return RuleValues(
            kind=Kind(found["kind"]),
            procedure=procedure,
            texts={code: " ".join(found[f"text_{code}"].split()) for code, _ in self.languages},
            source=found["source"],
            who=found["who"],
            age_from=found["age_from"],
            age_to=found["age_to"],
            when=found["when"],
            unless=found["unless"],
            becomes=becomes,
        )

    @property
    def other_languages(self) -> list[Any]:
        """Bound fields of the translations."""
        return [self[f"text_{code}"] for code, _ in self.languages if code != "ja"]


def languages_of(contract: Contract) -> list[tuple[str, str]]:
    """(code, name) of the contract's languages."""
    return [(code, name) for code, name in settings.LANGUAGES if code in contract.profile.languages]


@roles(READ_RESIDENTS)
def bring(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Rows of one procedure on a day, grouped by kind; what is to come; the answer residents get from it."""
    today = request.now.date()
    on = max(day_of(request.GET.get("on", ""), today), today)
    tabs = [(p.code, p.legal_name) for p in Procedure.objects.all()]
    chosen = request.GET.get("p") or (tabs[0][0] if tabs else EVERY)
    if chosen != EVERY and chosen not in {code for code, _ in tabs}:
        raise Http404("この手続きはありません。")
    procedure = "" if chosen == EVERY else chosen
    rules = [rule for rule in BringRule.objects.filter(procedure=procedure) if rule.row.valid_on(on)]
    languages = [code for code, _ in languages_of(contract)]
    groups = [
        (kind.label, [_shown(rule, languages) for rule in rules if rule.kind == kind])
        for kind in Kind
        if any(rule.kind == kind for rule in rules)
    ]
    whole = BringRule.objects.exclude(valid_to__lt=on).filter(valid_from__lte=on)
    rows = bring_rows(on, [procedure]) if procedure else []
    context = {
        "tabs": [
            {"label": label, "url": _address(contract, code, on, today), "active": code == chosen}
            for code, label in [*tabs, (EVERY, "すべての手続き")]
        ],
        "chosen": chosen,
        "on": on,
        "today": today,
        "groups": groups,
        "unconfirmed": sum(not rule.confirmed for rule in rules),
        "seen": [(rule.code, rule.valid_from.isoformat()) for rule in rules if not rule.confirmed],
        "confirmed_all": whole.filter(confirmed_at__isnull=False).count(),
        "count_all": whole.count(),
        "coming": coming_changes(today, procedure),
        "examples": [
            (who.label, brief(rows, Visitor(procedure, who, 10 if who is Who.LEGAL else 40, no=frozenset(Situation)), on, "ja"))
            for who in Who
        ]
        if procedure
        else [],
        "may_edit": may(request, EDIT_TEXTS),
        "may_confirm": may(request, CONFIRM_TEXTS),
        "resident_url": f"{reverse('citizen:bring', args=[contract.code])}?p={procedure}" if procedure else "",
    }
    return render(request, "office/bring/bring.html", context)


def _address(contract: Contract, code: str, on: dt.date, today: dt.date) -> str:
    day = f"&on={on.isoformat()}" if on != today else ""
    return f"{reverse('office:bring', args=[contract.code])}?p={code}{day}"


def _shown(rule: BringRule, languages: list[str]) -> dict[str, Any]:
    whole = (rule.age_from, rule.age_to) == (0, OLDEST)
    missing = [code for code in languages if not rule.texts.get(code)]
    return {
        "rule": rule,
        "text": rule.texts.get("ja", ""),
        "who": "・".join(str(one.label) for one in Who if one in rule.who) or "だれでも",
        "age": "" if whole else age_text(rule.age_from, rule.age_to),
        "when": [str(Situation(one).label) for one in rule.when],
        "unless": [str(Situation(one).label) for one in rule.unless],
        "missing": len(missing),
    }


@require_POST
@roles(CONFIRM_TEXTS)
def confirm(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The city approves what it saw on the page; rows changed meanwhile stay as they are."""
    shown = {}
    for one in request.POST.getlist("seen"):
        code, _, first = one.partition("|")
        shown[code] = day_of(first, dt.date.min)
    on = day_of(request.POST.get("on", ""), request.now.date())
    count = confirm_rules(contract, shown, on=on, by=actor_of(request), now=request.now)
    if count < len(shown):
        messages.warning(
            request, f"{count}行を確認済みにしました。ほかの{len(shown) - count}行は、見ている間に変わりました。もう一度確かめてください。"
        )
    else:
        messages.success(request, f"{count}行を確認済みにしました。")
    return redirect(_address(contract, request.POST.get("p", EVERY), on, request.now.date()))


@handles_individual_number
@roles(EDIT_TEXTS)
def rule(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """One row: change it from a day on, end it; its versions."""
    versions = list(BringRule.objects.filter(code=code).order_by("-valid_from"))
    if not versions:
        raise Http404("この行はありません。")
    today = request.now.date()
    current = next((v for v in versions if v.row.valid_on(today)), versions[0])
    form = RuleForm(languages_of(contract), request.POST or None, initial=_initial(current, today))
    problem, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            values = form.values(current.procedure, current.becomes)
            try:
                change_rule(
                    contract, code, values, starts=form.cleaned_data["starts"], by=actor_of(request), now=request.now
                )
            except RuleRefused as refused:
                problem, status = str(refused), 409
            else:
                return _saved(request, contract, current.procedure, form.cleaned_data["starts"])
    context = {
        "form": form,
        "rule": current,
        "versions": versions,
        "problem": problem,
        "procedure": _procedure_name(current.procedure),
        "back_url": _address(contract, current.procedure or EVERY, today, today),
        "today": today,
    }
    return render(request, "office/bring/rule.html", context, status=status)


@handles_individual_number
@roles(EDIT_TEXTS)
def add(request: HttpRequest, contract: Contract) -> HttpResponse:
    """A row of the city's own."""
    chosen = request.GET.get("p", EVERY)
    procedure = "" if chosen == EVERY else chosen
    if procedure and not Procedure.objects.filter(code=procedure).exists():
        raise Http404("この手続きはありません。")
    today = request.now.date()
    initial = {"starts": today.isoformat(), "kind": Kind.DOCUMENT, "age_from": 0, "age_to": OLDEST}
    form = RuleForm(languages_of(contract), request.POST or None, initial=initial)
    problem, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            starts = form.cleaned_data["starts"]
            try:
                add_rule(contract, form.values(procedure), starts=starts, by=actor_of(request), now=request.now)
            except RuleRefused as refused:
                problem, status = str(refused), 409
            else:
                return _saved(request, contract, procedure, starts)
    context = {
        "form": form,
        "problem": problem,
        "procedure": _procedure_name(procedure),
        "back_url": _address(contract, chosen, today, today),
        "today": today,
    }
    return render(request, "office/bring/rule.html", context, status=status)


@require_POST
@roles(EDIT_TEXTS)
def end(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """Let a row be valid for the last time on a day."""
    found = BringRule.objects.filter(code=code).first()
    if found is None:
        raise Http404("この行はありません。")
    box = DayBox(required=True, error_messages={"required": "最後の日を入力してください。"})
    try:
        last = box.clean(request.POST.get("last", ""))
        end_rule(contract, code, last=last, by=actor_of(request), now=request.now)
    except forms.ValidationError as wrong:
        messages.error(request, " ".join(wrong.messages))
        return redirect("office:bring_rule", contract.code, code)
    except RuleRefused as refused:
        messages.error(request, str(refused))
        return redirect("office:bring_rule", contract.code, code)
    messages.success(request, f"この行の案内は{dates.show_short(last)}までです。")
    return redirect(_address(contract, found.procedure or EVERY, request.now.date(), request.now.date()))


def _saved(request: HttpRequest, contract: Contract, procedure: str, starts: dt.date) -> HttpResponse:
    messages.success(request, f"{dates.show_short(starts)}からの案内として保存しました。市の確認がまだです。")
    return redirect(_address(contract, procedure or EVERY, starts, request.now.date()))


def _initial(found: BringRule, today: dt.date) -> dict[str, Any]:
    values = values_of(found.row)
    return {
        "starts": today.isoformat(),
        **{name: getattr(values, name) for name in ("kind", "source", "who", "age_from", "age_to", "when", "unless")},
        **{f"text_{language}": text for language, text in values.texts.items()},
    }


def _procedure_name(code: str) -> str:
    if not code:
        return "すべての手続き"
    found = Procedure.objects.filter(code=code).first()
    if found is None:
        raise PermissionDenied("この手続きはこの契約にありません。")
    return found.legal_name
