"""Flows of procedures: read as a diagram and a table, changed by a manager, approved by the city, versions side by side."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.cases.enums import VersionState
from madoguchi.domain.cases.errors import CaseRefused
from madoguchi.domain.cases.models import FlowVersion
from madoguchi.domain.cases.queries.flows import body_of, flow_of, offered_flows, version_on
from madoguchi.domain.cases.rules import DECISION_LABELS, KIND_LABELS, OUTCOME_LABELS, PART_LABELS, Flow, diff
from madoguchi.domain.cases.services import flows as deeds
from madoguchi.domain.cases.shipped import shipped_flows
from madoguchi.ground.accounts.access import APPROVE_FLOWS, PROPOSE_FLOWS, READ_COUNTER, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract

NEW_ITEMS = 2


@roles(READ_COUNTER)
def flows(request: HttpRequest, contract: Contract) -> HttpResponse:
    """All flows of the contract's procedures."""
    titles = {procedure.code: procedure.title for procedure in contract.profile.procedures}
    rows = [
        (one, [titles[code] for code in one.flow.procedures if code in titles], sum(step.on for step in one.flow.steps))
        for one in offered_flows(contract, request.now.date())
    ]
    return render(request, "cases/flows.html", {"rows": rows})


@roles(READ_COUNTER)
def flow(request: HttpRequest, contract: Contract, flow: str) -> HttpResponse:
    """One flow as it counts today, and its versions with what each changed."""
    return _page(request, contract, flow)


def _page(request: HttpRequest, contract: Contract, code: str, problem: str = "") -> HttpResponse:
    now = _known(contract, code, request.now.date())
    fitted = now.fitted(contract.profile.cases.city_decides)
    context = {
        "flow": now,
        "drawn": _drawn(fitted),
        "confirmed": all(step.confirmed for step in now.steps),
        "version": version_on(code, request.now.date()),
        "versions": _versions(code),
        "problem": problem,
        "may_edit": may(request, PROPOSE_FLOWS),
        "may_approve": may(request, APPROVE_FLOWS),
        "today": request.now.date(),
    }
    return render(request, "cases/flow.html", context, status=409 if problem else 200)


def _known(contract: Contract, code: str, day: dt.date) -> Flow:
    found = flow_of(contract, code, day)
    if found is None or code not in {one.flow.code for one in offered_flows(contract, day)}:
        raise Http404("この手続きの流れは見つかりません。")
    return found


def _drawn(flow: Flow) -> list[dict[str, Any]]:
    """Steps as boxes: what is done, by whom, and where each way leads; with a number, so that far ways can be named."""
    numbers = {step.code: n for n, step in enumerate(flow.steps, 1)}
    return [
        {
            "n": numbers[step.code],
            "step": step,
            "kind": KIND_LABELS[step.kind],
            "by": [PART_LABELS[part] for part in step.by],
            "city": step.line == "city",
            "decides": [DECISION_LABELS[one] for one in step.decides],
            "resume": numbers.get(step.resume or ""),
            "ways": [
                (way, f"{numbers[way.to]} {flow.step(way.to).title}" if way.to else f"終了：{OUTCOME_LABELS[way.ends or 'done']}", bool(way.ends))
                for way in step.ways
            ],
        }
        for step in flow.steps
    ]


def _versions(code: str) -> list[dict[str, Any]]:
    """Versions, the latest first, each with its differences from the approved one before it, or from the shipped flow."""
    rows = list(FlowVersion.objects.filter(code=code).order_by("number"))
    shown, before = [], shipped_flows().get(code)
    for row in rows:
        body = body_of(row)
        shown.append({"row": row, "state": VersionState(row.state).label, "changes": diff(before, body) if before else []})
        if row.state == VersionState.APPROVED:
            before = body
    return shown[::-1]


