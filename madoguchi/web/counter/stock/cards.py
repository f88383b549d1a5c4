"""One card: where it lies, its history, its reservation, and everything that can be done with it now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.booking.rules import show_code
from madoguchi.domain.cards.access import roles_for
from madoguchi.domain.cards.enums import MoveKind, Reason, Spot, State
from madoguchi.domain.cards.errors import CardsRefused
from madoguchi.domain.cards.models import Card, Disposal
from madoguchi.domain.cards.queries import stock as reads
from madoguchi.domain.cards.rules import LIVE, NEXT_LABELS, STEPS, due_on, read_place, refusal
from madoguchi.domain.cards.services import ends, stock
from madoguchi.domain.cards.services.moving import LONGEST, number_of
from madoguchi.ground.accounts.access import READ_COUNTER, WORK_AT_COUNTER, actor_of, may, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Cards
from madoguchi.ground.kit import kana
from madoguchi.ground.privacy.guard import GuardedForm
from madoguchi.web.ui.dates import DayBox
from madoguchi.web.ui.middleware import handles_individual_number

from .shared import doer, plain_words, rights, terms_of


class PersonForm(GuardedForm):
    """Whose card is looked for, where the contract keeps reading and birth date."""

    use_required_attribute = False
    reading = forms.CharField(
        label="フリガナ", max_length=80, widget=forms.TextInput(attrs={"data-kana": "", "autocomplete": "off"}),
        error_messages={"required": "フリガナを入力してください。"},
    )  # fmt: skip
    born = DayBox(label="生年月日", widget=forms.TextInput(attrs={"autocomplete": "off"}), error_messages={"required": "生年月日を入力してください。"})


@handles_individual_number
@roles(READ_COUNTER)
def find(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Where is card X: by its number, or by reading and birth date where the contract keeps them."""
    terms = terms_of(contract)
    keeps, problem, found, status = terms.person == "kana_birth", "", None, 200
    by_person = request.method == "POST" and keeps and "reading" in request.POST
    form = PersonForm(request.POST if by_person else None) if keeps else None
    if by_person and form is not None and form.is_valid():
        found = reads.find_by_person(contract, kana.to_katakana(form.cleaned_data["reading"]), form.cleaned_data["born"])
        request.audit_reads.append(Read("stock.searched", f"contract:{contract.code}", actor_of(request), {"cards": [one.pk for one in found]}))
    elif request.method == "POST" and not by_person:
        try:
            number = number_of(contract, request.POST.get("code", ""))
            card = Card.objects.filter(number=number).first()
            if card is not None:
                return redirect("stock:card", contract.code, card.pk)
            problem = f"{number} は登録されていません。"
        except CardsRefused as refused:
            problem = refused.message
    if problem or (form is not None and form.errors):
        status = 422
    context = {"form": form, "problem": problem, "found": found, "example": terms.number_example}
    return render(request, "counter/stock/find.html", context, status=status)


@roles(READ_COUNTER)
def card(request: HttpRequest, contract: Contract, card: int) -> HttpResponse:
    """One card with its history."""
    return _page(request, contract, _card(contract, card))


def _card(contract: Contract, pk: int) -> Card:
    terms_of(contract)
    found: Card | None = Card.objects.select_related("booking").filter(pk=pk).first()
    if found is None:
        raise Http404("このカードは見つかりません。")
    return found


def _page(request: HttpRequest, contract: Contract, one: Card, problem: str = "", failed: str = "") -> HttpResponse:
    terms = terms_of(contract)
    state, spot = State(one.state), Spot(one.spot)
    person = reads.person_of(contract, one)
    if person:
        request.audit_reads.append(Read("stock.viewed", f"card:{one.pk}", actor_of(request)))
    can = {kind.value: refusal(kind, state, spot) is None and may(request, roles_for(STEPS[kind].right, terms)) for kind in STEPS}
    due = due_on(state, arrived=one.arrived_on, notified=one.notified_on, renotified=one.renotified_on, terms=terms)
    disposal = Disposal.objects.filter(card=one, decided_at=None).select_related("proposed_by").first()
    context = {
        "card": one,
        "person": person,
        "lines": reads.history(contract, one),
        "can": can,
        "can_link": state in LIVE and may(request, WORK_AT_COUNTER),
        "live": state in LIVE,
        "next": (NEXT_LABELS[due[0]], due[1]) if due else None,
        "booking_code": show_code(one.booking.code) if one.booking else "",
        "reasons": Reason.choices,
        "disposal": disposal,
        "own_proposal": disposal is not None and disposal.proposed_by_id == request.user.pk,
        "problem": problem,
        "failed": failed,
        "words": plain_words(request)[0] if failed else "",
        "typed": plain_words(request, "place" if failed == "put" else "code")[0] if failed else "",
        "chosen": request.POST.get("reason", ""),
        "most": LONGEST,
        **rights(request, terms),
    }
    return render(request, "counter/stock/card.html", context, status=409 if problem else 200)


