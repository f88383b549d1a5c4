"""The ledger of obligations: what is owed to the city, whether it was met, and what shows it. Written so that an inspector reads it in a minute."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from madoguchi.domain.obligations import rules
from madoguchi.domain.obligations.enums import Source
from madoguchi.domain.obligations.errors import ObligationRefused
from madoguchi.domain.obligations.measured import CONTRACT_ANSWER_RATE
from madoguchi.domain.obligations.models import Breach, Event, Evidence
from madoguchi.domain.obligations.queries import Book, Line, book_of
from madoguchi.domain.obligations.rules import KIND_LABELS, Kind, Status
from madoguchi.domain.obligations.services import (
    close_breach,
    confirm,
    explain,
    meet,
    open_ledger,
    record_event,
    withdraw,
    withdraw_event,
)
from madoguchi.ground.accounts.access import (
    CONFIRM_OBLIGATIONS,
    KEEP_OBLIGATIONS,
    MANAGE_STAFF,
    READ_OBLIGATIONS,
    actor_of,
    may,
    roles,
)
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Duty
from madoguchi.ground.kit import dates
from madoguchi.ground.privacy.guard import GuardedForm
from madoguchi.web.ui.dates import DayBox

from .contract import assumed

AHEAD = dt.timedelta(days=30)
MOST_BYTES = 50 * 1024 * 1024
TONES = {Status.MET: "ok", Status.DUE: "warn", Status.NOT_YET: "info", Status.NOTHING: "plain"}
RECORDS = {"incident": "事故等の報告", "collection": "文書の廃棄の記録"}
"""Records of the work that prove a duty, by the kind in their reference."""
WHO = {"leader": "リーダー", "manager": "業務責任者", "city": "市"}
EVENT_WORDS = {
    "before_change": "変更する日", "on_change": "変わった日・行った日", "at_once": "起きた日", "on_request": "市が求めた期限", "agreed": "合意した期限",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A line with what a page says of it: the state in words, the tone beside it, what its evidence is called and where it leads."""

    line: Line
    text: str
    tone: str
    proof: str
    url: str


def row_of(contract: Contract, line: Line, today: dt.date) -> Row:
    """A line as pages show it."""
    return Row(line, state_text(line, today), tone_of(line), proof_text(line.evidence) if line.evidence else "", _source_url(contract, line))


def tone_of(line: Line) -> str:
    """The colour beside the words; a settled breach is quiet."""
    if line.open_breach:
        return "bad"
    if line.status is Status.BREACHED:
        return "plain"
    return "warn" if line.unconfirmed else TONES[line.status]


def state_text(line: Line, today: dt.date) -> str:
    """The state of a line in words, without colour."""
    closed = "（済み）" if line.breach is not None and line.breach.closed_at else ""
    if line.status is Status.BREACHED:
        late = (today - line.occasion.due).days
        return f"基準に届かず{closed}" if line.duty.threshold else f"未履行{closed}" if closed else f"期限を{late}日過ぎた"
    if line.status is Status.MET:
        if line.unconfirmed:
            return "市の確認待ち"
        return f"遅れて履行{closed}" if line.late else "履行済み"
    if line.status is Status.DUE:
        left = (line.occasion.due - today).days
        return f"あと{left}日" if left else "今日まで"
    if line.status is Status.NOT_YET:
        return "集計中" if line.duty.threshold and line.occasion.opens <= today else "これから"
    if line.duty.threshold and line.evidence is not None:
        return "数えるものなし"
    return "保存中" if line.duty.due.rule == "keep_years" else "台帳の開始前"


def proof_text(held: Evidence) -> str:
    """What evidence is called: a document as somebody wrote it down, a record of the work by its kind."""
    if held.source != Source.FACT:
        return held.reference
    return RECORDS.get(held.reference.partition(":")[0], "作業の記録")


