"""Cases at the counter: the lists, opening one, the page of one with its current step, and the city's examination list."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.rules import read_code, show_code
from madoguchi.domain.cards.queries.stock import cards_by_booking
from madoguchi.domain.cases.enums import End, Pause, Side, Spent, State
from madoguchi.domain.cases.errors import CaseRefused
from madoguchi.domain.cases.hands import Hand, hand_of
from madoguchi.domain.cases.models import Case
from madoguchi.domain.cases.queries import cases as reads
from madoguchi.domain.cases.queries.cases import Listed
from madoguchi.domain.cases.queries.flows import offered_flows
from madoguchi.domain.cases.rules import EARLY, KIND_LABELS, OUTCOME_LABELS, PART_LABELS, Step
from madoguchi.domain.cases.services import work
from madoguchi.domain.reception.enums import Stay
from madoguchi.domain.reception.models import Period, Ticket
from madoguchi.ground.accounts.access import READ_COUNTER, WORK_AT_COUNTER, actor_of, may, roles
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.actors import CHANNEL_LABELS, Channel

OUTSIDE = dict(settings.LANGUAGES)


def age(since: dt.datetime, now: dt.datetime) -> str:
    """How long ago, as staff say it: minutes, hours and minutes, or days."""
    minutes = max(0, int((now - since).total_seconds() // 60))
    if minutes < 60:
        return f"{minutes}分"
    hours, rest = divmod(minutes, 60)
    return f"{hours}時間{rest}分" if hours < 24 else f"{hours // 24}日"


def row_of(listed: Listed, now: dt.datetime) -> dict[str, Any]:
    """One case as a line of a list."""
    case = listed.case
    return {
        "id": case.pk,
        "procedure": case.procedure.legal_name,
        "flow": listed.flow.name,
        "step": OUTCOME_LABELS.get(case.outcome, End(case.outcome).label) if case.outcome else listed.step.title,  # type: ignore[call-overload]
        "who": f"予約 {show_code(case.booking.code)}　{case.position}人目" if case.booking else "予約なし",
        "language": OUTSIDE.get(case.language, case.language) if case.language != "ja" else "",
        "site": case.site.name,
        "holder": case.examiner if case.side == Side.CITY else case.owner,
        "pause": listed.pause,
        "at": case.ended_at or case.since,
        "age": age(case.since, now),
        "old": case.state == State.ACTIVE and now - case.since > dt.timedelta(minutes=30),
    }


@roles(READ_COUNTER)
def cases(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What is in hand, by who has to act; what ended today. ``?site=`` shows one place."""
    site = request.GET.get("site", "")
    found = [one for one in reads.open_cases(contract) if site in ("", one.case.site.code)]
    ended = [one for one in reads.ended_on(contract, request.now.date()) if site in ("", one.case.site.code)]
    active = [one for one in found if one.case.state == State.ACTIVE]
    counter = [one for one in active if one.case.side == Side.COUNTER]
    groups = [
        ("mine", "自分の担当", [one for one in counter if one.case.owner == request.user], True),
        ("free", "担当のいない案件", [one for one in counter if one.case.owner is None], True),
        ("city", "市の審査待ち", [one for one in active if one.case.side == Side.CITY], True),
        ("others", "ほかの人の担当", [one for one in counter if one.case.owner not in (None, request.user)], False),
        ("paused", "中断中", [one for one in found if one.case.state == State.INTERRUPTED], False),
        ("ended", "今日終わった案件", ended, False),
    ]
    context = {
        "groups": [(code, label, [row_of(one, request.now) for one in rows], always) for code, label, rows, always in groups],
        "sites": contract.profile.sites,
        "site": site,
        "may_work": may(request, WORK_AT_COUNTER),
    }
    return render(request, "cases/cases.html", context)


@roles(READ_COUNTER)
def city(request: HttpRequest, contract: Contract) -> HttpResponse:
    """What waits for the city's answer, the longest first."""
    waiting = [one for one in reads.open_cases(contract) if one.case.state == State.ACTIVE and one.case.side == Side.CITY]
    mine = [one for one in waiting if one.case.examiner == request.user]
    rest = [one for one in waiting if one not in mine]
    context = {
        "mine": [row_of(one, request.now) for one in mine],
        "rows": [row_of(one, request.now) for one in rest],
        "is_city": request.assignment.role == Role.CITY,
        "longest": age(min(one.case.since for one in waiting), request.now) if waiting else "",
    }
    return render(request, "cases/city.html", context)


