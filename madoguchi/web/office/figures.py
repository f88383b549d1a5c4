"""Figures of the work: measures of a period, split as one likes, each with its definition and the records behind it. Nothing personal is in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse

from madoguchi.domain.reports.measures import DIMENSIONS, GROUPS, MEASURES, SHOWN, TIME, Measure
from madoguchi.domain.reports.queries import Period, Table, behind, table
from madoguchi.domain.reports.queries import figures as read
from madoguchi.domain.reports.rules import Figure
from madoguchi.domain.reports.words import labels_of, name_of, rows_of
from madoguchi.ground.accounts.access import READ_REPORTS, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Profile
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.csvfile import write_csv
from madoguchi.ground.worklog.models import Fact
from madoguchi.web.ui.dates import DayBox
from madoguchi.web.ui.templatetags.ui import clock, percent

from .record_pages import pages_of

WIDEST = 366
EARLIEST, LATEST = 2020, 2100
MOST_CHARTS = 4
PER_PAGE = 50
MOST_ROWS = 20_000
LONGEST_IN_FULL = 31
"""A longer table leaves out the rows without any record."""
IN_MINUTES = 300
EXTERNAL = ("external_made", "external_changed", "external_cancelled", "external_imported")
"""What is shown first of reservations where the city keeps its own site."""


def groups_of(profile: Profile) -> dict[str, str]:
    """The groups of measures that a contract has work for."""
    absent = {
        "phone": profile.telephone is None,
        "counter": profile.reception is None,
        "cases": "desk" not in profile.modules,
        "cards": profile.cards is None,
        "lists": not profile.work_lists,
        "survey": profile.survey is None,
    }
    return {code: label for code, label in GROUPS.items() if not absent.get(code, False)}


class FiguresForm(forms.Form):
    """What is asked: without anything, this month by day."""

    use_required_attribute = False
    measures = forms.MultipleChoiceField(
        label="数字", widget=forms.CheckboxSelectMultiple, error_messages={"required": "見たい数字を、1つ以上選んでください。"}
    )
    first = DayBox(label="この日から", required=False)
    last = DayBox(label="この日まで", required=False)
    by = forms.ChoiceField(label="分け方", required=False)
    site = forms.ChoiceField(label="場所", required=False)

    def __init__(self, contract: Contract, group: str, today: dt.date, data: QueryDict) -> None:
        data = data.copy()
        shown = EXTERNAL if group == "booking" and contract.profile.booking.mode == "external" else SHOWN[group]
        of_group = [one for one in MEASURES.values() if one.group == group]
        for name, usual in (("first", today.replace(day=1).isoformat()), ("last", today.isoformat()), ("by", "day")):
            if not data.get(name):
                data[name] = usual
        if "measures" not in data and "chosen" not in data:
            data.setlist("measures", list(shown))
        super().__init__(data)
        self.fields["measures"].choices = [(one.code, one.title) for one in of_group]
        used = {dimension for one in of_group for dimension in one.dimensions}
        self.fields["by"].choices = [(code, f"{label}ごと") for code, label in DIMENSIONS.items() if code in used]
        if "site" in used and len(contract.profile.sites) > 1:
            self.fields["site"].choices = [("", "すべて"), *((site.code, site.short_name or site.name) for site in contract.profile.sites)]
        else:
            del self.fields["site"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("first"), data.get("last")
        if not first or not last:
            return data
        if not (EARLIEST <= first.year <= LATEST and EARLIEST <= last.year <= LATEST):
            self.add_error("first", f"{EARLIEST}年から{LATEST}年までの日を入力してください。")
        elif last < first:
            self.add_error("last", "終わりの日を、始まりの日以後にしてください。")
        elif (last - first).days >= WIDEST:
            self.add_error("last", f"一度に見られるのは{WIDEST}日間までです。期間を短くしてください。")
        return data

    @property
    def period(self) -> Period:
        """The days asked for."""
        return Period(self.cleaned_data["first"], self.cleaned_data["last"])

    @property
    def where(self) -> dict[str, str]:
        """The place asked for, if one is."""
        site = self.cleaned_data.get("site", "")
        return {"site": site} if site else {}

    def chosen(self) -> list[Measure]:
        """The measures asked for; with a place, those that know of places."""
        found = [MEASURES[code] for code in self.cleaned_data["measures"]]
        return [one for one in found if set(self.where) <= set(one.dimensions)]


@dataclass(frozen=True)
class Cell:
    """A figure as it is shown, with the address of the records behind it; empty where no fact exists."""

    text: str
    url: str = ""


def show(measure: Measure, figure: Figure | None) -> str:
    """A figure as people read it: ``1,234``, ``84.3%``, ``4:05``; of a sum without facts ``0``, of all else ``―``."""
    if measure.unit == "%":
        return percent(figure.value if figure else None)
    if measure.unit == "秒":
        return clock(figure.value if figure else 0 if measure.additive else None)
    if measure.unit == "点":
        return "―" if figure is None or figure.value is None else f"{figure.value:.2f}"
    return f"{figure.value if figure else 0:,}"


@dataclass(frozen=True)
class Page:
    """What was asked and what was found; ``split`` are the measures that have the dimension."""

    form: FiguresForm
    by: str
    measures: list[Measure]
    split: list[Measure]
    found: Table
    rows: list[tuple[str, str]]

    def of(self, measure: Measure, value: str) -> Figure | None:
        """A figure of the table."""
        return next((one for one in self.found.rows if one.measure == measure.code and one.key == (value,)), None)


def _page(contract: Contract, form: FiguresForm) -> Page:
    by, measures = form.cleaned_data["by"], form.chosen()
    split = [one for one in measures if by in one.dimensions]
    where = form.where
    found = table(contract, [one.code for one in split], form.period, [by], where)
    whole = table(contract, [one.code for one in measures if one not in split], form.period, where=where)
    labels = labels_of(contract, by, measures)
    values = rows_of(by, form.period, (one.key[0] for one in found.rows), labels)
    rows = [(value, name_of(by, value, labels)) for value in values]
    return Page(form, by, measures, split, Table(found.rows, {**found.totals, **whole.totals}), rows)


def _behind(contract: Contract, measure: Measure, period: Period, where: dict[str, str]) -> str:
    asked = {"measure": measure.code, "first": period.first.isoformat(), "last": period.last.isoformat(), **where}
    return f"{reverse('reports:records', args=[contract.code])}?{urlencode(asked)}"


def _group(request: HttpRequest, contract: Contract) -> str:
    groups = groups_of(contract.profile)
    asked = request.GET.get("group", "")
    return asked if asked in groups else next(iter(groups))


@roles(READ_REPORTS)
def figures(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Measures of a group over a period: sums, charts, a table whose numbers lead to their records, and the definitions."""
    group = _group(request, contract)
    form = FiguresForm(contract, group, request.now.date(), request.GET)
    tabs = [{"label": label, "url": f"?group={code}", "active": code == group, "count": None} for code, label in groups_of(contract.profile).items()]
    context: dict[str, Any] = {"form": form, "tabs": tabs, "group": group, "group_label": GROUPS[group]}
    if not form.is_valid():
        return render(request, "office/reports/figures.html", context, status=422)
    page = _page(contract, form)
    period, where = form.period, form.where
    timed = page.by in TIME
    context |= {
        "period": period,
        "by_label": DIMENSIONS[page.by],
        "sums": [
            (one, _whole(contract, page, one), _divided(page.found.totals[one.code])) for one in page.measures
        ],
        "measures": page.measures,
        "split": page.split,
        "unsplit": [one for one in page.measures if one not in page.split],
        "rows": [(name, cells) for name, cells in _cells(contract, page, where) if len(page.rows) <= LONGEST_IN_FULL or any(one.url for one in cells)],
        "charts": [_chart(page, one) for one in page.split[:MOST_CHARTS]] if timed and len(page.rows) > 1 else [],
        "shares": [] if timed or len(page.rows) < 2 else [_shares(page, one) for one in page.split[:MOST_CHARTS]],
        "query": request.GET.urlencode(),
        "made_at": request.now,
    }
    return render(request, "office/reports/figures.html", context)