def _source_url(contract: Contract, line: Line) -> str:
    if line.evidence is None:
        return ""
    kind, _, pk = line.evidence.reference.partition(":")
    if line.evidence.source == Source.FACT and kind == "incident" and pk.isdecimal():
        return reverse("incidents:incident", args=[contract.code, pk])
    if line.duty.threshold is None:
        return ""
    first, last = line.occasion.opens, line.occasion.due
    if line.duty.threshold.measure == CONTRACT_ANSWER_RATE:
        return f"{reverse('phone:figures', args=[contract.code])}?{urlencode({'month': f'{first:%Y-%m}'})}"
    asked = {"measure": line.duty.threshold.measure, "first": first.isoformat(), "last": last.isoformat()}
    return f"{reverse('reports:records', args=[contract.code])}?{urlencode(asked)}"


def open_points(contract: Contract) -> frozenset[str]:
    """Codes of duties whose due rule the specification leaves open: the profile says ``assumption`` there. What a closed day does is no such point."""
    path = Path(settings.PROFILES_DIR) / f"{contract.code}.toml"
    marked = assumed(path, path.stat().st_mtime) if path.exists() else frozenset()
    found = set()
    for key in ("reports", "obligations"):
        for n, one in enumerate(getattr(contract.profile, key)):
            if any(mark[:3] == (key, str(n), "due") and mark[3:] != ("closed",) for mark in marked):
                found.add(one.code)
    return frozenset(found)


def _tabs(contract: Contract, active: str) -> list[dict[str, Any]]:
    names = {"ledger": "台帳", "year": "年の表", "preparation": "業務開始前の準備"}
    return [
        {"label": label, "url": reverse(f"obligations:{one}", args=[contract.code]), "active": one == active, "count": None}
        for one, label in names.items()
    ]


class SinceForm(forms.Form):
    """From when the ledger counts."""

    use_required_attribute = False
    since = DayBox(label="この日から数える", error_messages={"required": "日を選んでください。"})


