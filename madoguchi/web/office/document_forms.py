"""Forms of reports: which workbook is used, the standard one to begin from, and what is wrong in an uploaded one."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from madoguchi.domain.reports import sheets
from madoguchi.domain.reports.contents import duty_of
from madoguchi.domain.reports.errors import FormRefused, ReportRefused
from madoguchi.domain.reports.models import Form
from madoguchi.domain.reports.services.forms import add_form, sample, withdraw_form
from madoguchi.ground.accounts.access import EDIT_FORMS, READ_REPORTS, actor_of, may, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import ReportDuty
from madoguchi.web.ui.middleware import handles_individual_number

from .bookings import attachment
from .versions import doer


def _duty(contract: Contract, code: str) -> ReportDuty:
    duty = duty_of(contract.profile, code)
    if duty is None:
        raise Http404("この報告書はありません。")
    return duty


@handles_individual_number
@roles(READ_REPORTS)
def forms_of(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """The form in use and those before it; POST checks a workbook and takes it when every placeholder can be filled."""
    duty = _duty(contract, code)
    problems: list[tuple[str, str]] = []
    status = 200
    if request.method == "POST":
        if not may(request, EDIT_FORMS):
            return HttpResponse(status=403)
        file = request.FILES.get("file")
        try:
            if file is None or file.size is None:
                raise FormRefused([("", "Excelのファイル（.xlsx）を選んでください。")])
            if file.size > sheets.LARGEST_FILE:
                raise FormRefused([("", f"ファイルが大きすぎます（{sheets.LARGEST_FILE // 1_000_000}MBまで）。")])
            _, count, lost = add_form(contract, code, file.name or "", file.read(), **doer(request))
        except FormRefused as refused:
            problems, status = refused.problems, 422
        else:
            messages.success(request, f"様式を登録しました。書き込む場所は{count}か所です。")
            if lost:
                messages.warning(request, f"{'・'.join(lost)}は、できあがるファイルには残りません。")
            return redirect("documents:forms", contract.code, code)
    found = list(Form.objects.filter(code=code).select_related("added_by").defer("content")[:20])
    _, answers = sample(contract, code, request.now.date())
    context = {
        "duty": duty, "forms": found, "used": next((one.pk for one in found if one.withdrawn_at is None), None), "problems": problems,
        "may_edit": may(request, EDIT_FORMS), "places": _places(answers), "facts": list(answers.facts), "texts": list(answers.texts),
    }  # fmt: skip
    return render(request, "office/documents/forms.html", context, status=status)


def _places(answers: sheets.Answers) -> list[tuple[str, str, str]]:
    """(measure, dimensions, title) that a form may ask for."""
    titles = {column["measure"]: column["title"] for column, _ in answers.figures.values()}
    return [(code, "、".join(sorted(by for one, by in answers.split if one == code and by)), title) for code, title in titles.items()]


@roles(READ_REPORTS)
def standard_file(request: HttpRequest, contract: Contract, code: str) -> HttpResponse:
    """The standard form, to look at and to begin an own one from."""
    _duty(contract, code)
    _, answers = sample(contract, code, request.now.date())
    return attachment(sheets.standard(answers.content, at=request.now), sheets.MEDIA_TYPE, f"form-{contract.code}-{code}.xlsx")


@roles(READ_REPORTS)
def form_file(request: HttpRequest, contract: Contract, code: str, form: int) -> HttpResponse:
    """A form as it was uploaded."""
    found = Form.objects.filter(pk=form, code=code).first()
    if found is None:
        raise Http404("この様式は見つかりません。")
    return attachment(bytes(found.content), sheets.MEDIA_TYPE, f"form-{contract.code}-{code}-{found.pk}.xlsx")


@require_POST
@roles(EDIT_FORMS)
def withdraw(request: HttpRequest, contract: Contract, code: str, form: int) -> HttpResponse:
    """Use a form no longer."""
    try:
        withdraw_form(contract, form, by=actor_of(request), now=request.now)
    except ReportRefused as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, "様式を外しました。")
    return redirect("documents:forms", contract.code, code)