@require_POST
@handles_individual_number
@roles(WORK_AT_COUNTER)
def act(request: HttpRequest, contract: Contract, card: int) -> HttpResponse:
    """Do one thing with a card; what was typed stays when it is refused."""
    terms = terms_of(contract)
    one = _card(contract, card)
    name = request.POST.get("deed", "")
    words, problem = plain_words(request)
    deed = _DEEDS.get(name)
    if deed is None:
        raise Http404("この操作はありません。")
    kind, work, said = deed
    if kind is not None and not may(request, roles_for(STEPS[kind].right, terms)):
        raise PermissionDenied("この操作の権限がありません。")
    try:
        if problem:
            raise CardsRefused(problem)
        work(request, contract, terms, one.number, words)
    except (CardsRefused, ValueError) as refused:
        return _page(request, contract, _card(contract, card), str(refused), name)
    messages.success(request, f"{one.number}：{said}")
    if request.POST.get("next") == "disposals":
        return redirect("stock:disposals", contract.code)
    return redirect("stock:card", contract.code, card)


_Work = Callable[[HttpRequest, Contract, Cards, str, str], Any]


def _put(request: HttpRequest, contract: Contract, terms: Cards, number: str, words: str) -> None:
    place = read_place(request.POST.get("place", ""), terms)
    if place is None:
        raise CardsRefused("箱のラベルを読み取るか、入力してください。例：A-03、A-03-12")
    stock.put(contract, number, cabinet=place[0], box=place[1], slot=place[2], **doer(request))


_DEEDS: dict[str, tuple[MoveKind | None, _Work, str]] = {
    "put": (MoveKind.PUT, _put, "格納しました。"),
    "lay_out": (MoveKind.LAID_OUT, lambda r, c, t, n, w: stock.lay_out(c, n, **doer(r)), "作業トレイへ出しました。"),
    "issue": (MoveKind.ISSUED, lambda r, c, t, n, w: ends.issue(c, n, **doer(r)), "交付を記録しました。"),
    "return": (MoveKind.RETURNED, lambda r, c, t, n, w: ends.give_back(c, n, reason=r.POST.get("reason", ""), words=w, **doer(r)), "返戻を記録しました。"),
    "propose": (
        MoveKind.PROPOSED, lambda r, c, t, n, w: ends.propose_disposal(c, n, reason=r.POST.get("reason", ""), words=w, **doer(r)), "廃棄を提案しました。",
    ),
    "approve": (MoveKind.DISPOSED, lambda r, c, t, n, w: ends.decide_disposal(c, n, approve=True, **doer(r)), "廃棄を承認しました。"),
    "reject": (MoveKind.REJECTED, lambda r, c, t, n, w: ends.decide_disposal(c, n, approve=False, **doer(r)), "廃棄しないことにしました。"),
    "lose": (MoveKind.LOST, lambda r, c, t, n, w: stock.lose(c, n, words=w, **doer(r)), "所在不明として記録しました。"),
    "take_back": (MoveKind.TAKEN_BACK, lambda r, c, t, n, w: ends.take_back(c, n, words=w, **doer(r)), "記録を取り消しました。"),
    "link": (None, lambda r, c, t, n, w: stock.link(c, n, code=r.POST.get("code", ""), **doer(r)), "予約と結び付けました。"),
    "unlink": (None, lambda r, c, t, n, w: stock.unlink(c, n, **doer(r)), "予約から外しました。"),
}  # fmt: skip
"""What the card's page can do: the step it takes (None: none), the deed, and what is said when it is done."""


@require_POST
@handles_individual_number
@roles(WORK_AT_COUNTER)
def link(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Tie a card to a reservation from the reservation's page, or take it away (``unlink``)."""
    terms_of(contract)
    code = request.POST.get("booking", "")
    number = request.POST.get("number", "")
    try:
        if request.POST.get("unlink"):
            one = stock.unlink(contract, number, **doer(request))
            messages.success(request, f"{one.number} を予約から外しました。")
        else:
            one = stock.link(contract, number, code=code, **doer(request))
            messages.success(request, f"{one.number} を予約と結び付けました。置き場所は {one.place.label} です。")
    except CardsRefused as refused:
        messages.error(request, refused.message)
    plain = "".join(c for c in code if c.isascii() and c.isalnum())[:12]
    return redirect("callcentre:booking", contract.code, plain) if plain else redirect("stock:overview", contract.code)
