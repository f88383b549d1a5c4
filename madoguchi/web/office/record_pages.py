"""From the reference of a fact to the page of its record: one entry per kind of record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from madoguchi.domain.booking.models import Booking
from madoguchi.ground.accounts import access
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.worklog.models import Fact


@dataclass(frozen=True)
class RecordPage:
    """What a record is called, and its page where it has one: the URL name and who may open it."""

    label: str
    route: str = ""
    allowed: frozenset[Role] = frozenset()


PAGES: dict[str, RecordPage] = {
    "booking": RecordPage("予約", "callcentre:booking", access.READ_RESIDENTS),
    "walk_in": RecordPage("予約なしの来庁"),
    "external": RecordPage("代行", "callcentre:external", access.WORK_ON_BOOKINGS),
    "contract": RecordPage("取り込み", "office:visits", access.READ_RESIDENTS),
    "delivery": RecordPage("受け渡し", "office:deliveries", access.READ_RESIDENTS),
    "message": RecordPage("お知らせ", "office:messages", access.READ_RESIDENTS),
    "call": RecordPage("着信", "phone:call", access.READ_RESIDENTS),
    "contact": RecordPage("応対の記録", "phone:contact", access.READ_CONTACTS),
    "callback": RecordPage("折り返し", "phone:callback", access.READ_CALLS),
    "escalation": RecordPage("二次対応", "phone:second_matter", access.READ_CALLS),
    "ticket": RecordPage("番号札"),
    "case": RecordPage("案件", "cases:case", access.READ_COUNTER),
    "card": RecordPage("カード", "stock:card", access.READ_COUNTER),
    "run": RecordPage("点検表", "premises:history", access.READ_COUNTER),
    "collection": RecordPage("廃棄の日", "premises:papers", access.READ_COUNTER),
    "outing": RecordPage("出張の日", "premises:outing", access.READ_COUNTER),
    "photo": RecordPage("顔写真の記録", "photos:day", access.READ_COUNTER),
    "incident": RecordPage("事故・障害・苦情", "incidents:incident", access.READ_INCIDENTS),
    "survey": RecordPage("アンケートの結果", "survey:results", access.READ_SURVEY),
    "entry": RecordPage("作業リストの1件", "lists:entry", access.READ_COUNTER),
}
OF_ALL = frozenset({"external", "contract", "delivery", "message", "run", "collection", "photo", "survey"})
"""Records without a page of their own: their page is the list they are on."""


def pages_of(request: HttpRequest, contract: Contract, facts: Sequence[Fact]) -> list[tuple[str, str]]:
    """(label, address) of the record of each fact; the address is empty where there is no page or the reader may not open it.

    Inside ``contract_scope``; one statement for all reservations, whose pages go by their code.
    """
    wanted = [fact.ref.removeprefix("booking:") for fact in facts if fact.ref.startswith("booking:")]
    codes = {str(pk): code for pk, code in Booking.objects.filter(pk__in=wanted).values_list("pk", "code")} if wanted else {}
    return [_page(request, contract, fact, codes) for fact in facts]


def _page(request: HttpRequest, contract: Contract, fact: Fact, codes: dict[str, str]) -> tuple[str, str]:
    kind, _, name = fact.ref.partition(":")
    page = PAGES.get(kind)
    if page is None:
        return fact.ref, ""
    label = page.label if kind in OF_ALL else f"{page.label} {codes.get(name, name)}"
    if not page.route or not access.may(request, page.allowed) or (kind == "booking" and name not in codes):
        return label, ""
    own: list[str] = [] if kind in OF_ALL else [codes.get(name, name)]
    if kind == "entry":
        own.insert(0, fact.kind.partition(".")[2])
    return label, reverse(page.route, args=[contract.code, *own])