@roles(READ_OBLIGATIONS)
def ledger(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Counts, what was missed, what is due next, what waits for the city, and every obligation with its section."""
    return _ledger(request, contract)


def _ledger(request: HttpRequest, contract: Contract, form: SinceForm | None = None) -> HttpResponse:
    today = request.now.date()
    book = book_of(contract, today, running=True)
    rows = [row_of(contract, line, today) for line in book.lines]
    context = {
        "tabs": _tabs(contract, "ledger"), "book": book, "counts": book.counts, "today": today, "made_at": request.now,
        "missed": [one for one in rows if one.line.open_breach],
        "coming": [one for one in rows if one.line.status in (Status.DUE, Status.NOT_YET) and today <= one.line.occasion.due <= today + AHEAD],
        "waiting": [one for one in rows if one.line.unconfirmed],
        "groups": _groups(book, rows, today), "open_points": open_points(contract),
        "may_set": may(request, MANAGE_STAFF), "form": form or SinceForm({"since": (book.since or today).isoformat()}),
    }  # fmt: skip
    return render(request, "office/obligations/ledger.html", context, status=422 if form and form.errors else 200)


@dataclass(frozen=True)
class Summary:
    """One obligation on one row: how often it was met, what comes next, its last evidence."""

    duty: Duty
    rule: str
    who: str
    met: int
    over: int
    now: Row | None
    coming: Row | None
    last: Row | None


def _groups(book: Book, rows: list[Row], today: dt.date) -> list[tuple[str, list[Summary]]]:
    groups: dict[Kind, list[Summary]] = {kind: [] for kind in Kind}
    for duty in book.duties:
        mine = [one for one in rows if one.line.duty.code == duty.code]
        counted = [one for one in mine if one.line.status in (Status.MET, Status.BREACHED)]
        coming = next((one for one in mine if one.line.occasion.due >= today and one.line.status in (Status.DUE, Status.NOT_YET)), None)
        missed = next((one for one in mine if one.line.open_breach), None)
        last = next((one for one in reversed(mine) if one.line.evidence is not None), None)
        groups[rules.kind_of(duty)].append(
            Summary(
                duty, rules.rule_text(duty), WHO[duty.who], sum(one.line.status is Status.MET for one in counted), len(counted),
                missed or next((one for one in mine if one.line.unconfirmed), None) or coming or last or (mine[-1] if mine else None), coming, last,
            )
        )  # fmt: skip
    return [(KIND_LABELS[kind], found) for kind, found in groups.items() if found]


@require_POST
@roles(MANAGE_STAFF)
def since(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Set the day from which the ledger counts."""
    form = SinceForm(request.POST)
    if not form.is_valid():
        return _ledger(request, contract, form)
    open_ledger(contract, form.cleaned_data["since"], by=actor_of(request), now=request.now)
    messages.success(request, "台帳を始める日を決めました。")
    return redirect("obligations:ledger", contract.code)


@dataclass(frozen=True)
class Cell:
    """What a month holds of an obligation: words, and a tone beside them."""

    words: tuple[str, ...]
    tone: str


@roles(READ_OBLIGATIONS)
def year(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Twelve months of a fiscal year by obligations: what fell due in each, in words."""
    today = request.now.date()
    book = book_of(contract, today)
    years = sorted({dates.fiscal_year(line.occasion.due) for line in book.lines}) or [dates.fiscal_year(today)]
    asked = request.GET.get("year", "")
    fiscal = int(asked) if asked.isascii() and asked.isdigit() and int(asked) in years else min(max(dates.fiscal_year(today), years[0]), years[-1])
    first, _ = dates.fiscal_year_span(fiscal)
    months = [dt.date(first.year + (first.month + n - 1) // 12, (first.month + n - 1) % 12 + 1, 1) for n in range(12)]
    table = []
    for duty in book.duties:
        lines = [line for line in book.of(duty.code) if dates.fiscal_year(line.occasion.due) == fiscal]
        if lines:
            table.append((duty, [_cell([one for one in lines if (one.occasion.due.year, one.occasion.due.month) == (m.year, m.month)], today) for m in months]))
    context = {
        "tabs": _tabs(contract, "year"), "fiscal": dates.show_fiscal_year(fiscal), "months": months, "table": table, "this_month": today.replace(day=1),
        "years": [(one, dates.show_fiscal_year(one), one == fiscal) for one in years], "made_at": request.now,
    }  # fmt: skip
    return render(request, "office/obligations/year.html", context)


def _cell(lines: list[Line], today: dt.date) -> Cell:
    if not lines:
        return Cell((), "")
    if len(lines) == 1:
        (line,) = lines
        return Cell((state_text(line, today), f"{line.occasion.due.day}日"), tone_of(line))
    found = {
        "bad": ("違反", sum(one.open_breach for one in lines)),
        "warn": ("期限が近い", sum(one.status is Status.DUE for one in lines)),
        "ok": ("済", sum(one.status is Status.MET and not one.open_breach for one in lines)),
        "info": ("これから", sum(one.status is Status.NOT_YET for one in lines)),
    }
    words = tuple(f"{word} {count}件" for word, count in found.values() if count) or ("台帳の開始前",)
    return Cell(words, next((tone for tone, (_, count) in found.items() if count), "plain"))


@roles(READ_OBLIGATIONS)
def preparation(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What has to be handed in, agreed and done before the service begins, and how far it is."""
    today = request.now.date()
    rows = [row_of(contract, line, today) for line in book_of(contract, today).preparation()]
    done = sum(one.line.done for one in rows)
    term = contract.profile.term
    context = {
        "tabs": _tabs(contract, "preparation"), "rows": rows, "done": done, "all": len(rows), "starts": term.service_from,
        "left": (term.service_from - today).days, "made_at": request.now, "may_keep": may(request, KEEP_OBLIGATIONS), "open_points": open_points(contract),
    }  # fmt: skip
    return render(request, "office/obligations/preparation.html", context)


class EvidenceForm(GuardedForm):
    """What shows that an occasion was met."""

    use_required_attribute = False
    key = forms.ChoiceField(
        label="どの回", error_messages={"required": "回を選んでください。", "invalid_choice": "この回は、もう記録されています。選び直してください。"}
    )
    met_on = DayBox(label="行った日（提出した日）", error_messages={"required": "行った日を選んでください。"})
    reference = forms.CharField(
        label="証拠", max_length=200, help_text="文書の名前や番号、記録の場所。例：10月分月報（受付印 11月9日）。個人情報は書かないでください。",
        error_messages={"required": "証拠になる文書や記録の名前を入力してください。"},
    )  # fmt: skip
    note = forms.CharField(label="補足", max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    file = forms.FileField(
        label="提出したファイル", required=False,
        help_text="ファイルそのものは保存しません。同じものかを後で確かめられるように、SHA-256だけを記録します。",
    )  # fmt: skip

    def __init__(self, lines: Iterable[Line], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].choices = [(one.occasion.key, f"{one.occasion.label}（期限 {dates.show_short(one.occasion.due)}）") for one in lines]

    def clean_file(self) -> str:
        """The SHA-256 of what was chosen; empty without a file."""
        upload = self.cleaned_data["file"]
        if not upload:
            return ""
        if upload.size > MOST_BYTES:
            raise forms.ValidationError("ファイルは50MBまでです。")
        digest = hashlib.sha256()
        for chunk in upload.chunks():
            digest.update(chunk)
        return digest.hexdigest()


class EventForm(GuardedForm):
    """What makes an obligation fall due."""

    use_required_attribute = False
    on = DayBox(label="日", error_messages={"required": "日を選んでください。"})
    note = forms.CharField(label="内容", max_length=200, help_text="個人情報は書かないでください。", error_messages={"required": "内容を入力してください。"})


def _duty_or_404(contract: Contract, code: str) -> Duty:
    found = next((one for one in rules.duties(contract.profile) if one.code == code), None)
    if found is None:
        raise Http404("この義務は、契約の内容にありません。")
    return found


@roles(READ_OBLIGATIONS)
def duty(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """One obligation: its rule, every occasion with evidence and breach, and the forms for those who keep the ledger."""
    return _duty(request, contract, _duty_or_404(contract, code))


def _duty(
    request: HttpRequest, contract: Contract, found: Duty, form: EvidenceForm | None = None, event_form: EventForm | None = None, problem: str = ""
) -> HttpResponse:
    today = request.now.date()
    lines = book_of(contract, today, running=True).of(found.code)
    kind = rules.kind_of(found)
    keeps = may(request, KEEP_OBLIGATIONS)
    forward = next((n for n, one in enumerate(lines) if one.occasion.due >= today), len(lines))
    shown = lines[: forward + 3]
    waiting = _enterable(lines, today)
    if event_form is None:
        event_form = EventForm()
    event_form.fields["on"].label = EVENT_WORDS.get(found.due.rule, "日")
    keys = {one.occasion.key for one in waiting}
    usual = {"key": next((k for k in (request.GET.get("key", ""),) if k in keys), waiting[0].occasion.key if waiting else ""), "met_on": today.isoformat()}
    context = {
        "duty": found, "rule": rules.rule_text(found), "who": WHO[found.who], "kind": KIND_LABELS[kind], "problem": problem,
        "rows": [row_of(contract, one, today) for one in reversed(shown)], "later": len(lines) - len(shown), "open": found.code in open_points(contract),
        "form": form or EvidenceForm(waiting, initial=usual), "may_enter": keeps and bool(waiting), "events": kind is Kind.EVENT,
        "event_form": event_form, "may_event": kind is Kind.EVENT and (keeps or may(request, CONFIRM_OBLIGATIONS)), "may_keep": keeps,
        "may_confirm": may(request, CONFIRM_OBLIGATIONS),
        "withdrawn": [
            (one, proof_text(one)) for one in Evidence.objects.filter(obligation=found.code).exclude(withdrawn_at=None).order_by("-withdrawn_at")[:20]
        ],
        "measured": Source.MEASURE,
    }  # fmt: skip
    wrong = bool(problem) or bool(form and form.errors) or bool(event_form.errors)
    return render(request, "office/obligations/duty.html", context, status=422 if wrong else 200)


def _enterable(lines: list[Line], today: dt.date) -> list[Line]:
    """Occasions that may be proved by hand now: open, begun, the missed ones first."""
    return [one for one in lines if one.evidence is None and one.duty.threshold is None and one.duty.due.rule != "keep_years" and one.occasion.opens <= today]


@require_POST
@roles(KEEP_OBLIGATIONS)
def enter(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """Evidence by hand."""
    found = _duty_or_404(contract, code)
    today = request.now.date()
    form = EvidenceForm(_enterable(book_of(contract, today).of(code), today), request.POST, request.FILES)
    if not form.is_valid():
        return _duty(request, contract, found, form)
    data = form.cleaned_data
    try:
        meet(
            contract, code, data["key"], met_on=data["met_on"], reference=data["reference"], note=data["note"], file_hash=data["file"],
            by=actor_of(request), now=request.now,
        )  # fmt: skip
    except ObligationRefused as wrong:
        return _duty(request, contract, found, form, problem=str(wrong))
    messages.success(request, "履行の証拠を記録しました。" + ("市の確認を待ちます。" if found.approval else ""))
    return redirect("obligations:duty", contract.code, code)


@require_POST
@roles(KEEP_OBLIGATIONS | CONFIRM_OBLIGATIONS)
def event(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """An event from which the due date follows."""
    found = _duty_or_404(contract, code)
    form = EventForm(request.POST)
    if not form.is_valid():
        return _duty(request, contract, found, event_form=form)
    try:
        record_event(contract, code, on=form.cleaned_data["on"], note=form.cleaned_data["note"], by=actor_of(request), now=request.now)
    except ObligationRefused as wrong:
        return _duty(request, contract, found, event_form=form, problem=str(wrong))
    messages.success(request, "できごとを記録しました。期限は下の表にあります。")
    return redirect("obligations:duty", contract.code, code)


def _deed(request: HttpRequest, contract: Contract, code: str, act: Callable[[], None], said: str) -> HttpResponse:
    try:
        act()
    except ObligationRefused as wrong:
        return _duty(request, contract, _duty_or_404(contract, code), problem=str(wrong))
    messages.success(request, said)
    return redirect("obligations:duty", contract.code, code)


def _row_or_404(model: type[Evidence] | type[Breach] | type[Event], pk: int) -> Any:
    found = model.objects.filter(pk=pk).first()
    if found is None:
        raise Http404("この記録は見つかりません。")
    return found


@require_POST
@roles(KEEP_OBLIGATIONS | CONFIRM_OBLIGATIONS)
def event_withdraw(request: HttpRequest, contract: Contract, pk: int) -> HttpResponse:
    """Take an event back."""
    held, reason = _row_or_404(Event, pk), request.POST.get("reason", "")
    return _deed(
        request, contract, held.obligation, lambda: withdraw_event(contract, pk, reason=reason, by=actor_of(request), now=request.now),
        "できごとを取り下げました。",
    )  # fmt: skip


@require_POST
@roles(KEEP_OBLIGATIONS)
def evidence_withdraw(request: HttpRequest, contract: Contract, pk: int) -> HttpResponse:
    """Take evidence back."""
    held, reason = _row_or_404(Evidence, pk), request.POST.get("reason", "")
    return _deed(
        request, contract, held.obligation, lambda: withdraw(contract, pk, reason=reason, by=actor_of(request), now=request.now),
        "証拠を取り下げました。",
    )  # fmt: skip


@require_POST
@roles(CONFIRM_OBLIGATIONS)
def evidence_confirm(request: HttpRequest, contract: Contract, pk: int) -> HttpResponse:
    """The city accepts."""
    held = _row_or_404(Evidence, pk)
    return _deed(request, contract, held.obligation, lambda: confirm(contract, pk, by=actor_of(request), now=request.now), "履行を確認しました。")


@require_POST
@roles(KEEP_OBLIGATIONS)
def breach_explain(request: HttpRequest, contract: Contract, pk: int) -> HttpResponse:
    """Why it was missed, and what is done."""
    held, text = _row_or_404(Breach, pk), request.POST.get("text", "")
    return _deed(
        request, contract, held.obligation, lambda: explain(contract, pk, text=text, by=actor_of(request), now=request.now),
        "理由と対応を記録しました。市が確かめて済みにします。",
    )  # fmt: skip


@require_POST
@roles(CONFIRM_OBLIGATIONS)
def breach_close(request: HttpRequest, contract: Contract, pk: int) -> HttpResponse:
    """The city regards it as settled."""
    held = _row_or_404(Breach, pk)
    return _deed(request, contract, held.obligation, lambda: close_breach(contract, pk, by=actor_of(request), now=request.now), "違反を済みにしました。")