def _whole(contract: Contract, page: Page, measure: Measure) -> Cell:
    figure = page.found.totals[measure.code]
    there = figure.value or figure.top or figure.bottom
    return Cell(show(measure, figure), _behind(contract, measure, page.form.period, page.form.where) if there else "")


def _divided(figure: Figure) -> str:
    """What was divided, beside a rate or a mean."""
    return "" if figure.bottom is None else f"{figure.bottom:,}件から"


def _cells(contract: Contract, page: Page, where: dict[str, str]) -> Iterable[tuple[str, list[Cell]]]:
    for value, name in page.rows:
        cells = []
        for measure in page.split:
            figure = page.of(measure, value)
            url = _behind(contract, measure, page.form.period, {**where, page.by: value}) if figure else ""
            cells.append(Cell(show(measure, figure), url))
        yield name, cells


def _chart(page: Page, measure: Measure) -> dict[str, Any]:
    """Bars over time: rates in per cent, times in minutes, or in seconds when they are short."""
    found = [page.of(measure, value) for value, _ in page.rows]
    values = [max(0, figure.value or 0) if figure else 0 for figure in found]
    scale, unit = (100.0, "%") if measure.unit == "%" else (1.0, measure.unit)
    if measure.unit == "秒" and max(values) >= IN_MINUTES:
        scale, unit = 1 / 60, "分"
    names = [f"{int(value[5:7])}/{int(value[8:])}" if page.by == "day" else name for value, name in page.rows]
    rows = [(name, round(value * scale, 1)) for name, value in zip(names, values, strict=True)]
    return {"title": f"{measure.title}（{DIMENSIONS[page.by]}ごと）", "unit": unit, "rows": rows}


