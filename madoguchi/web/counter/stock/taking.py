"""Stock-taking: begin, scan box by box, settle what differs, close; the report on paper and as CSV."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.cards.enums import DifferenceKind, Resolution
from madoguchi.domain.cards.errors import CardsRefused
from madoguchi.domain.cards.models import Difference, Seen, Stocktake
from madoguchi.domain.cards.queries import taking as reads
from madoguchi.domain.cards.rules import read_place, show_box, show_place, verdict
from madoguchi.domain.cards.services import taking as deeds
from madoguchi.domain.cards.services.files import TAKING_COLUMNS, record_export, taking_rows
from madoguchi.ground.accounts.access import LEAD_AT_COUNTER, READ_COUNTER, WORK_AT_COUNTER, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Cards
from madoguchi.ground.kit.csvfile import write_csv
from madoguchi.web.ui.middleware import handles_individual_number

from .scan import place_in
from .shared import Heard, attachment, doer, plain_words, posted, rights, scanned, terms_of

LAST = 8
SAID = {
    None: "記録どおりです。",
    DifferenceKind.WRONG_PLACE: "記録では別の箱です。",
    DifferenceKind.UNEXPECTED: "記録ではここにありません。",
    DifferenceKind.UNKNOWN: "登録のないカードです。",
}


@roles(READ_COUNTER)
def takings(request: HttpRequest, contract: Contract) -> HttpResponse:
    """All counts; a new one is begun for a cabinet or for all."""
    terms = terms_of(contract)
    problem = ""
    if posted(request):
        try:
            made = deeds.begin(contract, cabinet=request.POST.get("cabinet", ""), **doer(request))
        except CardsRefused as refused:
            problem = refused.message
        else:
            return redirect("stock:taking", contract.code, made.pk)
    rows = [(row, scope_of(terms, row.row)) for row in reads.takings()]
    live = next((row for row, _ in rows if row.row.closed_at is None), None)
    context = {"rows": rows, "live": live, "cabinets": terms.cabinets, "problem": problem, **rights(request, terms)}
    return render(request, "counter/stock/takings.html", context, status=409 if problem else 200)


def scope_of(terms: Cards, row: Stocktake) -> str:
    """What is counted, in words."""
    found = terms.cabinet(row.cabinet)
    return found.name if found else row.cabinet.upper() or "すべてのキャビネット"


def _taking(contract: Contract, pk: int) -> Stocktake:
    terms_of(contract)
    found: Stocktake | None = Stocktake.objects.select_related("begun_by", "closed_by").filter(pk=pk).first()
    if found is None:
        raise Http404("この棚卸は見つかりません。")
    return found


@handles_individual_number
@roles(READ_COUNTER)
def taking(request: HttpRequest, contract: Contract, taking: int) -> HttpResponse:
    """One count: scan while it goes on; then what differs, and the report."""
    terms = terms_of(contract)
    row = _taking(contract, taking)
    asked = request.POST if request.method == "POST" else request.GET
    box, heard = place_in(asked.get("box", ""), terms), None
    if posted(request):
        heard, box = _hear(request, contract, terms, row, box)
    return _page(request, contract, row, box, heard)


def _hear(
    request: HttpRequest, contract: Contract, terms: Cards, row: Stocktake, box: tuple[str, int] | None
) -> tuple[Heard, tuple[str, int] | None]:
    code, who = request.POST.get("code", ""), doer(request)
    try:
        place = read_place(code, terms)
        if place is not None:
            if row.cabinet and place[0] != row.cabinet:
                return Heard(False, f"この棚卸は{scope_of(terms, row)}だけです。", "その中の箱のラベルを読み取ってください。"), box
            return Heard(True, f"{show_box(*place[:2])} を数えます。", "箱の中のカードを読み取ってください。"), place[:2]
        if box is None:
            return Heard(False, "先に、箱のラベルを読み取ってください。", "例：A-03"), None
        seen = deeds.see(contract, row.pk, number=code, cabinet=box[0], box=box[1], user=who["user"], now=who["now"])
    except (CardsRefused, ValueError) as refused:
        return Heard(False, str(refused)), box
    kind = verdict(seen.recorded if seen.card else None, seen.box, row.cabinet)
    where = f"記録：{show_place(seen.recorded)}" if seen.recorded else "市に確かめるため、分けて置いてください。"
    return Heard(kind is None, f"{seen.number}：{SAID[kind]}", where if kind else "", seen.card), box


def _page(
    request: HttpRequest, contract: Contract, row: Stocktake, box: tuple[str, int] | None, heard: Heard | None = None,
    problem: str = "", failed: int = 0,
) -> HttpResponse:  # fmt: skip
    terms = terms_of(contract)
    counting = row.counted_at is None
    seen = Seen.objects.filter(stocktake=row).count()
    found = [] if counting else list(reads.differences_of(row))
    context = {
        "taking": row, "scope": scope_of(terms, row), "box": show_box(*box) if box else "", "wants_box": True, "counting": counting, "seen": seen,
        "progress": f"{seen}枚を読み取りました（記録 {row.expected}枚）",
        "last": list(Seen.objects.filter(stocktake=row).select_related("card")[:LAST]) if counting else [],
        "boxes": reads.box_counts(row) if counting and not request.htmx else [],
        "rows": [
            (one, show_place(one.recorded), [(r.value, r.label) for r in deeds.RESOLUTIONS[DifferenceKind(one.kind)]], one.pk == failed) for one in found
        ],
        "open": sum(not one.resolution for one in found), "matched": seen - sum(one.kind != DifferenceKind.MISSING for one in found),
        "problem": problem, "words": plain_words(request)[0] if failed else "", "chosen": request.POST.get("resolution", "") if failed else "",
        "change": Resolution.RECORD_CHANGED.value, "printed_at": request.now, **rights(request, terms),
    }  # fmt: skip
    if problem:
        return render(request, "counter/stock/taking.html", context, status=409)
    return scanned(request, "counter/stock/taking.html", context, heard)


@require_POST
@roles(WORK_AT_COUNTER)
def finish(request: HttpRequest, contract: Contract, taking: int) -> HttpResponse:
    """End the scanning; what differs is listed."""
    row = _taking(contract, taking)
    try:
        found = deeds.finish(contract, row.pk, by=actor_of(request), now=request.now)
    except CardsRefused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, f"読み取りを終えました。違いは{len(found)}件です。")
    return redirect("stock:taking", contract.code, taking)


@require_POST
@handles_individual_number
@roles(WORK_AT_COUNTER)
def settle(request: HttpRequest, contract: Contract, difference: int) -> HttpResponse:
    """Settle one difference; what was typed stays when it is refused."""
    terms_of(contract)
    one = Difference.objects.filter(pk=difference).first()
    if one is None:
        raise Http404("この違いは見つかりません。")
    words, problem = plain_words(request)
    resolution = request.POST.get("resolution", "")
    if resolution == Resolution.REPORTED and not may(request, LEAD_AT_COUNTER):
        raise PermissionDenied("市への報告は、リーダー・業務責任者・市職員が記録します。")
    try:
        if problem:
            raise CardsRefused(problem)
        deeds.settle(contract, one.pk, resolution=resolution, place=request.POST.get("place", "").strip(), words=words, **doer(request))
    except CardsRefused as refused:
        return _page(request, contract, _taking(contract, one.stocktake_id), None, problem=refused.message, failed=one.pk)
    messages.success(request, f"{one.number} の違いを解決しました。")
    return redirect("stock:taking", contract.code, one.stocktake_id)


@require_POST
@roles(LEAD_AT_COUNTER)
def close(request: HttpRequest, contract: Contract, taking: int) -> HttpResponse:
    """A leader closes a count whose differences are settled."""
    row = _taking(contract, taking)
    try:
        deeds.close(contract, row.pk, **doer(request))
    except CardsRefused as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, "棚卸を閉じました。")
    return redirect("stock:taking", contract.code, taking)


@require_POST
@roles(READ_COUNTER)
def export(request: HttpRequest, contract: Contract, taking: int) -> HttpResponse:
    """Everything that was scanned or missing, as CSV."""
    row = _taking(contract, taking)
    rows = taking_rows(row)
    content = write_csv(TAKING_COLUMNS, rows, encoding="cp932" if request.POST.get("form") == "cp932" else "utf-8-sig").content
    record_export(contract, what=f"stocktake:{row.pk}", rows=len(rows), by=actor_of(request), now=request.now)
    return attachment(content, f"stocktake_{row.begun_at:%Y%m%d}.csv")
