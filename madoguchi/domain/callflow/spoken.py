"""Hours in spoken words, from the data of the business calendar. Pure; Japanese and English.

Only what repeats is spoken: weekly hours, n-th weekdays, "days that the city names", holidays, the days around New Year. One-day changes
are not: an announcement is made once, and the state of the day decides which one is heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time

from madoguchi.ground.contracts.profile import END_OF_DAY, WEEKDAYS, Hours, Profile

Spans = Sequence[tuple[time, time]]

_JA = dict(zip(WEEKDAYS, ("月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日", "日曜日"), strict=True))
_EN = dict(
    zip(WEEKDAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def hours(profile: Profile, language: str) -> str:
    """The telephone's hours, to stand in 「受付時間は、…です。」 or "Our hours are …." Empty when none are agreed."""
    site = profile.phone_site()
    block = profile.hours_for(site, "phone") if site else None
    if block is None:
        return ""
    return _hours_en(block) if language == "en" else _hours_ja(block)


def closures(profile: Profile, language: str) -> str:
    """A sentence on holidays and New Year; empty when the telephone is not closed then."""
    site = profile.phone_site()
    block = profile.hours_for(site, "phone") if site else None
    if block is None:
        return ""
    english = language == "en"
    parts = []
    if block.national_holidays == "closed":
        parts.append("on national holidays" if english else "祝日")
    if block.year_end == "closed":
        parts.append(year_end(profile, language))
    if not parts:
        return ""
    return f"We are closed {' and '.join(parts)}." if english else f"{'と、'.join(parts)}は、お休みです。"


def year_end(profile: Profile, language: str) -> str:
    """The days around New Year: 「12月29日から1月3日まで」."""
    ends = [[int(part) for part in text.split("-")] for text in (profile.year_end.begins, profile.year_end.ends)]
    if language == "en":
        begin, end = (f"{_MONTHS[month - 1]} {day}" for month, day in ends)
        return f"from {begin} to {end}"
    begin, end = (f"{month}月{day}日" for month, day in ends)
    return f"{begin}から{end}まで"


def clock_ja(value: time) -> str:
    """「午前8時30分」「正午」「午後12時」."""
    if value == END_OF_DAY:
        return "午後12時"
    if (value.hour, value.minute) == (12, 0):
        return "正午"
    half, hour = ("午前", value.hour) if value.hour < 12 else ("午後", value.hour - 12)
    return f"{half}{hour}時" + (f"{value.minute}分" if value.minute else "")


def clock_en(value: time) -> str:
    """"8:30 AM", "noon", "midnight"."""
    if value == END_OF_DAY or (value.hour, value.minute) == (0, 0):
        return "midnight"
    if (value.hour, value.minute) == (12, 0):
        return "noon"
    half = "AM" if value.hour < 12 else "PM"
    return f"{(value.hour + 11) % 12 + 1}" + (f":{value.minute:02}" if value.minute else "") + f" {half}"


def _hours_ja(block: Hours) -> str:
    weekly = [(_days(days, _JA, "から", "と", "毎日"), _spans_ja(open_)) for days, open_ in _by_hours(block)]
    rest = []
    for rule in block.nth:
        days = f"{'と'.join(f'第{n}' for n in sorted(rule.nth))}{_JA[rule.weekday]}"
        rest.append((days, _spans_ja(rule.open) if rule.open else f"{clock_ja(rule.extended_until or END_OF_DAY)}まで"))
    if block.designated:
        rest.append(("市が定める休日", _spans_ja(block.designated.open)))
    if len(weekly) == 1 and not rest:
        return "の、".join(weekly[0])
    return "、".join(f"{days}が、{said}" for days, said in [*weekly, *rest])


def _hours_en(block: Hours) -> str:
    parts = [f"{_days(days, _EN, ' to ', ' and ', 'every day')}, {_spans_en(open_)}" for days, open_ in _by_hours(block)]
    for rule in block.nth:
        days = f"on the {' and '.join(_ORDINALS[n - 1] for n in sorted(rule.nth))} {_EN[rule.weekday]}"
        parts.append(f"{days}, {_spans_en(rule.open) if rule.open else f'until {clock_en(rule.extended_until or END_OF_DAY)}'}")
    if block.designated:
        parts.append(f"on days off that the city names, {_spans_en(block.designated.open)}")
    return "; ".join(parts)


def _by_hours(block: Hours) -> list[tuple[list[str], Spans]]:
    """Weekdays with equal hours together, in the order of the week."""
    found: dict[tuple[tuple[time, time], ...], list[str]] = {}
    for day in WEEKDAYS:
        rule = next((rule for rule in block.weekly if day in rule.days), None)
        if rule is None:
            continue
        spans = rule.open
        if rule.extended_until:
            spans = (*spans[:-1], (spans[-1][0], rule.extended_until))
        found.setdefault(tuple(spans), []).append(day)
    return [(days, spans) for spans, days in found.items()]


def _days(days: list[str], names: dict[str, str], to: str, and_: str, every: str) -> str:
    if len(days) == len(WEEKDAYS):
        return every
    runs: list[list[str]] = []
    for day in days:
        if runs and WEEKDAYS.index(day) == WEEKDAYS.index(runs[-1][-1]) + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    said = []
    for run in runs:
        said += [f"{names[run[0]]}{to}{names[run[-1]]}"] if len(run) > 2 else [names[day] for day in run]
    return and_.join(said)


def _whole_day(spans: Spans) -> bool:
    return list(spans) == [(time.min, END_OF_DAY)]


def _spans_ja(spans: Spans) -> str:
    if _whole_day(spans):
        return "24時間"
    return "と、".join(f"{clock_ja(begin)}から{clock_ja(end)}まで" for begin, end in spans)


def _spans_en(spans: Spans) -> str:
    if _whole_day(spans):
        return "24 hours"
    return " and ".join(f"from {clock_en(begin)} to {clock_en(end)}" for begin, end in spans)