def _shares(page: Page, measure: Measure) -> tuple[str, float, list[tuple[str, str, float]]]:
    """(title, longest, rows of name, text and length) for bars that lie beside their names."""
    found = [(name, page.of(measure, value)) for value, name in page.rows]
    rows = [(name, show(measure, figure), max(0.0, float(figure.value or 0))) for name, figure in found if figure is not None]
    return measure.title, max((length for *_, length in rows), default=0) or 1, rows


@roles(READ_REPORTS)
def figures_csv(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The table as a file: seconds and per cent as numbers."""
    form = FiguresForm(contract, _group(request, contract), request.now.date(), request.GET)
    if not form.is_valid():
        return _refused(form)
    page = _page(contract, form)
    head = [DIMENSIONS[page.by], *(f"{one.title}（{one.unit}）" for one in page.measures)]
    lines = [[name, *(_plain(one, page.of(one, value)) if one in page.split else "" for one in page.measures)] for value, name in page.rows]
    lines.append(["計", *(_plain(one, page.found.totals[one.code]) for one in page.measures)])
    return _file(write_csv(head, lines).content, f"figures-{contract.code}-{form.period.first}-{form.period.last}.csv")


def _plain(measure: Measure, figure: Figure | None) -> int | float | str:
    if figure is None or figure.value is None:
        return 0 if figure is None and measure.additive else ""
    return round(figure.value * 100, 1) if measure.unit == "%" else round(figure.value, 2) if measure.unit == "点" else round(figure.value)


def _refused(form: forms.Form) -> HttpResponse:
    wrong = "\n".join(message for messages in form.errors.values() for message in messages)
    return HttpResponse(wrong, status=422, content_type="text/plain; charset=utf-8")


@dataclass(frozen=True)
class Asked:
    """The figure whose records are asked for."""

    measure: Measure
    period: Period
    where: dict[str, str]


def _asked(request: HttpRequest) -> Asked:
    """Raises ``Http404`` for an address that no figure of the page leads to."""
    measure = MEASURES.get(request.GET.get("measure", ""))
    if measure is None:
        raise Http404("この数字はありません。")
    where = {one: value for one in DIMENSIONS if (value := request.GET.get(one)) is not None}
    try:
        period = Period(*(dt.date.fromisoformat(request.GET.get(name, "")) for name in ("first", "last")))
        if period.first.year < EARLIEST or period.last.year > LATEST:
            raise ValueError
        behind(measure, period, where)
    except (KeyError, ValueError, OverflowError):
        raise Http404("この数字のもとになる記録は、指定できません。") from None
    return Asked(measure, period, where)


@roles(READ_REPORTS)
def records(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The records behind one figure, newest first, each with a link to its own page where the reader may open it."""
    asked = _asked(request)
    measure = asked.measure
    page = Paginator(behind(measure, asked.period, asked.where), PER_PAGE).get_page(request.GET.get("page"))
    (figure,) = read(contract, [measure.code], asked.period, where=asked.where)
    conditions = [(DIMENSIONS[one], name_of(one, value, labels_of(contract, one, [measure]))) for one, value in asked.where.items()]
    lines = _lines(request, contract, measure, list(page.object_list))
    used = {column for one in lines for column, word in one.words.items() if word}
    context = {
        "measure": measure, "period": asked.period, "conditions": conditions, "page": page, "figure": show(measure, figure),
        "divided": _divided(figure), "query": request.GET.urlencode(), "group": measure.group,
        "head": [label for column, label in COLUMNS.items() if column in used],
        "rows": [(one, [one.words[column] for column in COLUMNS if column in used]) for one in lines],
        "waits": any(one.wait is not None for one in lines), "handles": any(one.handle is not None for one in lines),
    }  # fmt: skip
    return render(request, "office/reports/records.html", context)


COLUMNS = {"site": "場所", "procedure": "手続き", "channel": "経路", "outcome": "結果", "language": "ことば", "actor": "行った人"}
"""What the list of records says of each beside time, record and numbers; columns in which nothing stands are left out."""


@dataclass(frozen=True)
class Line:
    """One record of the list; ``words`` by :data:`COLUMNS`."""

    at: dt.datetime
    record: str
    url: str
    words: dict[str, str]
    quantity: int
    wait: int | None
    handle: int | None


def _lines(request: HttpRequest, contract: Contract, measure: Measure, facts: Sequence[Fact]) -> list[Line]:
    alike = [one for one in MEASURES.values() if set(one.facts.kinds) & set(measure.facts.kinds)]
    names = {column: labels_of(contract, column, alike) for column in COLUMNS}
    lines = []
    for fact, (label, url) in zip(facts, pages_of(request, contract, facts), strict=True):
        codes = {
            "site": fact.site, "procedure": fact.procedure, "channel": fact.channel, "outcome": fact.outcome, "language": fact.language,
            "actor": fact.actor_kind,
        }  # fmt: skip
        words = {column: names[column].get(code, code) for column, code in codes.items()}
        lines.append(Line(fact.at.astimezone(JST), label, url, words, fact.quantity, fact.wait_seconds, fact.handle_seconds))
    return lines


@roles(READ_REPORTS)
def records_csv(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The records behind one figure as a file, at most :data:`MOST_ROWS` of them."""
    asked = _asked(request)
    found = behind(asked.measure, asked.period, asked.where)
    if found[MOST_ROWS : MOST_ROWS + 1].exists():
        wrong = f"記録が{MOST_ROWS:,}件を超えています。期間を短くしてください。"
        return HttpResponse(wrong, status=422, content_type="text/plain; charset=utf-8")
    head = ["日時", "記録", *COLUMNS.values(), "数", "待ち（秒）", "対応（秒）"]
    found_lines = _lines(request, contract, asked.measure, list(found))
    lines = [[one.at, one.record, *one.words.values(), one.quantity, one.wait, one.handle] for one in found_lines]
    name = f"records-{contract.code}-{asked.measure.code}-{asked.period.first}-{asked.period.last}.csv"
    return _file(write_csv(head, lines).content, name)


def _file(content: bytes, name: str) -> HttpResponse:
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'})
