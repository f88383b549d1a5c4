"""Figures of cases: what was taken back does not count, and every sum is the sum of its parts."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.cases.figures import Work, grouped, settled, total
from madoguchi.domain.cases.queries.figures import works
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST

from .counter import hand, opened, step

NINE = dt.datetime(2026, 11, 2, 9, tzinfo=JST)


def fact(minute: int, ref: str = "case:1", kind: str = "case.ended", **values: object) -> Work:
    start = {"site": "honkan", "procedure": "pin_reset", "channel": "counter", "language": "ja", "outcome": "done", **values}
    return Work(NINE + dt.timedelta(minutes=minute), kind, ref, **start)  # type: ignore[arg-type]


@pytest.mark.req("DESK-07")
def test_an_end_taken_back_cancels_the_one_before_it() -> None:
    facts = [fact(1), fact(2, "case:2"), fact(3, quantity=-1), fact(4, kind="case.examined"), fact(5, outcome="given_up")]
    assert [(one.ref, one.at.minute) for one in settled(facts)] == [("case:2", 2), ("case:1", 4), ("case:1", 5)]
    assert settled([fact(3, quantity=-1)]) == []


@pytest.mark.req("DESK-07")
def test_means_are_over_what_was_measured() -> None:
    facts = [fact(1, handle=60, wait=0), fact(2, handle=120, wait=300), fact(3, outcome="refused", wait=100)]
    row = total(facts)
    assert (row.count, row.done, row.handle, row.wait, row.longest) == (3, 2, 90, 200, 300)
    assert (total([]).handle, total([]).wait, total([]).longest) == (None, None, None)


@pytest.mark.req("DESK-07")
@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_sums_are_the_sums_of_their_parts(drawn: list[str]) -> None:
    facts = [fact(n, f"case:{n}", procedure=code) for n, code in enumerate(drawn)]
    assert sum(row.count for row in grouped(facts, lambda one: one.procedure)) == total(facts).count == len(facts)


@pytest.mark.req("DESK-07")
def test_the_facts_of_a_day(contract: Contract, now: dt.datetime) -> None:
    clerk = hand(contract)
    case = opened(contract, clerk, now, "certificate", "cert_renewal")
    step(contract, case, clerk, "elsewhere", now + dt.timedelta(minutes=2))
    (ended,) = works(["case.ended"], now.date(), now.date())
    assert (ended.outcome, ended.handle, ended.at.hour) == ("moved", 120, 9)
