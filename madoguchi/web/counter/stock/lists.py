"""The stock at a glance, cards by stage, notices to send, what is due, disposals to decide."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.cards.enums import State
from madoguchi.domain.cards.errors import CardsRefused
from madoguchi.domain.cards.models import Card
from madoguchi.domain.cards.queries import stock as reads
from madoguchi.domain.cards.rules import DUE_LABELS, Due
from madoguchi.domain.cards.services import ends
from madoguchi.domain.cards.services.files import AGEING_COLUMNS, ageing_rows, record_export
from madoguchi.ground.accounts.access import READ_COUNTER, actor_of, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.csvfile import write_csv

from .shared import attachment, doer, posted, rights, terms_of

PER_PAGE = 100


@roles(READ_COUNTER)
def overview(request: HttpRequest, contract: Contract) -> HttpResponse:
    """How many cards stand where, what left the stock this month, and what is due."""
    terms = terms_of(contract)
    today = request.now.date()
    due = reads.ageing(contract, today)
    counted = {kind: sum(row.due == kind for row in due) for kind in Due}
    context = {
        "stock": reads.overview(request.now),
        "due": [(kind, DUE_LABELS[kind], counted[kind]) for kind in Due],
        "left_over": reads.left_over(request.now),
        "month": request.now.month,
        **rights(request, terms),
    }
    return render(request, "counter/stock/overview.html", context)


@roles(READ_COUNTER)
def at_stage(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The cards of a stage, longest there first."""
    terms_of(contract)
    code = request.GET.get("stage", "stored")
    if code not in reads.STAGES:
        raise Http404("この状態はありません。")
    page = Paginator(reads.at_stage(code), PER_PAGE).get_page(request.GET.get("page"))
    tabs = [{"label": label, "url": f"?stage={one}", "active": one == code, "count": None} for one, label in reads.STAGES.items()]
    return render(request, "counter/stock/cards.html", {"page": page, "title": reads.STAGES[code], "tabs": tabs})


@roles(READ_COUNTER)
def notices(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Cards whose notice has to be sent (``?second=1``: a second one); those marked are recorded as sent on a day, all or none."""
    terms = terms_of(contract)
    second = request.GET.get("second") == "1"
    today, problem = request.now.date(), ""
    if second:
        rows = [row.card for row in reads.ageing(contract, today, due=Due.SECOND)]
    else:
        rows = list(Card.objects.filter(state=State.CHECKED).order_by("arrived_on", "number"))
    chosen, sent = {row.number for row in rows}, today.isoformat()
    if posted(request):
        chosen, sent = set(request.POST.getlist("card")), request.POST.get("sent_on", "")
        try:
            done = ends.notify(contract, sorted(chosen), sent_on=dates.parse(sent), second=second, **doer(request))
        except (CardsRefused, dates.DateError) as refused:
            problem = str(refused)
        else:
            messages.success(request, f"{len(done)}枚の{'再通知' if second else '交付通知'}を記録しました。")
            return redirect(f"{request.path}{'?second=1' if second else ''}")
    context = {"rows": rows, "second": second, "chosen": chosen, "sent": sent, "today": today, "problem": problem, **rights(request, terms)}
    return render(request, "counter/stock/notices.html", context, status=409 if problem else 200)


@roles(READ_COUNTER)
def ageing(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Cards for which something is due, longest overdue first; ``?due=all`` is the whole stock by age."""
    terms = terms_of(contract)
    due = _due(request.GET.get("due", ""))
    rows = reads.ageing(contract, request.now.date(), due=due)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    choices = [("", "期限が来たもの"), *[(kind.value, label) for kind, label in DUE_LABELS.items()], ("all", "すべて")]
    tabs = [{"label": label, "url": f"?due={code}", "active": code == due, "count": None} for code, label in choices]
    return render(request, "counter/stock/ageing.html", {"page": page, "tabs": tabs, "due": due, "terms": terms, **rights(request, terms)})


def _due(asked: str) -> str:
    return asked if asked in ("all", *Due) else ""


@require_POST
@roles(READ_COUNTER)
def ageing_file(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The list by age as CSV."""
    terms_of(contract)
    due = _due(request.POST.get("due", ""))
    rows = ageing_rows(contract, request.now.date(), due=due)
    content = write_csv(AGEING_COLUMNS, rows, encoding="cp932" if request.POST.get("form") == "cp932" else "utf-8-sig").content
    record_export(contract, what="ageing", rows=len(rows), by=actor_of(request), now=request.now)
    return attachment(content, f"cards_{request.now:%Y%m%d}.csv")


@roles(READ_COUNTER)
def disposals(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Cards that wait for a decision; what one has proposed oneself somebody else decides."""
    terms = terms_of(contract)
    rows = [(row, reads.reason_label(row.reason), row.proposed_by_id == request.user.pk) for row in reads.open_disposals()]
    who = "市職員" if terms.disposal_approver == "city" else "リーダー・業務責任者"
    return render(request, "counter/stock/disposals.html", {"rows": rows, "who": who, **rights(request, terms)})