class OpenForm(forms.Form):
    """Which work, where, in which language; a booking's number where there is one."""

    use_required_attribute = False
    work = forms.ChoiceField(label="手続き", widget=forms.RadioSelect)
    place = forms.ChoiceField(label="場所")
    booking = forms.CharField(label="予約番号", required=False, max_length=20, help_text="予約のない方は空のままにします。")
    position = forms.IntegerField(
        label="何人目の方か", required=False, min_value=1, max_value=20, initial=1,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), "1から20までの数で入力してください。"),
    )  # fmt: skip
    language = forms.ChoiceField(label="ことば", initial="ja")

    def __init__(self, contract: Contract, today: dt.date, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        profile = contract.profile
        titles = {procedure.code: procedure.title for procedure in profile.procedures}
        self.fields["work"].choices = [
            (f"{one.flow.code}.{code}", one.flow.name if len(one.flow.procedures) == 1 else f"{one.flow.name}（{titles[code]}）")
            for one in offered_flows(contract, today) for code in one.flow.procedures if code in titles
        ]  # fmt: skip
        self.fields["place"].choices = [(site.code, site.name) for site in profile.sites]
        self.fields["language"].choices = [(code, OUTSIDE[code]) for code in profile.languages]


@roles(WORK_AT_COUNTER)
def new(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Open a case. ``?booking=CODE&position=1`` begins with a booked person, ``?ticket=`` with the party of a ticket."""
    asked = request.GET
    ticket = Ticket.objects.select_related("site", "booking").filter(pk=_number(asked.get("ticket", "")), closed_at=None).first()
    initial = {
        "work": _usual_work(contract, asked, request.now.date()), "booking": asked.get("booking", ""), "position": asked.get("position", "1"),
        "place": asked.get("site", ""), "key": secrets.token_hex(12),
    }  # fmt: skip
    if ticket is not None:
        initial |= {"place": ticket.site.code, "language": ticket.language, "booking": ticket.booking.code if ticket.booking else ""}
    form = OpenForm(contract, request.now.date(), request.POST if request.method == "POST" else None, initial=initial)
    problem, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            flow, _, procedure = data["work"].partition(".")
            visit = work.Visit(data["place"], data["language"], data["booking"], data["position"] or 1, ticket)
            try:
                made = work.open_case(contract, flow, procedure, visit, key=_key(request.POST), hand=_hand(request), now=request.now)
            except CaseRefused as refused:
                problem, status = refused.message, 409
            else:
                return redirect("cases:case", contract.code, made.pk)
    context = {"form": form, "problem": problem, "key": _key(request.POST) if request.method == "POST" else initial["key"]}
    return render(request, "cases/new.html", context, status=status)


def _usual_work(contract: Contract, asked: QueryDict, day: dt.date) -> str:
    """The first flow for the procedure that the asked person has booked; empty where there is none."""
    booked = reads.booked_procedure(read_code(asked.get("booking", "")), _number(asked.get("position", "1")))
    return next((f"{one.flow.code}.{booked}" for one in offered_flows(contract, day) if booked in one.flow.procedures), "")


@roles(READ_COUNTER)
def case(request: HttpRequest, contract: Contract, case: int) -> HttpResponse:
    """One case: the current step with its checks, what may come next, the history."""
    return _page(request, contract, case)


def _page(request: HttpRequest, contract: Contract, pk: int, problem: str = "", typed: Mapping[str, Any] | None = None) -> HttpResponse:
    listed = reads.case_of(contract, pk)
    if listed is None:
        raise Http404("この案件は見つかりません。")
    told = reads.moves_of(contract, listed)
    if any(one.text for one in told):
        request.audit_reads.append(Read("case.viewed", f"case:{pk}", actor_of(request)))
    found, flow, step = listed.case, listed.flow, listed.step
    hand = _hand(request) if may(request, WORK_AT_COUNTER) else None
    holder = found.examiner if found.side == Side.CITY else found.owner
    mine = hand is not None and hand.part in step.by
    active = found.state == State.ACTIVE
    gives = active and contract.profile.cards is not None and any(way.hands_over for way in step.ways)
    typed = typed or {}
    last = reads.undoable(found)
    passed = {one.what for one in told if one.what}
    context = {
        "case": found,
        "flow": flow,
        "step": step,
        "kind": KIND_LABELS[step.kind],
        "parts": "・".join(PART_LABELS[part] for part in step.by),
        "ways": _ways(listed),
        "reasons": _reasons(step),
        "gives_card": gives,
        "lacks_card": hand is not None and work.lacks_card(contract, found, flow),
        "cards": cards_by_booking([found.booking_id]).get(found.booking_id, []) if gives and found.booking_id else [],
        "window": _window_of(found, request),
        "next": _next_of(contract, found, request) if found.ticket_id and not (active and found.side == Side.COUNTER) else None,
        "may_miss": any(way.ends == "sent_home" for way in step.ways),
        "track": [(one, "current" if one.code == found.step and active else "done" if one.title in passed else "todo") for one in flow.steps],
        "moves": list(reversed(told)),
        "missing": next((one.missing for one in reversed(told) if one.missing), ()) if found.outcome == End.SENT_HOME else (),
        "row": row_of(listed, request.now),
        "outcome": End(found.outcome).label if found.outcome else "",
        "channel": CHANNEL_LABELS[Channel(found.channel)],
        "language": OUTSIDE.get(found.language, found.language),
        "state": State(found.state),
        "holder": holder,
        "own": holder == request.user,
        "acts": active and mine and holder in (None, request.user),
        "may_take": active and mine and holder != request.user,
        "may_resume": found.state == State.INTERRUPTED and mine,
        "may_pause": active and mine and step.resume is not None,
        "may_work": hand is not None,
        "undoable": last if last and hand is not None and (last.part == "city") == (hand.part == "city") and found.outcome != End.VOID else None,
        "pauses": Pause.choices,
        "early": [(code, OUTCOME_LABELS[code]) for code in EARLY],
        "typed": typed,
        "problem": problem,
        "key": secrets.token_hex(12),
        "seconds": _seconds(reads.seconds_of(found)),
    }
    return render(request, "cases/case.html", context, status=409 if problem else 200)


def _window_of(case: Case, request: HttpRequest) -> Period | None:
    """Where the party of a case sits, when it sits with the reader."""
    if case.ticket_id is None:
        return None
    sits = Period.objects.filter(ticket_id=case.ticket_id, ended_at=None, kind=Stay.SERVE, staff=request.user)
    return sits.select_related("window", "window__site").first()


def _next_of(contract: Contract, case: Case, request: HttpRequest) -> dict[str, Any] | None:
    """Another case of the same party that can be gone on with now."""
    for listed in reads.cases_of_ticket(contract, case.ticket_id or 0):
        other = listed.case
        if other.pk != case.pk and other.state == State.ACTIVE and other.side == Side.COUNTER:
            return row_of(listed, request.now) | {"case": other, "own": other.owner == request.user}
    return None


def _ways(listed: Listed) -> list[dict[str, Any]]:
    titles = {step.code: step.title for step in listed.flow.steps}
    return [
        {
            "code": way.code,
            "label": way.label,
            "key": str(n),
            "main": n == 1,
            "leads": f"終了：{OUTCOME_LABELS[way.ends]}" if way.ends else f"次：{titles[way.to or '']}",
            "needs_reason": bool(way.reasons),
        }
        for n, way in enumerate(listed.step.ways, 1)
    ]


def _reasons(step: Step) -> list[tuple[str, str]]:
    return list({reason.code: reason.label for way in step.ways for reason in way.reasons}.items())


def _seconds(found: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(str(spent.label), found[spent]) for spent in Spent if found.get(spent)]


@require_POST
@roles(WORK_AT_COUNTER)
def do(request: HttpRequest, contract: Contract, case: int) -> HttpResponse:
    """One deed of the case's page; what was typed stays when it is refused."""
    if reads.case_of(contract, case) is None:
        raise Http404("この案件は見つかりません。")
    post, deed = request.POST, request.POST.get("deed", "step")
    text = post.get("text", "")
    common: dict[str, Any] = {"version": _number(post.get("version", "")), "key": _key(post), "hand": _hand(request), "now": request.now}
    ticked, missing = post.getlist("ticked"), post.getlist("missing")
    try:
        if deed == "step":
            work.finish_step(
                contract, case, post.get("way", ""), ticked=ticked, missing=missing, reason=post.get("reason", ""), text=text,
                card=post.get("card", ""), outside="outside" in post, **common,
            )  # fmt: skip
        elif deed == "take":
            work.take(contract, case, instead_of=_number(post.get("instead_of", "")) or None, **common)
        elif deed == "interrupt":
            if post.get("pause") not in Pause.values:
                raise CaseRefused("中断の理由を選んでください。")
            work.interrupt(contract, case, Pause(post["pause"]), text=text, **common)
        elif deed == "resume":
            work.resume(contract, case, **common)
        elif deed == "note":
            work.note(contract, case, text, **common)
        elif deed == "end":
            if post.get("outcome") not in End.values:
                raise CaseRefused("終わり方を選んでください。")
            work.end(contract, case, End(post["outcome"]), text=text, **common)
        elif deed == "card":
            work.record_card(contract, case, post.get("card", ""), **common)
        elif deed == "undo":
            work.undo(contract, case, text=text, **common)
        else:
            raise CaseRefused("することを、ボタンで選んでください。")
    except CaseRefused as refused:
        typed = {"deed": deed, "text": text, "ticked": ticked, "missing": missing}
        typed |= {name: post.get(name, "") for name in ("reason", "pause", "outcome", "card", "outside")}
        return _page(request, contract, case, refused.message, typed)
    if deed in SAID:
        messages.success(request, SAID[deed])
    return redirect("cases:case", contract.code, case)


SAID = {"interrupt": "中断しました。「中断中」の一覧から再開できます。", "undo": "一つ前の手順に戻しました。", "note": "メモを残しました。"}


def _hand(request: HttpRequest) -> Hand:
    role = Role(request.assignment.role)  # type: ignore[attr-defined]
    if role not in WORK_AT_COUNTER:
        raise PermissionDenied("この操作の権限がありません。")
    return hand_of(request.user, role, actor_of(request, Channel.COUNTER))  # type: ignore[arg-type]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _key(post: QueryDict) -> str:
    """The key of a form, so that it is done once; a form without one is its own."""
    return post.get("key", "")[:64] or secrets.token_hex(12)
