"""What visitors say: scores with their intervals, over time and by what they came for; free text in groups; the ways in. Nobody can be told apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from madoguchi.domain.reports.queries import Period, figures
from madoguchi.domain.survey import services
from madoguchi.domain.survey.enums import Way
from madoguchi.domain.survey.errors import SurveyRefused
from madoguchi.domain.survey.links import kiosk_path
from madoguchi.domain.survey.queries import Part, Result, Row, answers, parts, remarks
from madoguchi.domain.survey.queries import results as read
from madoguchi.domain.survey.rules import LEAST, Mean
from madoguchi.ground.accounts.access import GROUP_SURVEY, READ_SURVEY, actor_of, may, roles
from madoguchi.ground.audit.services import Read
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Survey, SurveyQuestion
from madoguchi.ground.kit.csvfile import write_csv
from madoguchi.ground.privacy.guard import GuardedForm, cut_individual_numbers
from madoguchi.web.ui.codes import qr

BACK, WIDEST = 6, 24
SCORE_LABELS = {"5": "とてもよい", "4": "よい", "3": "ふつう", "2": "あまりよくない", "1": "よくない"}
SPLITS = {"procedure": ("手続きごと", 3), "site": ("場所ごと", 2), "way": ("答え方ごと", 1), "language": ("ことばごと", 4)}
"""What answers are split by: heading, place in a row."""


class MonthsForm(GuardedForm):
    """From which month to which."""

    use_required_attribute = False
    first = forms.CharField(label="この月から", required=False, widget=forms.TextInput({"type": "month"}))
    last = forms.CharField(label="この月まで", required=False, widget=forms.TextInput({"type": "month"}))

    def __init__(self, request: HttpRequest) -> None:
        today: dt.date = request.now.date()  # type: ignore[attr-defined]
        data = request.GET.copy()
        for name, back in (("first", BACK - 1), ("last", 0)):
            if not data.get(name):
                data[name] = f"{_back(today, back):%Y-%m}"
        super().__init__(data)

    def clean_first(self) -> dt.date:
        return _month(self.cleaned_data["first"])

    def clean_last(self) -> dt.date:
        return _month(self.cleaned_data["last"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("first"), data.get("last")
        if first and last and last < first:
            self.add_error("last", "終わりの月を、始まりの月以後にしてください。")
        elif first and last and (last.year - first.year) * 12 + last.month - first.month >= WIDEST:
            self.add_error("last", f"一度に見られるのは{WIDEST}か月までです。期間を短くしてください。")
        return data

    @property
    def period(self) -> Period:
        """The days of the months."""
        return Period(self.cleaned_data["first"], _after(self.cleaned_data["last"]) - dt.timedelta(days=1))

    @property
    def months(self) -> list[dt.date]:
        """First days of the months, in order."""
        found = [self.cleaned_data["first"]]
        while found[-1] < self.cleaned_data["last"]:
            found.append(_after(found[-1]))
        return found


def _month(text: str) -> dt.date:
    try:
        found = dt.date.fromisoformat(f"{text.strip()}-01")
    except ValueError:
        raise forms.ValidationError("月を「2026-11」の形で入力してください。") from None
    if not 2020 <= found.year <= 2100:
        raise forms.ValidationError("2020年から2100年までの月を入力してください。")
    return found


def _back(day: dt.date, months: int) -> dt.date:
    count = day.year * 12 + day.month - 1 - months
    return dt.date(count // 12, count % 12 + 1, 1)


def _after(month: dt.date) -> dt.date:
    return _back(month, -1)


@dataclass(frozen=True)
class Bar:
    """One answer of a question as a bar: its share in per cent with the interval."""

    label: str
    count: int
    percent: str
    interval: str
    width: float


def mean_text(mean: Mean | None) -> str:
    """``4.25（4.01〜4.49）``; ``―`` where too few answered."""
    return f"{mean.value:.2f}（{mean.low:.2f}〜{mean.high:.2f}）" if mean is not None else "―"


def _means(part: Part, scored: Sequence[SurveyQuestion]) -> list[tuple[str, str]]:
    """The means of a part by question: its title and the mean as text."""
    return [(one.title, mean_text(part.means.get(one.code))) for one in scored]


def _bars(result: Result) -> list[Bar]:
    labels = SCORE_LABELS if result.question.kind == "score" else choice_labels(result.question)
    return [
        Bar(labels[code], share.count, f"{share.value * 100:.1f}%", f"{share.low * 100:.1f}〜{share.high * 100:.1f}%", round(share.value * 100, 1))
        for code, share in result.shares
    ]


def choice_labels(question: SurveyQuestion) -> dict[str, str]:
    """Choices of a question and what they are called."""
    return {one.code: one.label for one in question.choices} or {"yes": "はい", "no": "いいえ"}


def _labels(contract: Contract, by: str) -> dict[str, str]:
    profile = contract.profile
    return {
        "procedure": {one.code: one.title for one in profile.procedures},
        "site": {one.code: one.short_name or one.name for one in profile.sites},
        "way": {str(code): str(label) for code, label in Way.choices},
        "language": dict(settings.LANGUAGES),
    }[by]


def _survey(contract: Contract) -> Survey:
    if contract.profile.survey is None:
        raise Http404("この契約では、来庁者アンケートを行っていません。")
    return contract.profile.survey


def _months(survey: Survey, rows: Sequence[Row], months: Sequence[dt.date]) -> list[Part]:
    found = {one.value: one for one in parts(survey.questions, rows, lambda row: f"{row[0]:%Y-%m}")}
    return [found.get(f"{month:%Y-%m}", Part(f"{month:%Y-%m}", 0, {})) for month in months]


@roles(READ_SURVEY)
def results(request: HttpRequest, contract: Contract) -> HttpResponse:
    """How many answered, what they scored and chose, month by month and split; the ways in."""
    survey = _survey(contract)
    form = MonthsForm(request)
    if not form.is_valid():
        return render(request, "office/survey/results.html", {"form": form}, status=422)
    rows = answers(form.period.first, form.period.last)
    (rate,) = figures(contract, ["survey_rate"], form.period)
    visits = rate.bottom or 0
    scored = [one for one in survey.questions if one.kind == "score"]
    by_month = _months(survey, rows, form.months)
    splits = []
    for by, (title, place) in SPLITS.items():
        labels = _labels(contract, by)
        found = parts(survey.questions, rows, lambda row, at=place: str(row[at]))  # type: ignore[misc]
        lines = [(labels.get(one.value, "（言わなかった）"), one.n, _means(one, scored)) for one in found]
        splits.append((title, lines, any(one.n is None for one in found)))
    context = {
        "form": form,
        "period": form.period,
        "count": len(rows),
        "visits": visits,
        "rate": f"{len(rows) / visits * 100:.1f}%" if visits else "―",
        "results": [(one, mean_text(one.mean), _bars(one)) for one in read(survey.questions, rows)],
        "chart_series": ["平均点"],
        "charts": [
            (one, [(f"{int(part.value[5:])}月", (mean := part.means.get(one.code)) and round(mean.value, 2)) for part in by_month]) for one in scored
        ],
        "scored": scored,
        "months": [(f"{one.value[:4]}年{int(one.value[5:])}月", one.n, _means(one, scored)) for one in by_month],
        "splits": splits,
        "least": LEAST,
        "query": urlencode({"first": form.data["first"], "last": form.data["last"]}),
        "may_group": may(request, GROUP_SURVEY),
        "ways": _ways(contract, survey) if may(request, GROUP_SURVEY) else [],
        "by_mail": "mail" in survey.ways,
        "has_text": any(one.kind == "text" for one in survey.questions),
    }
    return render(request, "office/survey/results.html", context)


def _ways(contract: Contract, survey: Survey) -> list[tuple[str, str, str]]:
    """Name of each site, address of its tablet, address of its poster; empty where the way is not agreed."""
    return [
        (
            site.short_name or site.name,
            kiosk_path(contract, site.code) if "kiosk" in survey.ways else "",
            reverse("survey:poster", args=[contract.code, site.code]) if "poster" in survey.ways else "",
        )
        for site in contract.profile.sites
    ]


@roles(READ_SURVEY)
def results_csv(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Means and shares of the months asked for, month by month and over all, with their intervals."""
    survey = _survey(contract)
    form = MonthsForm(request)
    if not form.is_valid():
        raise Http404("月を指定し直してください。")
    rows = answers(form.period.first, form.period.last)
    head = ["期間", "質問", "答え", "件数", "平均点・割合（%）", "95%信頼区間 下", "95%信頼区間 上"]
    lines = list(_lines("全体", survey, rows))
    for month, part in zip(form.months, _months(survey, rows, form.months), strict=True):
        if part.n:
            lines += _lines(f"{month:%Y-%m}", survey, [row for row in rows if row[0].replace(day=1) == month])
    response = HttpResponse(write_csv(head, lines).content, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="survey-{contract.code}-{form.period.first:%Y%m}-{form.period.last:%Y%m}.csv"'
    return response


def _lines(label: str, survey: Survey, rows: Sequence[Row]) -> Iterator[list[Any]]:
    for one in read(survey.questions, rows):
        title = one.question.title
        if one.mean is not None:
            yield [label, title, "平均", one.n, round(one.mean.value, 2), round(one.mean.low, 2), round(one.mean.high, 2)]
        names = SCORE_LABELS if one.question.kind == "score" else choice_labels(one.question)
        for code, share in one.shares:
            yield [label, title, names[code], share.count, *(round(value * 100, 1) for value in (share.value, share.low, share.high))]


@roles(READ_SURVEY)
def comments(request: HttpRequest, contract: Contract) -> HttpResponse:
    """Free text of the months asked for, with its groups; every look is on record."""
    survey = _survey(contract)
    form = MonthsForm(request)
    if not form.is_valid():
        return render(request, "office/survey/comments.html", {"form": form}, status=422)
    labels = {one.code: one.label for one in survey.groups}
    asked = request.GET.get("group", "")
    chosen = asked if asked in (*labels, "-") else ""
    everything = remarks(contract, form.period.first, form.period.last)
    found = [one for one in everything if not chosen or (chosen in one.groups if chosen != "-" else not one.groups)]
    period = {"first": form.data["first"], "last": form.data["last"]}
    names = {"": "すべて", **labels, "-": "分類なし"}
    counts = {code: sum(1 for one in everything if code in one.groups) for code in labels}
    counts |= {"": len(everything), "-": sum(1 for one in everything if not one.groups)}
    detail = {"first": form.period.first.isoformat(), "last": form.period.last.isoformat(), "count": len(found)}
    request.audit_reads.append(Read("survey.comments_read", f"contract:{contract.code}", actor_of(request), detail))  # type: ignore[attr-defined]
    context = {
        "form": form,
        "tabs": [
            {"label": name, "url": f"?{urlencode({**period, 'group': code})}", "active": code == chosen, "count": counts[code]} for code, name in names.items()
        ],
        "comments": [(one, [(code, label, code in one.groups) for code, label in labels.items()]) for one in found],
        "titles": {one.code: one.title for one in survey.questions},
        "tongues": dict(settings.LANGUAGES),
        "may_group": may(request, GROUP_SURVEY),
        "query": urlencode({**period, "group": chosen}),
        "keep_days": contract.profile.retention.resident_days_after_visit,
    }
    return render(request, "office/survey/comments.html", context)


@require_POST
@roles(GROUP_SURVEY)
def group(request: HttpRequest, contract: Contract, pk: int) -> HttpResponse:
    """Put one comment into groups by hand."""
    try:
        services.group(contract, pk, request.POST.getlist("group"), by=actor_of(request), now=request.now)  # type: ignore[attr-defined]
    except SurveyRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "分類を保存しました。")
    back = {name: cut_individual_numbers(request.GET.get(name, "")) for name in ("first", "last", "group")}
    return redirect(f"{reverse('survey:comments', args=[contract.code])}?{urlencode(back)}")


@roles(READ_SURVEY)
def poster(request: HttpRequest, contract: Contract, site: str) -> HttpResponse:
    """A sheet for the wall with the code of a site, in the languages of the contract."""
    survey = _survey(contract)
    found = next((one for one in contract.profile.sites if one.code == site), None)
    if found is None or "poster" not in survey.ways:
        raise Http404("この場所の掲示はありません。")
    words = []
    for code in contract.profile.languages:
        with translation.override(code):
            words.append((code, gettext("アンケート"), gettext("今日の窓口は、全体として、いかがでしたか。")))
    address = f"{settings.PUBLIC_URL}{reverse('citizen:survey', args=[contract.code])}?{urlencode({'at': site})}"
    return render(request, "office/survey/poster.html", {"site": found, "words": words, "address": address, "qr": qr(address)})