class EditForm(forms.Form):
    """Words, order and use of a flow's steps; rights, decisions and ways stay as they are."""

    use_required_attribute = False
    valid_from = forms.DateField(
        label="この日から", widget=forms.DateInput({"type": "date"}), error_messages={"invalid": "日付を、例えば 2026-12-01 のように入力してください。"}
    )
    note = forms.CharField(label="変更の理由", max_length=200)

    def __init__(self, flow: Flow, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.flow = flow
        for step in flow.steps:
            self._add(step.code, "title", forms.CharField(label="名称", max_length=120, initial=step.title))
            self._add(step.code, "help", forms.CharField(label="説明", max_length=600, required=False, initial=step.help, widget=forms.Textarea({"rows": 2})))
            if step.optional:
                self._add(step.code, "on", forms.BooleanField(label="この手順を使う", required=False, initial=step.on))
            for n in range(len(step.items) + NEW_ITEMS):
                item = step.items[n] if n < len(step.items) else None
                order = forms.IntegerField(label=f"順番 {n + 1}", required=False, initial=n + 1, min_value=1, max_value=99)
                self._add(step.code, f"order{n}", order)
                self._add(step.code, f"label{n}", forms.CharField(label=f"項目 {n + 1}", max_length=120, required=False, initial=item.label if item else ""))
                required = forms.BooleanField(label=f"必須 {n + 1}", required=False, initial=item.required if item else True)
                self._add(step.code, f"required{n}", required)

    def _add(self, step: str, name: str, field: forms.Field) -> None:
        self.fields[f"{step}-{name}"] = field

    def boxes(self) -> list[dict[str, Any]]:
        """Per step: its bound fields and rows of items."""
        return [
            {
                "step": step,
                "title": self[f"{step.code}-title"],
                "help": self[f"{step.code}-help"],
                "on": self[f"{step.code}-on"] if step.optional else None,
                "items": [
                    [self[f"{step.code}-{name}{n}"] for name in ("order", "label", "required")] for n in range(len(step.items) + NEW_ITEMS)
                ],
            }
            for step in self.flow.steps
        ]

    def values(self) -> dict[str, dict[str, Any]]:
        """What :func:`rules.edited` takes; an item whose words were emptied is gone, one typed anew gets a code of its own.

        Where two have one number, the one that was moved up stands before, the one that was moved down behind.
        """
        data, found = self.cleaned_data, {}
        for step in self.flow.steps:
            rows = []
            for n in range(len(step.items) + NEW_ITEMS):
                if label := data[f"{step.code}-label{n}"].strip():
                    code = step.items[n].code if n < len(step.items) else _free_code({item.code for item in step.items} | {row[2]["code"] for row in rows})
                    order = data[f"{step.code}-order{n}"] or n + 1
                    rows.append((order, order - n, {"code": code, "label": label, "required": data[f"{step.code}-required{n}"]}))
            found[step.code] = {
                "title": data[f"{step.code}-title"].strip(),
                "help": data[f"{step.code}-help"].replace("\r\n", "\n").strip(),
                "items": [item for *_, item in sorted(rows, key=lambda row: row[:2])],
                **({"on": data[f"{step.code}-on"]} if step.optional else {}),
            }
        return found


def _free_code(taken: set[str]) -> str:
    return next(code for code in (f"added_{n}" for n in range(1, 100)) if code not in taken)


@roles(PROPOSE_FLOWS)
def edit(request: HttpRequest, contract: Contract, flow: str) -> HttpResponse:
    """Propose a version with other words, order, documents, or optional steps on or off."""
    today = request.now.date()
    form = EditForm(_known(contract, flow, today), request.POST if request.method == "POST" else None, initial={"valid_from": today + dt.timedelta(days=1)})
    problem, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            try:
                deeds.propose(contract, flow, form.values(), valid_from=data["valid_from"], note=data["note"], by=actor_of(request), now=request.now)
            except CaseRefused as refused:
                problem, status = refused.message, 409
            else:
                messages.success(request, "変更を提案しました。市の承認で、決めた日から使われます。")
                return redirect("cases:flow", contract.code, flow)
    return render(request, "cases/flow_edit.html", {"form": form, "flow": form.flow, "problem": problem}, status=status)


@require_POST
@roles(PROPOSE_FLOWS)
def decide(request: HttpRequest, contract: Contract, flow: str, version: int) -> HttpResponse:
    """The city approves or turns down; a manager takes a proposal back."""
    if not FlowVersion.objects.filter(pk=version, code=flow).exists():
        raise Http404("この版は見つかりません。")
    approves = request.POST.get("deed") == "approve"
    if approves and not may(request, APPROVE_FLOWS):
        raise PermissionDenied("承認できるのは市の職員だけです。")
    try:
        deed = deeds.approve if approves else deeds.turn_down
        deed(contract, version, by=actor_of(request), now=request.now)
    except CaseRefused as refused:
        return _page(request, contract, flow, refused.message)
    messages.success(request, "承認しました。" if approves else "取り下げました。")
    return redirect("cases:flow", contract.code, flow)
