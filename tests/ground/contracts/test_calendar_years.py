"""Three whole years of every contract, site and channel against a table written from the specifications by hand.

The oracle shares nothing with the program: holidays are typed by hand, weekdays are counted through each month in a
plain loop, hours are strings.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import holidays
import jpholiday
import pytest

from madoguchi.ground.contracts.calendar import BusinessCalendar, day_as_json
from madoguchi.ground.contracts.profile import load_profile

PROFILES = Path(__file__).parents[3] / "profiles"

HOLIDAYS = {
    2026: "1/1 1/12 2/11 2/23 3/20 4/29 5/3 5/4 5/5 5/6 7/20 8/11 9/21 9/22 9/23 10/12 11/3 11/23",
    2027: "1/1 1/11 2/11 2/23 3/21 3/22 4/29 5/3 5/4 5/5 7/19 8/11 9/20 9/23 10/11 11/3 11/23",
    2028: "1/1 1/10 2/11 2/23 3/20 4/29 5/3 5/4 5/5 7/17 8/11 9/18 9/22 10/9 11/3 11/23",
}
NEW_YEAR = ["12/29", "12/30", "12/31", "1/1", "1/2", "1/3"]
NAGAOKA_DESIGNATED = {
    2026: "2/8 3/8 4/12 5/10 6/14 7/12 8/9 9/13 10/11 11/8 12/13",
    2027: "1/10",
    2028: "",
}

ALWAYS = "00:00 24:00"
NEVER = None


def hatsukaichi(channel, weekday, nth, off, name):
    if channel == "web":
        return ALWAYS
    if off or weekday in ("Sat", "Sun"):
        return NEVER
    return {"phone": "08:30 17:00", "counter": "08:30 17:15", "online": NEVER}[channel]


def izunokuni(channel, weekday, nth, off, name):
    if channel == "web":
        return ALWAYS
    if off or weekday in ("Sat", "Sun"):
        return NEVER
    return "08:30 19:00" if weekday == "Thu" else "08:30 17:15"


def izumi_honkan(channel, weekday, nth, off, name):
    if channel == "web":
        return ALWAYS
    if channel == "online":
        return NEVER
    if weekday == "Sun":
        return "08:45 12:00" if nth == 4 else NEVER
    return NEVER if off or weekday == "Sat" else "08:45 17:15"


def izumi_plaza(channel, weekday, nth, off, name):
    if channel == "web":
        return ALWAYS
    if channel != "counter":
        return NEVER
    if weekday == "Sun":
        return "08:45 12:00" if nth == 2 else NEVER
    return NEVER if off or weekday == "Sat" else "08:45 17:15"


def nagaoka(channel, weekday, nth, off, name):
    if channel == "web":
        return ALWAYS
    if channel == "online":
        return NEVER
    if weekday in ("Sat", "Sun"):
        return "09:00 12:00" if name in NAGAOKA_NAMED else NEVER
    if off:
        return NEVER
    if weekday == "Thu" and nth in (1, 3):
        return "08:30 19:00"
    return "08:30 17:15" if channel == "phone" else "08:30 17:00"


def urasoe(channel, weekday, nth, off, name):
    if channel == "web":
        return ALWAYS
    if weekday == "Sun":
        return "09:00 16:00 15:45" if nth == 2 else NEVER
    if weekday == "Sat":
        return "09:00 16:00 15:45" if nth == 3 else NEVER
    if off:
        return NEVER
    return "08:30 20:00 19:45" if weekday == "Wed" else "08:30 17:15 17:00"


NAGAOKA_NAMED = {f"{year}/{day}" for year, text in NAGAOKA_DESIGNATED.items() for day in text.split()}

TABLE = {
    ("hatsukaichi", "main"): hatsukaichi,
    ("izunokuni", "main"): izunokuni,
    ("izumi", "honkan"): izumi_honkan,
    ("izumi", "plaza"): izumi_plaza,
    ("nagaoka", "main"): nagaoka,
    ("urasoe", "main"): urasoe,
}


def walk():
    """Each day of 2026–2028: date, weekday, which one of its month, whether a holiday or New Year, name."""
    day = dt.date(2026, 1, 1)
    names = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    step = 0
    seen = {}
    while day.year < 2029:
        if day.day == 1:
            seen = {}
        weekday = names[step % 7]
        seen[weekday] = seen.get(weekday, 0) + 1
        short = f"{day.month}/{day.day}"
        off = short in HOLIDAYS[day.year].split() or short in NEW_YEAR
        yield day, weekday, seen[weekday], off, f"{day.year}/{short}"
        day = day + dt.timedelta(1)
        step += 1


def test_the_oracle_walks_three_years():
    days = list(walk())
    assert len(days) == 365 + 365 + 366
    assert [d[0].strftime("%a") for d in days[:400]] == [d[1] for d in days[:400]]


@pytest.mark.req("CAL-01", "CAL-02", "CAL-03", "CAL-04")
@pytest.mark.parametrize("channel", ["web", "phone", "counter", "online"])
@pytest.mark.parametrize(("code", "site"), TABLE)
def test_three_years_agree_with_the_table(code, site, channel):
    calendar = BusinessCalendar(load_profile(PROFILES / f"{code}.toml"))
    wrong = []
    for day, weekday, nth, off, name in walk():
        says = TABLE[code, site](channel, weekday, nth, off, name)
        got = day_as_json(calendar.day(site, channel, day))
        expected = says.split() if says else []
        if got["open"] != ([expected[:2]] if expected else []) or got["last_reception"] != (expected[2:] or [None])[0]:
            wrong.append((name, says, got))
    assert wrong == []


@pytest.mark.req("CAL-01")
def test_every_site_of_every_profile_stands_in_the_table():
    have = {(p.stem, site.code) for p in PROFILES.glob("*.toml") for site in load_profile(p).sites}
    assert have == set(TABLE)


@pytest.mark.req("CAL-01")
@pytest.mark.parametrize("year", range(2025, 2030))
def test_two_libraries_name_the_same_holidays(year):
    ours = {day for day, _ in jpholiday.year_holidays(year)}
    assert ours == set(holidays.Japan(years=year))


@pytest.mark.req("CAL-01")
@pytest.mark.parametrize("year", HOLIDAYS)
def test_the_holidays_typed_by_hand_are_those_of_the_library(year):
    typed = {dt.date(year, *map(int, day.split("/"))) for day in HOLIDAYS[year].split()}
    assert typed == {day for day, _ in jpholiday.year_holidays(year)}
