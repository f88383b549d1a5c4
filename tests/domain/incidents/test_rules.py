"""Whom to call when, and when a legal step is due."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madoguchi.domain.incidents.rules import call_after, called, due_calls, duties_of, lacking, legal_due, office_day
from madoguchi.ground.contracts.profile import IncidentCall, IncidentDuty, Incidents, LegalStep
from madoguchi.ground.kit.clock import JST

pytestmark = pytest.mark.req("REP-05")
D = dt.date
REPORTED = dt.datetime(2026, 11, 2, 16, 50, tzinfo=JST)


def minutes(number: int) -> dt.timedelta:
    return dt.timedelta(minutes=number)


def terms(after: list[int], repeat_minutes: int = 60, repeat_times: int = 2) -> Incidents:
    calls = tuple(IncidentCall(after_minutes=one, to=("city",) if n else ("manager",)) for n, one in enumerate(after))
    return Incidents(calls=calls, repeat_minutes=repeat_minutes, repeat_times=repeat_times)


def test_the_first_are_called_with_the_report_then_others_then_again() -> None:
    agreed = terms([0, 15])
    assert [call_after(agreed, n) for n in range(5)] == [minutes(0), minutes(15), minutes(75), minutes(135), None]
    assert [called(agreed, n) for n in range(4)] == [("manager",), ("city",), ("city",), ("city",)]


def test_a_worker_that_was_away_makes_up_named_calls_and_the_last_repetition_only() -> None:
    assert due_calls(terms([0, 15], repeat_times=8), 1, REPORTED, REPORTED + minutes(300)) == [1, 5]


@given(
    steps=st.lists(st.integers(1, 300), max_size=4), again=st.integers(1, 120), times=st.integers(0, 5),
    ticks=st.lists(st.integers(0, 2000), min_size=1, max_size=30),
)  # fmt: skip
def test_however_the_worker_comes_each_named_call_is_made_once_and_none_before_its_time(steps: list[int], again: int, times: int, ticks: list[int]) -> None:
    after = [0]
    for one in steps:
        after.append(after[-1] + one)
    agreed = terms(after, again, times)
    made, calls = 0, []
    for tick in sorted(ticks):
        for number in due_calls(agreed, made, REPORTED, REPORTED + minutes(tick)):
            calls.append((number, tick))
            made = number + 1
    numbers = [number for number, _ in calls]
    assert numbers == sorted(set(numbers)), "once, in order"
    for number, tick in calls:
        due = call_after(agreed, number)
        assert due is not None
        assert due <= minutes(tick)
    assert {n for n, one in enumerate(after) if one <= max(ticks)} <= set(numbers), "no named call is left out"
    assert made <= len(after) + times


@pytest.mark.parametrize(
    ("found", "step", "wrongful", "due"),
    [
        (D(2026, 11, 2), LegalStep(code="a", name="速報", days=5), False, D(2026, 11, 6)),
        (D(2026, 11, 2), LegalStep(code="a", name="速報", days=5, first_day=False), False, D(2026, 11, 7)),
        (D(2026, 11, 2), LegalStep(code="a", name="速報", days=5, first_day=False, closed="before"), False, D(2026, 11, 6)),
        (D(2026, 12, 1), LegalStep(code="b", name="確報", days=30, wrongful_days=60, closed="after"), False, D(2027, 1, 4)),
        (D(2026, 12, 1), LegalStep(code="b", name="確報", days=30, wrongful_days=60, closed="after"), True, D(2027, 1, 29)),
        (D(2026, 11, 2), LegalStep(code="c", name="本人への通知"), True, None),
    ],
)
def test_the_last_day_of_a_legal_step_follows_from_the_profile(found: dt.date, step: LegalStep, wrongful: bool, due: dt.date | None) -> None:
    assert legal_due(step, found, wrongful=wrongful) == due


@settings(deadline=None)
@given(st.dates(D(2026, 1, 1), D(2030, 12, 1)), st.integers(1, 90), st.booleans())
def test_a_day_moved_off_closed_days_is_an_office_day_and_never_far(found: dt.date, days: int, first: bool) -> None:
    plain = legal_due(LegalStep(code="a", name="x", days=days, first_day=first), found, wrongful=False)
    later = legal_due(LegalStep(code="a", name="x", days=days, first_day=first, closed="after"), found, wrongful=False)
    sooner = legal_due(LegalStep(code="a", name="x", days=days, first_day=first, closed="before"), found, wrongful=False)
    assert plain is not None and later is not None and sooner is not None
    assert sooner <= plain <= later
    assert office_day(later)
    assert office_day(sooner)
    assert (later - sooner).days <= 12


def test_what_a_report_in_writing_lacks_is_named() -> None:
    assert lacking(cause=" ", response="謝罪した", preventions=0) == ["原因", "再発防止策"]
    assert lacking(cause="x", response="y", preventions=1) == []


def test_an_obligation_falls_due_by_its_kinds_and_its_weight() -> None:
    found = (IncidentDuty(duty="a", kinds=("complaint",)), IncidentDuty(duty="b", grave_only=True), IncidentDuty(duty="c"))
    agreed = Incidents(calls=(IncidentCall(after_minutes=0, to=("city",)),), duties=found)
    assert [one.duty for one in duties_of(agreed, "complaint", grave=False)] == ["a", "c"]
    assert [one.duty for one in duties_of(agreed, "fault", grave=True)] == ["b", "c"]
