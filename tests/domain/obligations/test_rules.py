"""Due dates of the five contracts against tables written by hand from the specifications, and properties of every rule."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.obligations import rules
from madoguchi.domain.obligations.rules import Kind, Occasion, Shown, Status
from madoguchi.ground.contracts.profile import Due, Duty, Profile, load_profile

pytestmark = pytest.mark.req("CON-03", "CON-04", "REP-02")
CODES = ("hatsukaichi", "izumi", "izunokuni", "nagaoka", "urasoe")
ALL: dict[str, Profile] = {code: load_profile(Path(settings.PROFILES_DIR) / f"{code}.toml") for code in CODES}
OPEN = {code: rules.open_days(profile) for code, profile in ALL.items()}
D = dt.date


def duty_of(code: str, name: str) -> Duty:
    return next(one for one in rules.duties(ALL[code]) if one.code == name)


def dues(code: str, name: str) -> list[str]:
    return [one.due.isoformat() for one in rules.occasions(duty_of(code, name), ALL[code], OPEN[code])]


MONTHLY = {
    # the 10th, or the Friday before a weekend; 2028-01-10 is the Monday of Coming-of-Age Day, so the 7th
    "hatsukaichi": """2026-08-10 2026-09-10 2026-10-09 2026-11-10 2026-12-10 2027-01-08 2027-02-10 2027-03-10 2027-04-09 2027-05-10 2027-06-10
        2027-07-09 2027-08-10 2027-09-10 2027-10-08 2027-11-10 2027-12-10 2028-01-07 2028-02-10 2028-03-10 2028-04-10 2028-05-10 2028-06-09 2028-07-10""",
    "izumi": "2026-08-10 2026-09-10 2026-10-09 2026-11-10 2026-12-10 2027-01-08 2027-02-10 2027-03-10 2027-03-31",
    "izunokuni": """2026-05-08 2026-06-10 2026-07-10 2026-08-10 2026-09-10 2026-10-09 2026-11-10 2026-12-10 2027-01-08 2027-02-10 2027-03-10
        2027-04-09""",
    "nagaoka": """2026-03-10 2026-04-10 2026-05-08 2026-06-10 2026-07-10 2026-08-10 2026-09-10 2026-10-09 2026-11-10 2026-12-10 2027-01-08
        2027-02-10""",
    "urasoe": "2025-08-08 2025-09-10 2025-10-10 2025-11-10 2025-12-10 2026-01-09 2026-02-10 2026-03-10 2026-04-10",
}


@pytest.mark.parametrize("code", CODES)
def test_monthly_reports_over_the_whole_term(code: str) -> None:
    assert dues(code, "monthly") == MONTHLY[code].split()


def test_march_of_one_city_is_due_on_its_last_day_and_names_its_month() -> None:
    last = rules.occasions(duty_of("izumi", "monthly"), ALL["izumi"], OPEN["izumi"])[-1]
    assert (last.key, last.label, last.due) == ("2027-03", "令和9年3月分", D(2027, 3, 31))


PREPARED = {
    ("izumi", "implementation_plan"): "2026-06-24",  # a week before 1 July
    ("izumi", "training_before_start"): "2026-06-30",
    ("izumi", "manual_before_start"): "2026-06-30",
    ("izunokuni", "business_plan"): "2026-03-31",
    ("izunokuni", "faq"): "2026-03-31",
    ("hatsukaichi", "lines_ready"): "2026-06-30",
    ("hatsukaichi", "training_before_start"): "2026-06-30",
    ("nagaoka", "roster"): "2026-02-01",
    ("urasoe", "connection_test"): "2025-06-30",
}


@pytest.mark.parametrize(("of", "due"), PREPARED.items())
def test_what_is_due_before_the_start(of: tuple[str, str], due: str) -> None:
    assert dues(*of) == [due]
    assert rules.kind_of(duty_of(*of)) is Kind.PREPARATION


COUNTED = {
    ("izumi", "shredding"): ["2026-09-30", "2026-12-31", "2027-03-31"],  # quarters of the fiscal year within the service
    ("izumi", "training_regular"): ["2026-09-30", "2027-03-31"],
    ("hatsukaichi", "training_privacy"): ["2027-03-31", "2028-03-31", "2028-06-30"],
    ("nagaoka", "training_privacy"): ["2026-03-31", "2027-01-31"],
    ("nagaoka", "books"): ["2032-03-31"],  # completed in the fiscal year 2026, which ends on 2027-03-31
    ("hatsukaichi", "data_return"): ["2028-07-30"],
    ("izumi", "equipment_return"): ["2027-03-31"],
    ("izumi", "qualification"): ["2027-03-31"],
    ("urasoe", "maintenance_records"): MONTHLY["urasoe"].split(),
}


@pytest.mark.parametrize(("of", "due"), COUNTED.items())
def test_yearly_several_times_a_year_and_at_the_end(of: tuple[str, str], due: list[str]) -> None:
    assert dues(*of) == due


def test_weekly_checks_are_due_on_the_last_working_day_of_each_week() -> None:
    found = rules.occasions(duty_of("urasoe", "maintenance_check"), ALL["urasoe"], OPEN["urasoe"])
    assert len(found) == 40
    assert found[0].opens == D(2025, 7, 1)
    assert found[-1].due == D(2026, 3, 31)
    fridays = {D(2025, 7, 4) + dt.timedelta(weeks=n) for n in range(39)}
    moved = {D(2026, 1, 2), D(2026, 3, 20)}  # closed for New Year; the equinox
    assert {one.due for one in found} == fridays - moved | {D(2026, 1, 4), D(2026, 3, 19), D(2026, 3, 31)}


def test_a_week_without_any_working_day_keeps_its_last_day() -> None:
    week = next(one for one in rules.occasions(duty_of("urasoe", "maintenance_check"), ALL["urasoe"], OPEN["urasoe"]) if one.key == "2026-W01")
    assert (week.opens, week.closes, week.due) == (D(2025, 12, 29), D(2026, 1, 4), D(2026, 1, 4))


def test_a_change_of_the_roster_is_told_two_weeks_ahead() -> None:
    one = rules.event_occasion(duty_of("izumi", "roster_change"), 7, D(2026, 12, 1), OPEN["izumi"])
    assert (one.key, one.due) == ("event-7", D(2026, 11, 17))


def test_trouble_is_told_on_the_day_and_what_was_asked_for_on_the_day_asked() -> None:
    assert rules.event_occasion(duty_of("izumi", "incident"), 1, D(2026, 12, 5), OPEN["izumi"]).due == D(2026, 12, 5)
    assert rules.event_occasion(duty_of("izumi", "improvement"), 1, D(2026, 12, 5), OPEN["izumi"]).due == D(2026, 12, 5)


def test_closed_days_move_a_due_date_as_agreed() -> None:
    is_open = OPEN["izumi"]
    sunday, holiday = D(2027, 1, 10), D(2027, 1, 11)  # a Sunday opening of the branch, and Coming-of-Age Day
    assert not is_open(sunday)
    assert [rules.moved(sunday, how, is_open) for how in ("as_is", "before", "after")] == [sunday, D(2027, 1, 8), D(2027, 1, 12)]
    assert rules.moved(holiday, "before", is_open) == D(2027, 1, 8)
    assert rules.moved(D(2026, 12, 31), "before", is_open) == D(2026, 12, 28)
    assert rules.moved(D(2026, 12, 31), "after", is_open) == D(2027, 1, 4)


def made(**due: Any) -> Duty:
    return Duty(code="x", name="義務", due=Due(**due))


def test_the_last_business_day_of_a_month() -> None:
    found = rules.occasions(made(rule="last_business_day"), ALL["izumi"], OPEN["izumi"])
    assert [one.due for one in found] == [
        D(2026, 7, 31), D(2026, 8, 31), D(2026, 9, 30), D(2026, 10, 30), D(2026, 11, 30), D(2026, 12, 28), D(2027, 1, 29), D(2027, 2, 26), D(2027, 3, 31),
    ]  # fmt: skip


CLOSED = st.sampled_from(["as_is", "before"])
SCHEDULES = st.one_of(
    st.builds(lambda day, closed: made(rule="day_of_next_month", day=day, closed=closed), st.integers(1, 31), CLOSED | st.just("after")),
    st.builds(lambda times, closed: made(rule="times_a_year", times=times, closed=closed), st.sampled_from([1, 2, 3, 4, 6, 12]), CLOSED),
    st.builds(lambda closed: made(rule="weekly", closed=closed), CLOSED),
    st.sampled_from([made(rule="daily"), made(rule="last_business_day"), made(rule="month_end")]),
)


@given(duty=SCHEDULES, code=st.sampled_from(CODES))
def test_every_period_of_the_service_has_one_due_date_in_order(duty: Duty, code: str) -> None:
    profile = ALL[code]
    found = rules.occasions(duty, profile, OPEN[code])
    assert found
    assert len({one.key for one in found}) == len(found)
    assert [one.due for one in found] == sorted(one.due for one in found)
    assert all(one.opens <= one.due for one in found)
    months = {(m.year, m.month) for m in (profile.term.service_from + dt.timedelta(days=n) for n in range(_days(profile)))}
    if duty.due.rule in ("day_of_next_month", "last_business_day", "month_end"):
        assert {one.key for one in found} == {f"{y}-{m:02}" for y, m in months}
    if found[0].closes is not None:
        covered = [one.opens + dt.timedelta(days=n) for one in found for n in range((one.closes - one.opens).days + 1)]  # type: ignore[operator]
        assert covered == [profile.term.service_from + dt.timedelta(days=n) for n in range(_days(profile))]
        assert all(one.opens <= one.due <= one.closes for one in found if one.closes)


def _days(profile: Profile) -> int:
    return (profile.term.service_to - profile.term.service_from).days + 1


RANK = {Status.NOTHING: 0, Status.NOT_YET: 1, Status.DUE: 2, Status.BREACHED: 3}


@given(due=st.integers(0, 60), since=st.one_of(st.none(), st.integers(0, 60)), remind=st.lists(st.integers(0, 30), max_size=3))
def test_a_status_without_evidence_only_grows_louder(due: int, since: int | None, remind: list[int]) -> None:
    begin = D(2026, 11, 1)
    duty = Duty(code="x", name="義務", due=Due(rule="on_request"), remind_days=tuple(remind))
    occasion = Occasion("x", "1", "回", begin, None, begin + dt.timedelta(days=due))
    opened = None if since is None else begin + dt.timedelta(days=since)
    found = [rules.status(duty, occasion, None, today=begin + dt.timedelta(days=n), since=opened) for n in range(90)]
    assert [RANK[one] for one in found] == sorted(RANK[one] for one in found)
    counted = opened is not None and occasion.due >= opened
    assert (found[-1] is Status.BREACHED) == counted
    assert found.count(Status.BREACHED) == (89 - due if counted else 0)
    for n in range(90):
        assert rules.status(duty, occasion, Shown(begin), today=begin + dt.timedelta(days=n), since=opened) is Status.MET


def test_figures_are_never_breached_by_silence_but_by_their_value() -> None:
    duty = duty_of("hatsukaichi", "answer_rate")
    one = rules.occasions(duty, ALL["hatsukaichi"], OPEN["hatsukaichi"])[0]
    asked = {"today": D(2027, 1, 1), "since": D(2026, 1, 1)}
    found = [rules.status(duty, one, shown, **asked) for shown in (None, Shown(one.due, True), Shown(one.due, False), Shown(one.due, None))]
    assert found == [Status.NOT_YET, Status.MET, Status.BREACHED, Status.NOTHING]


def test_reminders_go_out_once_each_and_missed_ones_do_not_pile_up() -> None:
    duty = made(rule="weekly")
    one = Occasion("x", "1", "回", D(2026, 11, 1), None, D(2026, 11, 20))
    days = {day: rules.reminder_days(duty, one, today=D(2026, 11, day)) for day in (12, 13, 16, 19, 20, 21)}
    assert days == {12: None, 13: 7, 16: 7, 19: 1, 20: 1, 21: None}


def test_a_fact_proves_the_earliest_occasion_it_may_and_each_only_one() -> None:
    weeks = rules.occasions(duty_of("urasoe", "maintenance_check"), ALL["urasoe"], OPEN["urasoe"])[:3]
    facts = [(D(2025, 7, 15), "c"), (D(2025, 7, 3), "a"), (D(2025, 7, 16), "d"), (D(2025, 6, 1), "before")]
    assert rules.proved_by(weeks, facts, []) == {weeks[0].key: (D(2025, 7, 3), "a"), weeks[2].key: (D(2025, 7, 15), "c")}
    assert rules.proved_by(weeks, facts, [weeks[0].key]) == {weeks[2].key: (D(2025, 7, 15), "c")}


@pytest.mark.parametrize("code", CODES)
def test_every_duty_has_its_section_a_reader_and_a_rule_in_words(code: str) -> None:
    for duty in rules.duties(ALL[code]):
        assert duty.source, duty.code
        assert rules.rule_text(duty), duty.code
        found = rules.occasions(duty, ALL[code], OPEN[code])
        assert bool(found) == (duty.due.rule not in rules.EVENT_RULES and duty.proof.kind != "none"), duty.code


def test_every_threshold_is_held_against_a_figure_that_exists() -> None:
    from madoguchi.domain.obligations.measured import CONTRACT_ANSWER_RATE
    from madoguchi.domain.reports.measures import MEASURES

    wanted = [one.threshold.measure for profile in ALL.values() for one in rules.duties(profile) if one.threshold]
    assert wanted
    assert set(wanted) <= {*MEASURES, CONTRACT_ANSWER_RATE}
