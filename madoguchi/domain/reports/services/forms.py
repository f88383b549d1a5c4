"""Deeds of forms: add the city's workbook, go back to the standard one, and take a report as a file."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from ..contents import computed, content_of, duty_of
from ..errors import ReportRefused
from ..models import Form, Report
from ..periods import Period, month_of
from ..sheets import Answers, checked, filled, standard


def sample(contract: Contract, code: str, on: dt.date) -> tuple[Report, Answers]:
    """A report that is not kept, of the period a day is in, and its answers (inside ``contract_scope``). Raises :class:`ReportRefused`."""
    duty = duty_of(contract.profile, code)
    if duty is None:
        raise ReportRefused("この契約には、この日報・月報の取り決めがありません。")
    period = month_of(on) if duty.period == "month" else Period(on, on)
    report = Report(contract=contract, code=code, first=period.first, last=period.last)
    return report, Answers(contract, report, computed(contract, duty, period))


@transaction.atomic
def add_form(contract: Contract, code: str, name: str, content: bytes, *, user: User, by: Actor, now: dt.datetime) -> tuple[Form, int, list[str]]:
    """Keep a workbook as the form of a report; with it the number of placeholders, and what of it is lost.

    Raises :class:`FormRefused` with every cell that is wrong, and keeps nothing then.
    """
    with contract_scope(contract):
        count, lost = checked(content, sample(contract, code, now.date())[1])
        made: Form = Form.objects.create(contract=contract, code=code, name=name[-120:], content=content, size=len(content), added_by=user, added_at=now)
        audit.record(contract, "report.form_added", f"form:{made.pk}", by=by, now=now, report=code, places=count)
        return made, count, lost


@transaction.atomic
def withdraw_form(contract: Contract, pk: int, *, by: Actor, now: dt.datetime) -> None:
    """Use a form no longer: the one before it, or the standard one. Raises :class:`ReportRefused`."""
    with contract_scope(contract):
        if not Form.objects.filter(pk=pk, withdrawn_at=None).update(withdrawn_at=now):
            raise ReportRefused("この様式は、もう外されています。")
        audit.record(contract, "report.form_withdrawn", f"form:{pk}", by=by, now=now)


def form_of(code: str) -> Form | None:
    """The form in use for a report; None for the standard one (inside ``contract_scope``)."""
    return Form.objects.filter(code=code, withdrawn_at=None).select_related("added_by").order_by("-pk").first()


def workbook(contract: Contract, report: Report) -> bytes:
    """A report in its form (inside ``contract_scope``)."""
    content = content_of(contract, report)
    at = report.signed_at or report.made_at
    form = form_of(report.code)
    return filled(bytes(form.content) if form else standard(content, at=at), Answers(contract, report, content), at=at)
