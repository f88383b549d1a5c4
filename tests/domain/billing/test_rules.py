"""Amounts, taxes, parts and days to pay, against tables worked out by hand and against laws that hold for all numbers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madoguchi.domain.billing.queries import closed_for_payment
from madoguchi.domain.billing.rules import (
    Line,
    Unpriced,
    due_on,
    halves,
    kept_until,
    lines,
    periods,
    rate_on,
    tax_of,
    totals,
)
from madoguchi.ground.contracts.profile import Payment, Term

pytestmark = pytest.mark.req("BILL-01")

DAY = dt.date.fromisoformat
HALL = ((dt.time(8, 30), dt.time(17, 15)),)
MONTHLY = {"kind": "monthly_fixed", "charges": [{"code": "fee", "name": "委託料", "unit": "month", "unit_price": 1000}]}


def payment(**values: Any) -> Payment:
    return Payment.model_validate(MONTHLY | values)


def parts(total: int | None, number: int = 11, **values: Any) -> Payment:
    charges = [{"code": "part", "name": "部分払い", "unit": "instalment"}, {"code": "final", "name": "完了払い", "unit": "final"}]
    return payment(kind="instalments", instalments=number, contract_sum=total, charges=charges, **values)


def term(first: str, last: str) -> Term:
    return Term.model_validate({"contract_to": DAY(last), "service_from": DAY(first), "service_to": DAY(last)})


NAGAOKA = term("2026-02-02", "2027-01-31")


@pytest.mark.parametrize(
    ("amount", "rate", "prices", "floor", "half_up", "ceil"),
    [
        (841300, "0.10", "net", 84130, 84130, 84130),  # 268,000 + 27,300 × 21 of 浦添市: 573,300 + 268,000
        (268005, "0.10", "net", 26800, 26801, 26801),  # 26,800.5
        (268004, "0.10", "net", 26800, 26800, 26801),  # 26,800.4
        (12345, "0.08", "net", 987, 988, 988),  # 987.6
        (12343, "0.08", "net", 987, 987, 988),  # 987.44
        (3648333, "0.10", "gross", 331666, 331667, 331667),  # ÷ 11 = 331,666.63…
        (1100, "0.10", "gross", 100, 100, 100),
        (1080, "0.08", "gross", 80, 80, 80),
        (1, "0.10", "net", 0, 0, 1),
        (0, "0.10", "gross", 0, 0, 0),
        (500, "0", "net", 0, 0, 0),
    ],
)
def test_tax_by_hand(amount: int, rate: str, prices: str, floor: int, half_up: int, ceil: int) -> None:
    assert [tax_of(amount, Decimal(rate), prices, one) for one in ("floor", "half_up", "ceil")] == [floor, half_up, ceil]


def test_tax_is_rounded_once_per_rate_and_not_per_line() -> None:
    def line(amount: int, rate: str) -> Line:
        return Line("x", "x", Decimal(1), "月", amount, amount, Decimal(rate))

    found = totals([line(15, "0.10"), line(33, "0.08"), line(15, "0.10"), line(33, "0.08")], prices="net", rounding="floor")
    assert [(one.rate, one.net, one.tax) for one in found.rates] == [(Decimal("0.10"), 30, 3), (Decimal("0.08"), 66, 5)]
    assert (found.net, found.tax, found.total) == (96, 8, 104)


def test_months_of_a_term_with_a_leap_year_and_cut_ends() -> None:
    found = periods(payment(), term("2027-12-15", "2028-03-10"))
    assert [(one.number, str(one.first), str(one.last)) for one in found] == [
        (1, "2027-12-15", "2027-12-31"), (2, "2028-01-01", "2028-01-31"), (3, "2028-02-01", "2028-02-29"), (4, "2028-03-01", "2028-03-10"),
    ]  # fmt: skip


def test_quarters_are_those_of_the_fiscal_year() -> None:
    quarterly = payment(kind="quarterly_fixed", charges=[{"code": "fee", "name": "委託料", "unit": "quarter", "unit_price": 300}])
    found = periods(quarterly, term("2026-05-01", "2027-03-31"))
    assert [(str(one.first), str(one.last)) for one in found] == [
        ("2026-05-01", "2026-06-30"), ("2026-07-01", "2026-09-30"), ("2026-10-01", "2026-12-31"), ("2027-01-01", "2027-03-31"),
    ]  # fmt: skip
    assert [one.amount for one in lines(quarterly, found[0], worked={})] == [300]


def test_eleven_parts_and_the_final_one() -> None:
    plan = parts(43_780_005, prices="gross")
    found = periods(plan, NAGAOKA)
    assert [one.unit for one in found] == ["instalment"] * 11 + ["final"]
    assert (str(found[0].first), str(found[0].last)) == ("2026-02-02", "2026-02-28")
    assert (str(found[-1].first), str(found[-1].last)) == ("2027-01-01", "2027-01-31")
    amounts = [lines(plan, one, worked={})[0].amount for one in found[:11]]
    assert amounts == [3_648_333] * 11
    (final,) = lines(plan, found[-1], worked={}, billed=sum(amounts))
    assert final.amount == 43_780_005 - 11 * 3_648_333 == 3_648_342


@settings(deadline=None, max_examples=30)
@given(total=st.integers(0, 10**10), number=st.integers(1, 11), rounding=st.sampled_from(["floor", "half_up", "ceil"]))
def test_parts_and_the_final_one_are_the_contracts_sum(total: int, number: int, rounding: str) -> None:
    plan = parts(total, number, prices="gross")
    billed = 0
    for one in periods(plan, NAGAOKA):
        found = totals(lines(plan, one, worked={}, billed=billed), prices="gross", rounding=rounding)
        assert found.tax == tax_of(found.total, Decimal("0.10"), "gross", rounding)
        billed += found.total
    assert billed == total


def test_a_final_month_may_be_several() -> None:
    found = periods(parts(100, 9), NAGAOKA)
    assert (found[-1].number, str(found[-1].first), str(found[-1].last)) == (10, "2026-11-01", "2027-01-31")


@pytest.mark.parametrize(("actual", "counted"), [
    (HALL, (2, 2, 2)),
    ((), (0, 0, 0)),
    (((dt.time(8, 30), dt.time(12)),), (2, 1, 0)),  # closed from noon
    (((dt.time(13), dt.time(17, 15)),), (2, 1, 0)),  # opened at one
    (((dt.time(8, 30), dt.time(19)),), (2, 2, 2)),  # longer than usual
])  # fmt: skip
def test_what_a_day_counts_for(actual: Any, counted: tuple[int, int, int]) -> None:
    assert tuple(halves(HALL, actual, one) for one in ("full", "half", "none")) == counted


def test_a_day_opened_beyond_the_plan_is_a_day_worked() -> None:
    assert halves((), HALL, "none") == 2


def daily(**values: Any) -> Payment:
    return payment(kind="daily", charges=[{"code": "day", "name": "支援員", "unit": "day", "unit_price": 27_301}], **values)


def test_half_days_drop_the_half_yen() -> None:
    plan = daily(partial_day="half")
    (period,) = periods(plan, term("2026-04-01", "2026-04-30"))
    (line,) = lines(plan, period, worked={"day": {DAY("2026-04-01"): 2, DAY("2026-04-02"): 1}})
    assert (line.quantity, line.amount) == (Decimal("1.5"), 40_951)
    assert lines(plan, period, worked={"day": {}})[0].amount == 0


def test_days_under_two_rates_make_two_lines() -> None:
    plan = daily(tax_rate="0.08", tax_changes=[{"first": DAY("2019-10-01"), "rate": "0.10"}])
    (period,) = periods(plan, term("2019-09-15", "2019-09-30"))[:1]
    assert rate_on(plan, plan.charges[0], DAY("2019-09-30")) == Decimal("0.08")
    assert rate_on(plan, plan.charges[0], DAY("2019-10-01")) == Decimal("0.10")
    found = lines(plan, period, worked={"day": {DAY("2019-09-30"): 2, DAY("2019-10-01"): 2, DAY("2019-10-02"): 2}})
    assert [(one.quantity, one.rate) for one in found] == [(1, Decimal("0.08")), (2, Decimal("0.10"))]


def test_a_charge_may_have_a_rate_of_its_own_and_an_unknown_price_is_said() -> None:
    reduced = {"code": "paper", "name": "定期刊行物", "unit": "month", "unit_price": 500, "tax_rate": "0.08"}
    plan = payment(charges=[*MONTHLY["charges"], reduced])
    (period,) = periods(plan, term("2026-04-01", "2026-04-30"))
    assert [one.rate for one in lines(plan, period, worked={})] == [Decimal("0.10"), Decimal("0.08")]
    with pytest.raises(Unpriced, match="委託料"):
        lines(payment(charges=[{"code": "fee", "name": "委託料", "unit": "month"}]), period, worked={})
    with pytest.raises(Unpriced, match="完了払い"):
        lines(parts(None), periods(parts(None), NAGAOKA)[-1], worked={})


AMOUNTS = st.lists(st.tuples(st.integers(0, 10**9), st.sampled_from(["0.10", "0.08", "0"])), max_size=8)


@settings(deadline=None, max_examples=60)
@given(found=AMOUNTS, prices=st.sampled_from(["net", "gross"]), rounding=st.sampled_from(["floor", "half_up", "ceil"]))
def test_totals_are_sums_and_taxes_lie_within_the_rule(found: list[tuple[int, str]], prices: str, rounding: str) -> None:
    rows = [Line("x", "x", Decimal(1), "月", amount, amount, Decimal(rate)) for amount, rate in found]
    sums = totals(rows, prices=prices, rounding=rounding)
    assert sums.total == sums.net + sums.tax == sum(one.total for one in sums.rates)
    assert (sums.net if prices == "net" else sums.total) == sum(amount for amount, _ in found)
    for one in sums.rates:
        percent = int(one.rate * 100)  # a second way: whole numbers only
        top, bottom = (one.net * percent, 100) if prices == "net" else (one.total * percent, 100 + percent)
        low = {"floor": one.tax * bottom <= top < (one.tax + 1) * bottom, "ceil": (one.tax - 1) * bottom < top <= one.tax * bottom}
        assert low.get(rounding, (2 * one.tax - 1) * bottom <= 2 * top < (2 * one.tax + 1) * bottom)


@pytest.mark.parametrize(("received", "as_is", "before", "after"), [
    ("2026-10-01", "2026-10-31", "2026-10-30", "2026-11-02"),  # a Saturday
    ("2026-10-04", "2026-11-03", "2026-11-02", "2026-11-04"),  # 文化の日
    ("2026-12-01", "2026-12-31", "2026-12-28", "2027-01-04"),  # the days around New Year
    ("2027-03-31", "2027-04-30", "2027-04-30", "2027-04-30"),  # across the end of the fiscal year
    ("2028-01-30", "2028-02-29", "2028-02-29", "2028-02-29"),  # a leap year
    ("2027-01-30", "2027-03-01", "2027-03-01", "2027-03-01"),  # and none
    ("2026-04-04", "2026-05-04", "2026-05-01", "2026-05-07"),  # みどりの日 in a week of holidays
])  # fmt: skip
def test_thirty_days_from_the_receipt(received: str, as_is: str, before: str, after: str) -> None:
    found = [str(due_on(DAY(received), 30, rule, closed_for_payment)) for rule in ("as_is", "before", "after")]
    assert found == [as_is, before, after]


@settings(deadline=None, max_examples=50)
@given(st.dates(dt.date(2020, 1, 1), dt.date(2035, 1, 1)))
def test_nobody_has_to_pay_on_a_closed_day(received: dt.date) -> None:
    before, plain, after = (due_on(received, 30, rule, closed_for_payment) for rule in ("before", "as_is", "after"))
    assert before <= plain <= after
    assert not closed_for_payment(before)
    assert not closed_for_payment(after)


@pytest.mark.req("BILL-02")
@pytest.mark.parametrize(("ended", "until"), [
    ("2027-01-31", "2032-03-31"), ("2027-03-31", "2032-03-31"), ("2027-04-01", "2033-03-31"), ("2028-06-30", "2034-03-31"), ("2028-02-29", "2033-03-31"),
])  # fmt: skip
def test_books_are_kept_five_fiscal_years_after_the_one_of_the_end(ended: str, until: str) -> None:
    assert kept_until(DAY(ended), 5) == DAY(until)
