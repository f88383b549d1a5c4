"""What every screen of the stock needs: the contract's terms, rights, files, and what is heard when something was scanned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from madoguchi.domain.cards.access import roles_for
from madoguchi.domain.cards.models import Card
from madoguchi.domain.cards.rules import Right
from madoguchi.ground.accounts.access import WORK_AT_COUNTER, actor_of, may
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Cards
from madoguchi.ground.privacy.guard import REFUSAL, cut_individual_numbers, find_individual_numbers


def terms_of(contract: Contract) -> Cards:
    """What was agreed about cards; ``Http404`` for a contract without a stock."""
    if contract.profile.cards is None:
        raise Http404("この契約では、カードの在庫を管理していません。")
    return contract.profile.cards


def rights(request: HttpRequest, terms: Cards) -> dict[str, bool]:
    """``may_work``, ``may_lead``, ``may_decide`` of the signed-in role, for templates."""
    return {f"may_{right}": may(request, roles_for(right, terms)) for right in Right}


def posted(request: HttpRequest) -> bool:
    """True for a POST of somebody who may work on cards; 403 for a POST of who may only look."""
    if request.method != "POST":
        return False
    if not may(request, WORK_AT_COUNTER):
        raise PermissionDenied("この操作の権限がありません。")
    return True


def doer(request: HttpRequest) -> dict[str, Any]:
    """``user``, ``by`` and ``now`` of a deed."""
    return {"user": request.user, "by": actor_of(request), "now": request.now}  # type: ignore[attr-defined]


def plain_words(request: HttpRequest, name: str = "words") -> tuple[str, str]:
    """Free text of a form without an individual number in it, and what to say about one that was there."""
    text = request.POST.get(name, "")
    if find_individual_numbers(text):
        return cut_individual_numbers(text), str(REFUSAL)
    return text, ""


@dataclass(frozen=True)
class Heard:
    """The answer to a scan: good or not, a sentence, what to do with the card now, and the card's page."""

    ok: bool
    text: str
    then: str = ""
    card: Card | None = None


def attachment(content: bytes, name: str) -> HttpResponse:
    """A CSV file to be kept."""
    response = HttpResponse(content, content_type="text/csv")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def scanned(request: HttpRequest, template: str, context: dict[str, Any], heard: Heard | None) -> HttpResponse:
    """The page, or only what a scan changes of it when the scanner's script asked. A refused scan is an answer, not a fault: 200."""
    context["heard"] = heard
    return render(request, "counter/stock/_heard.html" if request.htmx else template, context)  # type: ignore[attr-defined]
