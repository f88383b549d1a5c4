"""The city's table of visitors says what the cases opened that day say, and balances what was opened by mistake."""

from __future__ import annotations

import datetime as dt

import pytest

from madoguchi.domain.cases.figures import total
from madoguchi.domain.cases.queries.figures import works
from madoguchi.domain.cases.services import work
from madoguchi.domain.reports.queries import Period, figures
from madoguchi.domain.reports.services.days import count_days
from madoguchi.domain.reports.visitors import visitors_of_month
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.worklog.models import Fact

from ..cases.counter import hand, key, opened, step

pytestmark = pytest.mark.req("DESK-10", "DESK-07")


@pytest.mark.parametrize("counted", [False, True])
def test_visitors_by_procedure_and_day(contract: Contract, now: dt.datetime, counted: bool) -> None:
    clerk = hand(contract)
    for day in (0, 0, 3):
        opened(contract, clerk, now + dt.timedelta(days=day))
    opened(contract, clerk, now, "certificate", "cert_renewal")
    if counted:
        count_days(contract)
    table = visitors_of_month(contract, now.date())
    rows = {row[0]: row for row in table.rows}
    assert len(table.days) == 30
    assert (rows["pin_reset"][1][1], rows["pin_reset"][1][4], rows["pin_reset"][2], rows["cert_renewal"][2], table.all) == (2, 1, 3, 1, 4)
    assert [row[0] for row in table.rows] == [one.code for one in contract.profile.procedures]
    assert table.sums[1] == 3
    assert sum(table.sums) == table.all
    assert visitors_of_month(contract, now.date(), "nowhere").all == 0
    assert visitors_of_month(contract, now.date() - dt.timedelta(days=40)).all == 0


def test_an_end_that_is_undone_takes_its_seconds_back(contract: Contract, now: dt.datetime) -> None:
    clerk = hand(contract)
    case = opened(contract, clerk, now, "certificate", "cert_renewal")
    ended = step(contract, case, clerk, "elsewhere", now + dt.timedelta(minutes=2))
    period = Period(now.date(), now.date())
    asked = ["cases_ended", "case_handle", "case_handle_90", "cases_opened"]
    assert [(one.value, one.top) for one in figures(contract, asked, period)] == [(1, 1), (120, 120), (120, 1), (1, 1)]
    later = now + dt.timedelta(minutes=9)
    work.undo(contract, case.pk, text="押し間違い", version=ended.moves, key=key(), hand=clerk, now=later)
    assert [(one.value, one.top) for one in figures(contract, asked, period)] == [(0, 0), (None, 0), (None, 0), (1, 1)]
    balanced = Fact.objects.get(quantity=-1)
    assert (balanced.kind, balanced.at, balanced.outcome, balanced.handle_seconds) == ("case.ended", later, "moved", 120)


@pytest.mark.req("DESK-07")
def test_the_page_of_cases_and_the_measures_agree(contract: Contract, now: dt.datetime) -> None:
    clerk = hand(contract)
    for n in range(4):
        case = opened(contract, clerk, now, "certificate", "cert_renewal")
        ended = step(contract, case, clerk, "elsewhere", now + dt.timedelta(minutes=2 + n))
        if n == 1:
            work.undo(contract, case.pk, text="押し間違い", version=ended.moves, key=key(), hand=clerk, now=now + dt.timedelta(minutes=9))
    page = total(works(["case.ended"], now.date(), now.date()))
    count, mean = figures(contract, ["cases_ended", "case_handle"], Period(now.date(), now.date()))
    assert (page.count, page.handle) == (count.value, mean.value) == (3, 220)
