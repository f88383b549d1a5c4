"""One-day changes, stops, decisions in conflicts, moments, overruns, bands."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from madoguchi.ground.contracts.calendar import (
    JST,
    BusinessCalendar,
    CalendarError,
    Degraded,
    Override,
    Overrun,
    Stop,
    bands,
    day_as_json,
    subtract,
    union,
)
from madoguchi.ground.contracts.profile import CHANNELS, END_OF_DAY, load_all, parse_profile

PROFILES_DIR = Path(__file__).parents[3] / "profiles"
PROFILES = load_all(PROFILES_DIR)


def calendar(code, *overrides, stops=(), **kwargs):
    return BusinessCalendar(PROFILES[code], overrides=overrides, stops=stops, **kwargs)


def changed(code, old, new):
    text = (PROFILES_DIR / f"{code}.toml").read_text()
    assert old in text
    return BusinessCalendar(parse_profile(text.replace(old, new), name=code))


def open_at(day):
    return [f"{a}-{b}" for a, b in day_as_json(day)["open"]]


def jst(*parts):
    return datetime(*parts, tzinfo=JST)


def seen(day):
    return open_at(day), day_as_json(day)["last_reception"], day.reason, day.layer


# Reasons


@pytest.mark.req("CAL-01", "CAL-02", "CAL-03")
@pytest.mark.parametrize(
    ("code", "site", "channel", "on", "reason", "layer"),
    [
        ("izunokuni", "main", "phone", date(2026, 4, 1), "通常", "weekly"),
        ("izunokuni", "main", "phone", date(2026, 4, 2), "延長開庁（木曜）", "weekly"),
        ("nagaoka", "main", "counter", date(2026, 4, 2), "延長開庁（第1・3木曜）", "nth"),
        ("nagaoka", "main", "counter", date(2026, 4, 9), "通常", "weekly"),
        ("nagaoka", "main", "counter", date(2026, 4, 12), "休日開庁（指定日）", "designated"),
        ("izumi", "honkan", "counter", date(2026, 7, 26), "日曜開庁", "nth"),
        ("urasoe", "main", "online", date(2025, 7, 19), "土曜開庁", "nth"),
        ("urasoe", "main", "online", date(2025, 7, 2), "延長開庁（水曜）", "weekly"),
        ("hatsukaichi", "main", "phone", date(2026, 11, 23), "祝日（勤労感謝の日）", "holiday"),
        ("hatsukaichi", "main", "phone", date(2026, 5, 6), "祝日（憲法記念日 振替休日）", "holiday"),
        ("hatsukaichi", "main", "phone", date(2026, 9, 22), "祝日（国民の休日）", "holiday"),
        ("hatsukaichi", "main", "phone", date(2027, 1, 1), "年末年始", "year_end"),
        ("hatsukaichi", "main", "phone", date(2026, 11, 21), "休業日（土曜）", "rest"),
        ("hatsukaichi", "main", "online", date(2026, 11, 20), "取扱いなし", "not_offered"),
        ("hatsukaichi", "main", "web", date(2027, 1, 1), "24時間受付", "weekly"),
    ],
)
def test_the_reason_names_the_layer(code, site, channel, on, reason, layer):
    day = calendar(code).day(site, channel, on)
    assert (day.reason, day.layer) == (reason, layer)


@pytest.mark.req("CAL-01")
def test_the_web_is_open_to_midnight():
    assert day_as_json(calendar("hatsukaichi").day("main", "web", date(2026, 12, 31))) == {
        "date": "2026-12-31",
        "open": [["00:00", "24:00"]],
        "last_reception": None,
        "reason": "24時間受付",
    }


@pytest.mark.req("CAL-01")
def test_the_term_counts_only_when_asked():
    cal = calendar("urasoe")
    assert open_at(cal.day("main", "online", date(2026, 4, 1))) == ["08:30-20:00"]
    outside = cal.day("main", "online", date(2026, 4, 1), respect_term=True)
    assert seen(outside) == ([], None, "契約期間外", "outside_term")
    assert open_at(cal.day("main", "online", date(2026, 3, 31), respect_term=True)) == ["08:30-17:15"]
    after = cal.at("main", "online", jst(2026, 3, 31, 18, 0), respect_term=True)
    assert (after.open, after.next_open) == (False, None)


@pytest.mark.req("CAL-01")
def test_unknown_sites_channels_and_naive_moments_are_refused():
    cal = calendar("izumi")
    with pytest.raises(CalendarError, match="unknown site 'main': expected one of honkan, plaza"):
        cal.day("main", "counter", date(2026, 7, 1))
    with pytest.raises(CalendarError, match="unknown channel 'fax': expected one of web, phone, counter, online"):
        cal.day("honkan", "fax", date(2026, 7, 1))
    with pytest.raises(CalendarError, match="time zone"):
        cal.at("honkan", "counter", datetime(2026, 7, 1, 9, 0))
    with pytest.raises(CalendarError, match="17:00-09:00 does not start before it ends"):
        Override(date=date(2026, 7, 1), kind="hours", intervals=((time(17), time(9)),))


# Decisions in conflicts


@pytest.mark.req("CAL-02")
def test_a_holiday_takes_the_evening_with_the_day():
    thursday_holiday = date(2027, 2, 11)
    assert seen(calendar("izunokuni").day("main", "phone", thursday_holiday)) == (
        [],
        None,
        "祝日（建国記念の日）",
        "holiday",
    )
    first_thursday = date(2028, 5, 4)
    third_thursday_before_holiday = date(2026, 10, 15)
    assert open_at(calendar("nagaoka").day("main", "counter", first_thursday)) == []
    assert open_at(calendar("nagaoka").day("main", "counter", date(2028, 5, 11))) == ["08:30-17:00"]
    assert open_at(calendar("nagaoka").day("main", "counter", third_thursday_before_holiday)) == ["08:30-19:00"]


@pytest.mark.req("CAL-02")
def test_the_first_thursday_of_a_year_may_fall_into_the_closure():
    assert calendar("nagaoka").day("main", "counter", date(2026, 1, 1)).reason == "年末年始"


@pytest.mark.req("CAL-03")
def test_a_sunday_opening_on_a_holiday_stays_open():
    second_sunday = date(2029, 2, 11)
    assert seen(calendar("urasoe").day("main", "online", second_sunday)) == (
        ["09:00-16:00"],
        "15:45",
        "日曜開庁",
        "nth",
    )
    assert open_at(calendar("izumi").day("plaza", "counter", second_sunday)) == ["08:45-12:00"]
    assert open_at(calendar("izumi").day("honkan", "counter", date(2031, 2, 23))) == ["08:45-12:00"]


@pytest.mark.req("CAL-03")
def test_a_profile_may_close_a_sunday_opening_on_a_holiday():
    cal = changed("urasoe", 'on_holidays = "open"', 'on_holidays = "closed"')
    assert seen(cal.day("main", "online", date(2029, 2, 11))) == ([], None, "祝日（建国記念の日）", "holiday")
    assert open_at(cal.day("main", "online", date(2029, 1, 14))) == ["09:00-16:00"]


@pytest.mark.req("CAL-03")
def test_a_designated_day_wins_over_a_holiday_and_the_closure():
    listed = "2026-02-08, 2026-03-08, 2026-04-12, 2026-05-10"
    cal = changed("nagaoka", listed, "2026-02-08, 2026-03-08, 2026-05-03, 2027-01-03")
    assert open_at(cal.day("main", "counter", date(2026, 5, 3))) == ["09:00-12:00"]
    assert open_at(cal.day("main", "counter", date(2027, 1, 3))) == ["09:00-12:00"]


@pytest.mark.req("CAL-02")
@pytest.mark.parametrize("code", ["izunokuni", "nagaoka"])
def test_where_holidays_are_working_days_they_have_no_evening(code):
    cal = changed(code, 'national_holidays = "closed"', 'national_holidays = "open"')
    assert open_at(cal.day("main", "phone", date(2028, 5, 4))) == ["08:30-17:15"]
    assert open_at(cal.day("main", "phone", date(2028, 6, 1))) == ["08:30-19:00"]


# One-day changes


@pytest.mark.req("CAL-05")
def test_a_typhoon_closes_a_day():
    cal = calendar("urasoe", Override(date=date(2025, 8, 6), kind="closed", reason="台風"))
    day = cal.day("main", "online", date(2025, 8, 6))
    assert seen(day) == ([], None, "臨時閉庁：台風", "override")
    assert not day.counts_as_working_day
    assert cal.day("main", "online", date(2025, 8, 7)).counts_as_working_day
    assert open_at(cal.day("main", "web", date(2025, 8, 6))) == ["00:00-24:00"]


@pytest.mark.req("CAL-05", "BILL-01")
@pytest.mark.parametrize(
    ("cut", "left", "last"),
    [
        ((time(11), END_OF_DAY), ["08:30-11:00"], "10:45"),
        ((time(0), time(13)), ["13:00-20:00"], "19:45"),
        ((time(11), time(13)), ["08:30-11:00", "13:00-20:00"], "19:45"),
    ],
)
def test_closing_for_a_part_of_the_day_leaves_one_working_day(cut, left, last):
    cal = calendar("urasoe", Override(date=date(2025, 8, 6), kind="closed", intervals=(cut,), reason="暴風警報"))
    day = cal.day("main", "counter", date(2025, 8, 6))
    assert seen(day) == (left, last, "一部閉庁：暴風警報", "override")
    assert day.counts_as_working_day


@pytest.mark.req("CAL-05")
def test_an_extra_evening_is_added_to_the_day():
    extra = Override(
        date=date(2026, 7, 1), kind="open", channel="counter", intervals=((time(17, 15), time(20)),), reason="夜間窓口"
    )
    cal = calendar("hatsukaichi", extra)
    assert seen(cal.day("main", "counter", date(2026, 7, 1))) == (
        ["08:30-20:00"],
        None,
        "臨時開庁：夜間窓口",
        "override",
    )
    assert open_at(cal.day("main", "phone", date(2026, 7, 1))) == ["08:30-17:00"]


@pytest.mark.req("CAL-05")
def test_an_extra_opening_on_a_holiday_has_the_usual_hours_without_the_evening():
    thursday_holiday = date(2026, 4, 30) + timedelta(days=287)
    assert thursday_holiday == date(2027, 2, 11)
    day = calendar("izunokuni", Override(date=thursday_holiday, kind="open")).day("main", "phone", thursday_holiday)
    assert seen(day) == (["08:30-17:15"], None, "臨時開庁", "override")


@pytest.mark.req("CAL-05")
@pytest.mark.parametrize(
    ("code", "on", "hours", "last"),
    [
        ("nagaoka", date(2026, 4, 25), ["09:00-12:00"], None),
        ("urasoe", date(2025, 7, 27), ["09:00-16:00"], "15:45"),
        ("urasoe", date(2025, 7, 21), ["08:30-17:15"], "17:00"),
        ("hatsukaichi", date(2026, 7, 5), ["08:30-17:15"], None),
    ],
)
def test_an_extra_opening_without_hours_takes_those_of_such_a_day(code, on, hours, last):
    day = calendar(code, Override(date=on, kind="open")).day("main", "counter", on)
    assert (open_at(day), day_as_json(day)["last_reception"]) == (hours, last)


@pytest.mark.req("CAL-05")
def test_a_sunday_is_moved_by_two_changes():
    cal = calendar(
        "izumi",
        Override(date=date(2026, 11, 22), kind="closed", site="honkan", reason="システムメンテナンス"),
        Override(
            date=date(2026, 11, 29),
            kind="hours",
            site="honkan",
            intervals=((time(8, 45), time(12)),),
            reason="11月22日の振替",
        ),
    )
    assert seen(cal.day("honkan", "counter", date(2026, 11, 22)))[2] == "臨時閉庁：システムメンテナンス"
    assert open_at(cal.day("honkan", "counter", date(2026, 11, 29))) == ["08:45-12:00"]
    assert open_at(cal.day("plaza", "counter", date(2026, 11, 29))) == []


@pytest.mark.req("CAL-05")
def test_of_several_changes_the_last_wins():
    on = date(2026, 7, 1)
    close, hours = (
        Override(date=on, kind="closed", reason="台風"),
        Override(date=on, kind="hours", intervals=((time(13), time(16)),), last_reception=time(15, 30)),
    )
    assert seen(calendar("hatsukaichi", close, hours).day("main", "counter", on)) == (
        ["13:00-16:00"],
        "15:30",
        "時間変更",
        "override",
    )
    assert open_at(calendar("hatsukaichi", hours, close).day("main", "counter", on)) == []


@pytest.mark.req("CAL-05")
def test_the_web_stops_only_when_it_is_named():
    on = date(2026, 7, 1)
    cal = calendar("hatsukaichi", Override(date=on, kind="closed", channel="web", reason="計画停止"))
    assert open_at(cal.day("main", "web", on)) == []
    assert open_at(cal.day("main", "counter", on)) == ["08:30-17:15"]


# Stops


@pytest.mark.req("CAL-05", "CAL-03")
def test_on_the_maintenance_sunday_the_counter_opens_without_the_card_procedures():
    day = calendar("izumi").day("honkan", "counter", date(2026, 11, 22))
    assert seen(day) == (["08:45-12:00"], None, "日曜開庁", "nth")
    assert day.degraded == (
        Degraded(
            (time(0), END_OF_DAY),
            ("card_pickup", "cert_renewal", "pin_reset", "express_issuance"),
            "全国システム停止（定期保守）",
        ),
    )
    assert day.withheld("card_pickup", time(9), time(9, 30)) == "全国システム停止（定期保守）"
    assert day.withheld("card_application", time(9), time(9, 30)) is None
    other_month = calendar("izumi").day("honkan", "counter", date(2026, 10, 25))
    assert (open_at(other_month), other_month.degraded) == (["08:45-12:00"], ())


@pytest.mark.req("CAL-05")
def test_the_nightly_stop_is_told_when_the_counter_is_open_then():
    evening = Override(date=date(2026, 7, 1), kind="open", channel="counter", intervals=((time(17, 15), time(21)),))
    day = calendar("hatsukaichi", evening).day("main", "counter", date(2026, 7, 1))
    assert day.withheld("cert_renewal", time(19, 30), time(20)) is None
    assert day.withheld("cert_renewal", time(19, 45), time(20, 15)) == "全国システム停止（夜間）"
    assert calendar("hatsukaichi").day("main", "counter", date(2026, 7, 1)).degraded == ()
    cal = calendar("hatsukaichi", evening)
    assert [d.reason for d in cal.at("main", "counter", jst(2026, 7, 1, 20, 30)).degraded] == [
        "全国システム停止（夜間）"
    ]
    assert cal.at("main", "counter", jst(2026, 7, 1, 19, 59)).degraded == ()


@pytest.mark.req("CAL-05")
def test_a_profile_may_say_that_a_stop_closes():
    cal = changed("izumi", 'effect = "degraded"', 'effect = "closed"')
    assert seen(cal.day("honkan", "counter", date(2026, 11, 22))) == ([], None, "全国システム停止（定期保守）", "stop")
    assert open_at(cal.day("honkan", "phone", date(2026, 11, 22))) == ["08:45-12:00"]


@pytest.mark.req("BOOK-13")
def test_a_planned_stop_over_midnight_cuts_the_web():
    stop = Stop(jst(2026, 7, 1, 22, 0), jst(2026, 7, 2, 5, 0), channels=("web",), reason="計画停止")
    cal = calendar("hatsukaichi", stops=[stop])
    assert open_at(cal.day("main", "web", date(2026, 7, 1))) == ["00:00-22:00"]
    assert open_at(cal.day("main", "web", date(2026, 7, 2))) == ["05:00-24:00"]
    before = cal.at("main", "web", jst(2026, 7, 1, 21, 0))
    assert (before.until, before.next_open) == (jst(2026, 7, 1, 22, 0), jst(2026, 7, 2, 5, 0))
    assert open_at(cal.day("main", "counter", date(2026, 7, 1))) == ["08:30-17:15"]


@pytest.mark.req("BOOK-13")
def test_a_stop_that_ends_at_midnight_leaves_the_next_day_alone():
    stop = Stop(jst(2026, 7, 1, 22, 0), jst(2026, 7, 2, 0, 0), channels=("web",))
    days = calendar("hatsukaichi", stops=[stop]).days("main", "web", date(2026, 7, 1), date(2026, 7, 2))
    assert [open_at(day) for day in days] == [["00:00-22:00"], ["00:00-24:00"]]


# Moments


@pytest.mark.req("CAL-01", "CAL-04")
def test_a_moment_in_the_morning_of_a_wednesday():
    status = calendar("urasoe").at("main", "online", jst(2025, 7, 2, 9, 0))
    assert status.open and status.accepting
    assert status.until == jst(2025, 7, 2, 20, 0)
    assert status.last_reception == jst(2025, 7, 2, 19, 45)
    assert status.next_open == jst(2025, 7, 3, 8, 30)


@pytest.mark.req("CAL-04")
@pytest.mark.parametrize(
    ("clock", "is_open", "accepting"),
    [
        ((8, 29, 59), False, False),
        ((8, 30, 0), True, True),
        ((17, 0, 0), True, True),
        ((17, 0, 1), True, False),
        ((17, 14, 59), True, False),
        ((17, 15, 0), False, False),
    ],
)
def test_the_edges_of_a_day(clock, is_open, accepting):
    status = calendar("urasoe").at("main", "online", jst(2025, 7, 1, *clock))
    assert (status.open, status.accepting) == (is_open, accepting)


@pytest.mark.req("CAL-01", "CALL-01")
def test_the_next_opening_skips_the_closure_and_the_weekend():
    status = calendar("hatsukaichi").at("main", "phone", jst(2026, 12, 28, 17, 0))
    assert (status.open, status.reason, status.next_open) == (False, "時間外", jst(2027, 1, 4, 8, 30))
    holiday = calendar("hatsukaichi").at("main", "phone", jst(2026, 11, 23, 12, 0))
    assert (holiday.reason, holiday.next_open) == ("祝日（勤労感謝の日）", jst(2026, 11, 24, 8, 30))


@pytest.mark.req("CAL-01")
def test_a_channel_that_never_closes_has_no_end_and_one_that_is_not_offered_no_opening():
    web = calendar("hatsukaichi").at("main", "web", jst(2026, 7, 1, 3, 0))
    assert (web.open, web.until, web.next_open) == (True, None, None)
    online = calendar("hatsukaichi").at("main", "online", jst(2026, 7, 1, 12, 0))
    assert (online.open, online.next_open, online.reason) == (False, None, "取扱いなし")


@pytest.mark.req("CAL-01", "BOOK-13")
@pytest.mark.parametrize(("days", "told"), [(0, True), (7, True), (8, False)])
def test_an_end_is_told_within_seven_days(days, told):
    begins = jst(2026, 7, 1, 22, 0) + timedelta(days=days)
    stop = Stop(begins, begins + timedelta(hours=1), channels=("web",))
    status = calendar("hatsukaichi", stops=[stop]).at("main", "web", jst(2026, 7, 1, 12, 0))
    assert status.until == (begins if told else None)


@pytest.mark.req("CAL-01")
def test_moments_of_other_zones_are_the_same_moments():
    cal = calendar("izunokuni")
    assert cal.at("main", "phone", datetime(2026, 4, 1, 23, 45, tzinfo=ZoneInfo("UTC"))).open
    assert cal.at("main", "phone", jst(2026, 4, 2, 8, 45)).open


# Overrun


@pytest.mark.req("CAL-06")
@pytest.mark.parametrize(
    ("begun", "now", "allowed", "minutes"),
    [
        ((17, 0), (17, 15), True, 0),
        ((17, 0), (17, 40), True, 25),
        ((17, 14), (17, 15, 1), True, 1),
        ((17, 20), (17, 30), False, 10),
        ((8, 20), (8, 40), False, 10),
    ],
)
def test_work_begun_within_hours_may_run_over(begun, now, allowed, minutes):
    cal = calendar("izunokuni")
    got = cal.overrun("main", "online", jst(2026, 4, 1, *begun), jst(2026, 4, 1, *now))
    assert got == Overrun(allowed, minutes)


@pytest.mark.req("CAL-06")
def test_work_cannot_end_before_it_began():
    with pytest.raises(CalendarError, match="before it began"):
        calendar("izunokuni").overrun("main", "online", jst(2026, 4, 1, 10), jst(2026, 4, 1, 9))


# Bands


@pytest.mark.req("BOOK-02", "CAL-04")
def test_bands_keep_to_breaks_and_last_reception():
    day = calendar("urasoe").day("main", "online", date(2025, 7, 12 + 1))
    cut = bands(day, 30, breaks=[(time(12), time(13))])
    assert [f"{a:%H:%M}" for a, _ in cut] == [
        "09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "13:00", "13:30", "14:00", "14:30", "15:00", "15:30",
    ]  # fmt: skip
    assert cut[-1] == (time(15, 30), time(16))
    early = calendar(
        "urasoe",
        Override(date=date(2025, 7, 13), kind="hours", intervals=((time(9), time(11)),), last_reception=time(10)),
    ).day("main", "online", date(2025, 7, 13))
    assert [f"{a:%H:%M}" for a, _ in bands(early, 30)] == ["09:00", "09:30", "10:00"]
    assert len(bands(early, 30, respect_last_reception=False)) == 4
    assert bands(early, 45) == [(time(9), time(9, 45)), (time(9, 45), time(10, 30))]
    web = calendar("urasoe").day("main", "web", date(2025, 7, 13))
    assert bands(web, 480)[-1] == (time(16), END_OF_DAY)


# Laws

PLACES = [(code, site.code, channel) for code, p in PROFILES.items() for site in p.sites for channel in CHANNELS]
minutes_of_day = st.integers(0, 1439)


@st.composite
def clock_spans(draw):
    begin, end = sorted(draw(st.lists(st.integers(0, 1440), min_size=2, max_size=2, unique=True)))
    return tuple(END_OF_DAY if m == 1440 else time(m // 60, m % 60) for m in (begin, end))


def overrides_near(first, days):
    return st.builds(
        Override,
        date=st.integers(0, days).map(lambda n: first + timedelta(days=n)),
        kind=st.sampled_from(["open", "closed", "hours"]),
        channel=st.sampled_from([None, *CHANNELS]),
        intervals=st.lists(clock_spans(), max_size=2).map(tuple),
        reason=st.just("試験"),
    )


START = date(2026, 12, 20)


@pytest.mark.req("CAL-01", "CAL-05")
@settings(max_examples=300, deadline=None)
@given(
    place=st.sampled_from(PLACES),
    changes=st.lists(overrides_near(START, 20), max_size=6),
    day=st.integers(0, 20),
    seconds=st.integers(0, 86399),
)
def test_at_agrees_with_day(place, changes, day, seconds):
    code, site, channel = place
    cal = calendar(code, *changes)
    moment = datetime.combine(START, time(0), JST) + timedelta(days=day, seconds=seconds)
    today = cal.day(site, channel, moment.date())
    clock = moment.time()
    inside = [span for span in today.intervals if span[0] <= clock < span[1]]
    status = cal.at(site, channel, moment)

    assert status.open == (len(inside) == 1)
    if status.open:
        end = inside[0][1]
        if end != END_OF_DAY:
            assert status.until == datetime.combine(moment.date(), end, JST)
        elif status.until is not None:
            assert status.until > moment
            assert cal.at(site, channel, status.until - timedelta(seconds=1)).open
        if status.until is not None:
            assert not cal.at(site, channel, status.until).open
            assert status.next_open is None or status.next_open > status.until
    else:
        assert (status.until, status.last_reception, status.accepting) == (None, None, False)
        assert status.next_open is None or status.next_open > moment
    if status.next_open is not None:
        assert cal.at(site, channel, status.next_open).open
        assert not cal.at(site, channel, status.next_open - timedelta(seconds=1)).open


@settings(max_examples=200, deadline=None)
@given(
    place=st.sampled_from(PLACES),
    changes=st.lists(overrides_near(START, 3), max_size=6),
    day=st.integers(0, 3),
    length=st.sampled_from([15, 20, 30, 45]),
)
def test_days_and_bands_are_well_formed(place, changes, day, length):
    code, site, channel = place
    today = calendar(code, *changes).day(site, channel, START + timedelta(days=day))
    for begin, end in today.intervals:
        assert begin < end
    for before, after in zip(today.intervals, today.intervals[1:], strict=False):
        assert before[1] < after[0]
    if today.last_reception is not None:
        assert today.intervals[-1][0] <= today.last_reception <= today.intervals[-1][1]
    assert all(today.covers(*band) for band in bands(today, length))


@given(first=st.lists(clock_spans(), max_size=4), second=st.lists(clock_spans(), max_size=4), minute=minutes_of_day)
def test_union_and_subtract_are_those_of_sets(first, second, minute):
    clock = time(minute // 60, minute % 60)

    def inside(spans):
        return any(begin <= clock < end for begin, end in spans)

    assert inside(union(first, second)) == (inside(first) or inside(second))
    assert inside(subtract(union((), first), second)) == (inside(first) and not inside(second))
