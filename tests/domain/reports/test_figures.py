"""Figures equal what plain counting over all facts says, counted by the worker or not, and lead to the facts behind them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from madoguchi.domain.reports.measures import DIMENSIONS, MEASURES, NOT_BY_HOUR
from madoguchi.domain.reports.models import DayCount, DaySpan
from madoguchi.domain.reports.queries import Period, behind, figures, table
from madoguchi.domain.reports.services.days import count_days
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.models import Fact, TouchedDay
from madoguchi.ground.worklog.services import amend, note_all, withdraw

from . import brute

FIRST, LAST = dt.date(2026, 10, 30), dt.date(2026, 11, 3)
PERIOD = Period(FIRST, LAST)
START = dt.datetime.combine(FIRST, dt.time(), JST)
KINDS = sorted({kind.replace("*", name) for one in MEASURES.values() for kind in one.facts.kinds for name in ("expiry_address", "other")})
OUTCOMES = ["", "answered", "closed", "abandoned", "abandoned_menu", "callback", "overflowed", "done", "sent_home", "booked", "walk_in", "late"]
SECONDS = st.none() | st.sampled_from([0, 1, 5, 6, 20, 21, 60, 61, 299, 3600, 40_000_000]) | st.integers(0, 20_000)


@st.composite
def drawn_facts(draw: st.DrawFn, contract: Contract, most: int = 40) -> list[Fact]:
    """Facts of some days around the period: many alike, some taken back, in every kind that a measure reads."""
    return [
        Fact(
            contract=contract, at=START + dt.timedelta(minutes=draw(st.integers(-2000, 9000))), kind=draw(st.sampled_from(KINDS)),
            site=draw(st.sampled_from(["", "honkan"])), channel=draw(st.sampled_from(["web", "phone"])), outcome=draw(st.sampled_from(OUTCOMES)),
            procedure=draw(st.sampled_from(["", "pin_reset"])), actor_kind=draw(st.sampled_from(["citizen", "counter"])),
            language=draw(st.sampled_from(["ja", "vi"])), quantity=draw(st.sampled_from([1, 1, 1, 3, 0, -1, -2])), wait_seconds=draw(SECONDS),
            handle_seconds=draw(SECONDS), ref=f"case:{draw(st.integers(1, 9))}",
        ) for _ in range(draw(st.integers(0, most)))
    ]  # fmt: skip


def compare(contract: Contract, dimensions: tuple[str, ...]) -> None:
    """All measures that have these dimensions, against plain counting."""
    facts = brute.within(Fact.objects.all(), FIRST, LAST)
    codes = [code for code, one in MEASURES.items() if set(dimensions) <= set(one.dimensions)]
    found = table(contract, codes, PERIOD, dimensions)
    for code in codes:
        rows = {row.key: (row.value, row.top, row.bottom) for row in found.rows if row.measure == code}
        assert rows == brute.by(MEASURES[code], facts, dimensions), (code, dimensions)
        total = found.totals[code]
        assert (total.value, total.top, total.bottom) == brute.said(MEASURES[code], facts), code


PAIRS = [("day", "procedure"), ("hour", "site"), ("weekday", "hour"), ("month", "channel"), ("site", "outcome")]


@pytest.mark.req("REP-02", "DESK-07")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_every_measure_by_every_dimension_is_what_plain_counting_says(contract: Contract, data: st.DataObject) -> None:
    Fact.objects.all().delete()
    note_all(data.draw(drawn_facts(contract)))
    if data.draw(st.booleans(), label="counted"):
        count_days(contract)
        assert not TouchedDay.objects.exists()
        note_all(data.draw(drawn_facts(contract, 12)))
        if data.draw(st.booleans(), label="put right"):
            withdraw(KINDS[0], ref="case:1")
            amend("contact.recorded", ref="case:2", language="en", outcome="solved")
    for dimension in DIMENSIONS:
        compare(contract, (dimension,))
    for pair in PAIRS:
        compare(contract, pair)
    code = data.draw(st.sampled_from(sorted(MEASURES)))
    lead_to_their_facts(contract, code, data.draw(st.sampled_from(MEASURES[code].dimensions)))


def lead_to_their_facts(contract: Contract, code: str, dimension: str) -> None:
    """REP-03: what is listed behind each number adds up to that number again."""
    measure = MEASURES[code]
    for row in figures(contract, [code], PERIOD, [dimension]):
        listed = list(behind(measure, PERIOD, {dimension: row.key[0]}))
        (only,) = figures(contract, [code], PERIOD, where={dimension: row.key[0]})
        assert brute.said(measure, listed) == (row.value, row.top, row.bottom) == (only.value, only.top, only.bottom)


@pytest.mark.req("REP-03")
def test_each_figure_leads_to_the_facts_that_make_it(contract: Contract) -> None:
    note_all([
        Fact(contract=contract, at=START + dt.timedelta(hours=7 * n), kind=kind, channel="phone", actor_kind="counter", language="ja",
             outcome=OUTCOMES[(n + len(kind)) % len(OUTCOMES)], wait_seconds=n * 7, handle_seconds=n * 11, ref=f"call:{n}")
        for n in range(16) for kind in KINDS
    ])  # fmt: skip
    count_days(contract)
    for code, measure in MEASURES.items():
        for dimension in measure.dimensions:
            lead_to_their_facts(contract, code, dimension)


def test_counting_again_changes_nothing_and_counted_days_are_not_touched(contract: Contract) -> None:
    note_all([Fact(contract=contract, at=START, kind="call.ended", channel="phone", actor_kind="system", outcome="answered", wait_seconds=9)])
    assert (count_days(contract), count_days(contract)) == (1, 0)
    assert (DayCount.objects.count(), DaySpan.objects.count()) == (2, 2)
    withdraw("call.ended", ref="")
    assert figures(contract, ["calls", "answer_rate"], PERIOD) == [
        *(one for one in figures(contract, ["calls"], PERIOD)), *(one for one in figures(contract, ["answer_rate"], PERIOD))
    ]  # fmt: skip
    assert [(one.value, one.top) for one in figures(contract, ["calls", "answer_rate"], PERIOD)] == [(0, 0), (None, 0)]
    assert count_days(contract) == 1
    assert not DayCount.objects.exists()


def test_a_dimension_that_makes_no_sense_is_refused(contract: Contract) -> None:
    with pytest.raises(KeyError):
        figures(contract, ["calls"], PERIOD, ["planet"])
    with pytest.raises(ValueError, match="site"):
        figures(contract, ["calls"], PERIOD, ["site"])
    for other in NOT_BY_HOUR:
        with pytest.raises(ValueError, match="hour"):
            figures(contract, ["bookings_made"], PERIOD, ["hour", other])
