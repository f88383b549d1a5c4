"""Spoken hours say what the calendar does: the words are read back by a small reader that shares nothing with their maker."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.callflow import spoken
from madoguchi.ground.contracts.calendar import BusinessCalendar
from madoguchi.ground.contracts.profile import Profile, load_profile, parse_profile

EXAMPLE = (Path(__file__).parents[2] / "ground" / "contracts" / "example.toml").read_text()
PROFILES = Path(__file__).parents[3] / "profiles"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KANJI = "月火水木金土日"
ENGLISH = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Hours = list[tuple[int, int]]


def read_ja(text: str) -> tuple[dict[int, Hours], dict[tuple[int, int], Hours | int]]:
    """Weekday → spans in minutes, and (n, weekday) → spans or a later end, from the Japanese words."""
    weekly: dict[int, Hours] = {}
    nth: dict[tuple[int, int], Hours | int] = {}
    for days, said in re.findall(r"((?:毎日|第|市が|[月火水木金土日]曜日)[^、]*?)[がの]、((?:(?:(?!が、).)*?まで)+|24時間)(?=、|$)", text):
        spans = [(minutes_ja(a), minutes_ja(b)) for a, b in re.findall(r"([^、と]+?)から([^、]+?)まで", said)]
        if said == "24時間":
            spans = [(0, 1440)]
        if days.startswith("市が"):
            continue
        if numbers := re.findall(r"第(\d)", days):
            day = KANJI.index(days[-3])
            for number in numbers:
                nth[int(number), day] = spans or minutes_ja(said.removesuffix("まで"))
            continue
        for day in days_ja(days):
            weekly[day] = spans
    return weekly, nth


def days_ja(text: str) -> list[int]:
    if text == "毎日":
        return list(range(7))
    found: list[int] = []
    for part in text.split("と"):
        ends = [KANJI.index(name) for name in re.findall(r"(.)曜日", part)]
        found += range(ends[0], ends[-1] + 1)
    return found


def minutes_ja(text: str) -> int:
    if text == "正午":
        return 720
    half, hour, minute = re.fullmatch(r"(午前|午後)(\d+)時(?:(\d+)分)?", text).groups()  # type: ignore[union-attr]
    return (12 if half == "午後" else 0) * 60 + int(hour) * 60 + int(minute or 0)


def read_en(text: str) -> tuple[dict[int, Hours], dict[tuple[int, int], Hours | int]]:
    weekly: dict[int, Hours] = {}
    nth: dict[tuple[int, int], Hours | int] = {}
    for part in text.split("; "):
        days, said = part.split(", ", 1)
        spans = [(minutes_en(a), minutes_en(b) or 1440) for a, b in re.findall(r"from (.+?) to (.+?)(?= and from|$)", said)]
        if said == "24 hours":
            spans = [(0, 1440)]
        if days.startswith("on days off"):
            continue
        if days.startswith("on the "):
            day = ENGLISH.index(days.split()[-1])
            for number, word in enumerate(("first", "second", "third", "fourth", "fifth"), 1):
                if word in days:
                    nth[number, day] = spans or minutes_en(said.removeprefix("until ")) or 1440
            continue
        for piece in (["Monday to Sunday"] if days == "every day" else days.split(" and ")):
            ends = [ENGLISH.index(name) for name in piece.split(" to ")]
            for day in range(ends[0], ends[-1] + 1):
                weekly[day] = spans
    return weekly, nth


def minutes_en(text: str) -> int:
    if text in ("noon", "midnight"):
        return 720 if text == "noon" else 0
    hour, minute, half = re.fullmatch(r"(\d+)(?::(\d\d))? (AM|PM)", text).groups()  # type: ignore[union-attr]
    return (int(hour) % 12 + (12 if half == "PM" else 0)) * 60 + int(minute or 0)


def minute(value: dt.time) -> int:
    return 1440 if value == dt.time.max else value.hour * 60 + value.minute


def expected(weekly: dict[int, Hours], nth: dict[tuple[int, int], Hours | int], day: dt.date) -> Hours:
    """What a listener would think of an ordinary day."""
    spans = weekly.get(day.weekday(), [])
    rule = nth.get(((day.day + 6) // 7, day.weekday()))
    if isinstance(rule, int):
        return [*spans[:-1], (spans[-1][0], max(rule, spans[-1][1]))]
    return spans if rule is None else rule


def agree(profile: Profile, language: str, first: dt.date, days: int) -> None:
    weekly, nth = (read_en if language == "en" else read_ja)(spoken.hours(profile, language))
    calendar, site = BusinessCalendar(profile), profile.phone_site()
    assert site
    for number in range(days):
        day = calendar.day(site, "phone", first + dt.timedelta(days=number))
        if day.layer in ("holiday", "year_end", "designated"):
            continue
        opened = [(minute(a), minute(b)) for a, b in day.intervals]
        assert opened == expected(weekly, nth, day.date), (day.date, spoken.hours(profile, language))


clocks = st.integers(0, 96).map(lambda quarter: quarter * 15)


@st.composite
def spans(draw: st.DrawFn) -> list[tuple[int, int]]:
    """One or two openings of a day, in minutes."""
    points = sorted(draw(st.lists(clocks, min_size=2, max_size=4, unique=True).filter(lambda found: len(found) % 2 == 0)))
    return list(zip(points[::2], points[1::2], strict=True))


def shown(value: int) -> str:
    return f"{value // 60:02}:{value % 60:02}"


@st.composite
def hours_of_a_telephone(draw: st.DrawFn) -> str:
    """The [[hours]] of a profile: weekdays in groups, evenings, n-th weekdays."""
    days = draw(st.lists(st.sampled_from(DAYS), min_size=1, unique=True))
    groups: dict[int, list[str]] = {}
    for day in days:
        groups.setdefault(draw(st.integers(0, 2)), []).append(day)
    lines, ends = ['[[hours]]\nchannels = ["counter", "phone"]'], {}
    for group in groups.values():
        opened = draw(spans())
        text = ", ".join(f'"{shown(a)}-{shown(b)}"' for a, b in opened)
        names = ", ".join(f'"{day}"' for day in group)
        lines.append(f"[[hours.weekly]]\ndays = [{names}]\nopen = [{text}]")
        end = opened[-1][1]
        if end < 1440 and draw(st.booleans()):
            end = draw(st.integers(end // 15 + 1, 96)) * 15
            lines[-1] += f'\nextended_until = "{shown(end)}"'
        ends.update(dict.fromkeys(group, end))
    for day in draw(st.lists(st.sampled_from(DAYS), max_size=2, unique=True)):
        numbers = sorted(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True)))
        rule = f'[[hours.nth]]\nweekday = "{day}"\nnth = {numbers}\nreason = "別"'
        if day in ends and draw(st.booleans()) and ends[day] < 1440:
            lines.append(f'{rule}\nextended_until = "{shown(draw(st.integers(ends[day] // 15 + 1, 96)) * 15)}"')
        else:
            lines.append(rule + f"\nopen = [{', '.join(f'{chr(34)}{shown(a)}-{shown(b)}{chr(34)}' for a, b in draw(spans()))}]")
    return "\n\n".join(lines)


@pytest.mark.req("CALL-01", "CALL-02")
@given(hours_of_a_telephone())
def test_any_hours_are_spoken_as_the_calendar_keeps_them(hours: str) -> None:
    begin, end = EXAMPLE.index("[[hours]]"), EXAMPLE.index("[[stops]]")
    profile = parse_profile(EXAMPLE[:begin] + hours + "\n\n" + EXAMPLE[end:], name="example.toml")
    for language in ("ja", "en"):
        agree(profile, language, dt.date(2026, 9, 28), 45)


@pytest.mark.req("CALL-01", "CALL-02")
@pytest.mark.parametrize("code", ["hatsukaichi", "izunokuni", "izumi", "nagaoka"])
def test_the_hours_of_the_contracts_are_spoken_as_kept_for_two_years(code: str) -> None:
    profile = load_profile(PROFILES / f"{code}.toml")
    for language in ("ja", "en"):
        agree(profile, language, dt.date(2026, 7, 1), 730)


@pytest.mark.req("CALL-02")
def test_the_words_are_those_that_people_use() -> None:
    profile = load_profile(PROFILES / "hatsukaichi.toml")
    assert spoken.hours(profile, "ja") == "月曜日から金曜日の、午前8時30分から午後5時まで"
    assert spoken.hours(profile, "en") == "Monday to Friday, from 8:30 AM to 5 PM"
    assert spoken.closures(profile, "ja") == "祝日と、12月29日から1月3日までは、お休みです。"
    assert spoken.closures(profile, "en") == "We are closed on national holidays and from December 29 to January 3."
    evening = load_profile(PROFILES / "nagaoka.toml")
    assert spoken.hours(evening, "ja") == (
        "月曜日から金曜日が、午前8時30分から午後5時15分まで、第1と第3木曜日が、午後7時まで、市が定める休日が、午前9時から正午まで"
    )


@pytest.mark.req("CALL-02")
@given(st.integers(0, 1439))
def test_every_minute_of_the_day_is_spoken_and_understood(value: int) -> None:
    clock = dt.time(value // 60, value % 60)
    assert minutes_ja(spoken.clock_ja(clock)) == value
    assert minutes_en(spoken.clock_en(clock)) == value
    assert spoken.clock_ja(dt.time.max) == "午後12時"
