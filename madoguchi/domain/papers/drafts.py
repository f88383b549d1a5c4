"""What the program writes of a part beforehand: a text, a table of the contract's data, or both. All inside ``contract_scope``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from madoguchi.domain.obligations import rules
from madoguchi.domain.obligations.queries import Book, Line
from madoguchi.domain.reports.contents import duty_of, said_of
from madoguchi.domain.reports.enums import State as ReportState
from madoguchi.domain.reports.measures import MEASURES
from madoguchi.domain.reports.models import Report
from madoguchi.domain.reports.periods import Period
from madoguchi.domain.reports.queries import figures
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.accounts.queries import people_in_role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.clock import JST

LEVELS = ((Role.CITY,), (Role.MANAGER,), (Role.SUPERVISOR,), (Role.COUNTER, Role.OPERATOR))
"""The levels of a structure chart, from above; roles of one level stand beside each other."""
TRAINING = "training.held"


@dataclass(frozen=True, slots=True)
class Draft:
    """A part as the data has it. ``head`` names the columns of ``rows``; no head, no table. ``figures``: the last column holds figures."""

    text: str = ""
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    figures: bool = False

    @property
    def table(self) -> dict[str, Any] | None:
        """As plain data, so that it can be frozen."""
        return {"head": list(self.head), "rows": [list(row) for row in self.rows], "figures": self.figures} if self.head else None


def drafted(source: str, contract: Contract, book: Book) -> Draft:
    """The draft of a part by its source in the profile; ``book`` is the ledger of the day."""
    return _SOURCES[source](contract, book)


def _by_hand(contract: Contract, book: Book) -> Draft:
    return Draft()


def _outline(contract: Contract, book: Book) -> Draft:
    profile = contract.profile
    term = profile.term
    ends = dates.show(term.contract_to, weekday=False)
    rows = [
        ("業務の名称", profile.title),
        ("委託者", profile.city.name),
        ("受託者", profile.contractor.name),
        ("契約期間", f"{dates.show(term.contract_from, weekday=False)}〜{ends}" if term.contract_from else f"{ends}まで"),
        ("業務期間", f"{dates.show(term.service_from, weekday=False)}〜{dates.show(term.service_to, weekday=False)}"),
        ("実施場所", "\n".join(site.name + (f"（{site.address}）" if site.address else "") for site in profile.sites)),
        ("取り扱う手続き", "\n".join(one.title for one in profile.procedures)),
    ]
    return Draft(head=("項目", "内容"), rows=tuple(row for row in rows if row[1]))


def _structure(contract: Contract, book: Book) -> Draft:
    rows = [
        (str(role.label), "、".join(str(user) for user in people))
        for level in LEVELS for role in level if (people := people_in_role(contract, role))
    ]
    return Draft(head=("役割", "氏名"), rows=tuple(rows))


def _staffing(contract: Contract, book: Book) -> Draft:
    sites = {site.code: site.short_name or site.name for site in contract.profile.sites}
    rows = [(one.name, sites.get(one.site or "", "全体"), f"{one.minimum}名以上") for one in contract.profile.staffing]
    return Draft(head=("役割", "場所", "人数"), rows=tuple(rows))


def _duties(contract: Contract, book: Book) -> Draft:
    rows = [(one.name, rules.rule_text(one), "要" if one.approval else "―") for one in contract.profile.reports]
    return Draft(head=("提出物", "期限", "市の承認"), rows=tuple(rows))


def _trainings(contract: Contract, book: Book) -> Draft:
    def said(line: Line) -> str:
        return dates.show(line.evidence.met_on, weekday=False) if line.evidence else f"予定（期限 {dates.show(line.occasion.due, weekday=False)}）"

    lines = [line for line in book.lines if line.duty.proof.fact == TRAINING or line.duty.code == "training_before_start"]
    rows = [(line.duty.name, line.occasion.label, said(line)) for line in lines]
    return Draft(head=("研修", "回", "実施した日"), rows=tuple(rows))


def _figures(contract: Contract, book: Book) -> Draft:
    """The figures of the monthly report over the service until the day of the ledger."""
    duty = next((duty_of(contract.profile, one.code) for one in contract.profile.reports if one.period == "month"), None)
    first, last = contract.profile.term.service_from, min(book.today, contract.profile.term.service_to)
    if duty is None or last < first:
        return Draft()
    codes = dict.fromkeys(code for section in duty.sections for code in section.measures)
    columns = {code: {"title": MEASURES[code].title, "unit": MEASURES[code].unit} for code in codes}
    found = {one.measure: one for one in figures(contract, list(codes), Period(first, last))}
    rows = [(column["title"], said_of(column, {"value": found[code].value if code in found else None})) for code, column in columns.items()]
    return Draft(f"{dates.show(first, weekday=False)}から{dates.show(last, weekday=False)}までの数字です。", ("数字", "値"), tuple(rows), figures=True)


def _delivered(contract: Contract, book: Book) -> Draft:
    found = Report.objects.filter(content__isnull=False).defer("content").order_by("code", "first", "-version").distinct("code", "first")
    names = {one.code: one.name for one in contract.profile.reports if one.period == "month"}
    rows = []
    for one in (one for one in found if one.code in names):
        decided = dates.show(one.decided_at.astimezone(JST).date()) if one.decided_at else "―"
        rows.append((names[one.code], dates.show_month(one.first), f"第{one.version}版", str(ReportState(one.state).label), decided))
    return Draft(head=("報告書", "月", "版", "状態", "市の判断"), rows=tuple(rows))


def _breaches(contract: Contract, book: Book) -> Draft:
    missed = [line for line in book.lines if line.breach is not None]
    rows = [(line.duty.name, line.occasion.label, line.breach.explanation or "（未記入）") for line in missed if line.breach]
    return Draft("" if rows else "ありませんでした。", ("義務", "回", "理由と対応"), tuple(rows))


_SOURCES: dict[str, Callable[[Contract, Book], Draft]] = {
    "by_hand": _by_hand, "outline": _outline, "structure": _structure, "staffing": _staffing, "duties": _duties, "trainings": _trainings,
    "figures": _figures, "delivered": _delivered, "breaches": _breaches,
}  # fmt: skip
