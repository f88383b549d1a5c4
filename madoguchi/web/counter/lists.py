"""Work lists: how far they are, the city's file in and out, and one entry after another with the keyboard."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.worklists import queries
from madoguchi.domain.worklists.enums import State
from madoguchi.domain.worklists.errors import WorklistRefused
from madoguchi.domain.worklists.files import Listing, read_listing
from madoguchi.domain.worklists.models import Entry
from madoguchi.domain.worklists.services import claim_next, defer, end, import_entries, record_export, release, reopen
from madoguchi.ground.accounts.access import (
    LEAD_AT_COUNTER,
    READ_COUNTER,
    WORK_ON_LISTS,
    actor_of,
    may,
    roles,
)
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import WorkList
from madoguchi.ground.kit.csvfile import write_csv
from madoguchi.web.ui.dates import DayBox

MOST_BYTES = 5_000_000
MOST_FAULTS = 200
PER_PAGE = 100
FILES_SHOWN = 12


class FileForm(forms.Form):
    """The city's file."""

    use_required_attribute = False
    file = forms.FileField(
        label="CSVファイル",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
        error_messages={"required": "ファイルを選んでください。", "empty": "ファイルが空です。番号の入ったファイルを選んでください。"},
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(f"{MOST_BYTES // 1_000_000}MBまでです。ファイルを分けてください。")
        return file


class DeferForm(forms.Form):
    """Why, and until when."""

    use_required_attribute = False
    reason = forms.ChoiceField(label="理由", widget=forms.RadioSelect, error_messages={"required": "理由を選んでください。"})
    again_on = DayBox(label="次に作業する日", error_messages={"required": "日を入力してください。"})

    def __init__(self, terms: WorkList, today: dt.date, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].choices = [(one.code, one.label) for one in terms.reasons]  # type: ignore[attr-defined]
        self.fields["again_on"].initial = today + dt.timedelta(days=1)


class EntriesForm(forms.Form):
    """Which entries."""

    key = forms.CharField(required=False, max_length=40, strip=True)
    state = forms.ChoiceField(label="状態", required=False, choices=[("", "すべて"), *State.choices])
    result = forms.ChoiceField(label="結果", required=False)
    to_city = forms.BooleanField(label="市の対応が必要なものだけ", required=False)

    def __init__(self, terms: WorkList, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].label = terms.key_label
        self.fields["result"].choices = [("", "すべて"), *((one.code, one.label) for one in terms.results)]  # type: ignore[attr-defined]


@roles(READ_COUNTER)
def overview(request: HttpRequest, contract: Contract) -> HttpResponse:
    """All lists of the contract with how far they are."""
    rows = [(terms, queries.progress(terms.code, request.now)) for terms in contract.profile.work_lists]
    return render(request, "counter/lists/overview.html", {"rows": rows, "may_work": may(request, WORK_ON_LISTS)})


@roles(READ_COUNTER)
def worklist(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """One list: progress, the files, the entries."""
    return _page(request, contract, _terms(contract, code), FileForm())


def _page(request: HttpRequest, contract: Contract, terms: WorkList, form: FileForm, *, listing: Listing | None = None, status: int = 200) -> HttpResponse:
    days = queries.by_day(terms.code, request.now)
    asked = EntriesForm(terms, request.GET or None)
    conditions = asked.cleaned_data if asked.is_bound and asked.is_valid() else {}
    page = Paginator(queries.entries(terms, **conditions), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "terms": terms,
        "progress": queries.progress(terms.code, request.now),
        "days": [(f"{day.month}/{day.day}", n) for day, n in days],
        "results": queries.by_result(terms),
        "people": queries.by_person(terms.code, request.now),
        "files": queries.batches(terms.code)[:FILES_SHOWN],
        "form": form,
        "faults": listing.faults[:MOST_FAULTS] if listing else [],
        "fault_count": len(listing.faults) if listing else 0,
        "asked": asked,
        "page": page,
        "rows": page.object_list,
        "reasons": {one.code: one.label for one in terms.reasons},
        "labels": {one.code: one.label for one in terms.results},
        "may_work": may(request, WORK_ON_LISTS),
        "may_import": may(request, LEAD_AT_COUNTER),
    }
    return render(request, "counter/lists/list.html", context, status=status)


@require_POST
@roles(LEAD_AT_COUNTER)
def take_in(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """A file with a fault is reported line by line and nothing of it is kept."""
    terms = _terms(contract, code)
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, contract, terms, form, status=422)
    file = form.cleaned_data["file"]
    listing = read_listing(file.read(), key_label=terms.key_label)
    if listing.faults:
        return _page(request, contract, terms, FileForm(), listing=listing, status=422)
    made = import_entries(contract, code, listing.entries, name=file.name, by=actor_of(request), now=request.now)
    known = f"すでにある{made.known:,}件は、そのままです。" if made.known else ""
    ignored = f"読まなかった列：{'、'.join(listing.ignored)}" if listing.ignored else ""
    messages.success(request, f"{made.added:,}件を取り込みました。{known}{ignored}")
    return redirect("lists:list", contract.code, code)


@require_POST
@roles(READ_COUNTER)
def export(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """The results as CSV, in the order of the city's files."""
    terms = _terms(contract, code)
    asked = EntriesForm(terms, request.POST)
    rows = list(queries.export_rows(terms, queries.entries(terms, **(asked.cleaned_data if asked.is_valid() else {}))))
    record_export(contract, code, rows=len(rows), by=actor_of(request), now=request.now)
    encoding = "cp932" if request.POST.get("encoding") == "cp932" else "utf-8-sig"
    file = write_csv([terms.key_label, *queries.HEADER], rows, encoding=encoding)
    charset = "Shift_JIS" if encoding == "cp932" else "utf-8"
    headers = {"Content-Disposition": f'attachment; filename="{code}-{contract.code}-{request.now:%Y%m%d-%H%M}.csv"'}
    return HttpResponse(file.content, content_type=f"text/csv; charset={charset}", headers=headers)


@roles(WORK_ON_LISTS)
def work(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """The entry in hand; in POST the next one is taken."""
    terms = _terms(contract, code)
    if request.method == "POST":
        found = claim_next(contract, code, user=request.user, by=actor_of(request), now=request.now)
        if found is None:
            messages.info(request, "いま作業できるものは、ありません。")
            return redirect("lists:list", contract.code, code)
        return redirect("lists:work", contract.code, code)
    return _hand(request, contract, terms, DeferForm(terms, request.now.date()))


def _hand(request: HttpRequest, contract: Contract, terms: WorkList, form: DeferForm, *, problem: str = "", status: int = 200) -> HttpResponse:
    mine = Entry.objects.filter(worklist=terms.code, state=State.CLAIMED, owner_id=request.user.pk).first()
    context = {
        "terms": terms,
        "entry": mine,
        "steps": queries.steps(mine) if mine else [],
        "progress": queries.progress(terms.code, request.now),
        "own_today": dict(queries.by_person(terms.code, request.now)).get(str(request.user), 0),
        "form": form,
        "problem": problem,
        "reasons": {one.code: one.label for one in terms.reasons},
        "labels": {one.code: one.label for one in terms.results},
        "late": bool(mine and mine.due_on and mine.due_on < request.now.date()),
    }
    return render(request, "counter/lists/work.html", context, status=status)


@require_POST
@roles(WORK_ON_LISTS)
def deed(request: HttpRequest, contract: Contract, code: str, entry: int) -> HttpResponse:
    """End, defer or let go of the entry in hand, and take the next."""
    terms = _terms(contract, code)
    by, now = actor_of(request), request.now
    form = DeferForm(terms, now.date())
    try:
        if "result" in request.POST:
            end(contract, entry, result=request.POST["result"], user=request.user, by=by, now=now)
        elif "release" in request.POST:
            release(contract, entry, user=request.user, by=by, now=now)
            return redirect("lists:list", contract.code, code)
        else:
            form = DeferForm(terms, now.date(), request.POST)
            if not form.is_valid():
                return _hand(request, contract, terms, form, status=422)
            said = form.cleaned_data
            defer(contract, entry, reason=said["reason"], again_on=said["again_on"], user=request.user, by=by, now=now)
    except WorklistRefused as refused:
        return _hand(request, contract, terms, form, problem=refused.message, status=409)
    if claim_next(contract, code, user=request.user, by=by, now=now) is None:
        messages.success(request, "作業できるものを、すべて終えました。")
        return redirect("lists:list", contract.code, code)
    return redirect("lists:work", contract.code, code)


@roles(READ_COUNTER)
def entry(request: HttpRequest, contract: Contract, code: str, entry: int) -> HttpResponse:
    """One entry and what happened to it; leaders and the city put an ended one back into the line."""
    terms = _terms(contract, code)
    found = Entry.objects.filter(worklist=code, pk=entry).select_related("owner", "batch").first()
    if found is None:
        raise Http404("この1件は見つかりません。")
    problem, status = "", 200
    if request.method == "POST":
        if not may(request, LEAD_AT_COUNTER):
            raise Http404("この1件は見つかりません。")
        try:
            reopen(contract, entry, by=actor_of(request), now=request.now)
        except WorklistRefused as refused:
            problem, status = refused.message, 409
        else:
            messages.success(request, "作業の列に戻しました。")
            return redirect("lists:entry", contract.code, code, entry)
    context = {
        "terms": terms,
        "entry": found,
        "steps": queries.steps(found),
        "problem": problem,
        "reasons": {one.code: one.label for one in terms.reasons},
        "labels": {one.code: one.label for one in terms.results},
        "may_reopen": may(request, LEAD_AT_COUNTER) and found.state == State.DONE,
    }
    return render(request, "counter/lists/entry.html", context, status=status)


def _terms(contract: Contract, code: str) -> WorkList:
    found = contract.profile.work_list(code)
    if found is None:
        raise Http404("この作業リストは見つかりません。")
    return found
