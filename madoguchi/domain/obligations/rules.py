"""When an obligation falls due, and how it stands. Pure: the profile, days and evidence in, occasions and statuses out.

A day is *closed* for due dates unless it is one of Monday to Friday on which the contract's counter (else its telephone, else its online
counter) serves by its agreed hours. Weekend openings do not make an office that takes papers. Changes of the calendar by staff are not
asked, so a due date is known on the day of signing and never moves.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from madoguchi.ground.contracts.calendar import BusinessCalendar
from madoguchi.ground.contracts.profile import Due, Duty, Profile
from madoguchi.ground.kit import dates

DAY = dt.timedelta(days=1)
DUE_SOON = 14
"""Days before its due date from which an occasion counts as due; sooner where its reminders begin sooner."""
SEARCHED = 31
EVENT_RULES = frozenset({"before_change", "on_change", "at_once", "on_request", "agreed"})
"""Rules without a calendar: each occasion is recorded as an event."""
Open = Callable[[dt.date], bool]


class Kind(StrEnum):
    """How an obligation is looked at."""

    DATE = "date"
    COUNT = "count"
    THRESHOLD = "threshold"
    PREPARATION = "preparation"
    EVENT = "event"
    STANDING = "standing"


KIND_LABELS = {
    Kind.DATE: "期限のあるもの", Kind.COUNT: "年に何回か行うもの", Kind.THRESHOLD: "数字の基準", Kind.PREPARATION: "業務開始前の準備",
    Kind.EVENT: "できごとがあったとき", Kind.STANDING: "つねに守るもの",
}  # fmt: skip


def kind_of(duty: Duty) -> Kind:
    """What kind of obligation a duty is: nothing to prove is always kept; the rest follows from its due rule."""
    rule = duty.due.rule
    if duty.proof.kind == "none" or rule == "keep_years":
        return Kind.STANDING
    if rule in EVENT_RULES:
        return Kind.EVENT
    return {"month_end": Kind.THRESHOLD, "before_service": Kind.PREPARATION, "times_a_year": Kind.COUNT, "yearly": Kind.COUNT}.get(rule, Kind.DATE)


@dataclass(frozen=True, slots=True)
class Occasion:
    """One time an obligation falls due.

    ``key`` is unique within the obligation and never changes. ``opens`` is the first day on which evidence counts, ``closes`` the last one for
    works that belong to their days (a week's check), None where late evidence still counts. ``label`` names it for people.
    """

    code: str
    key: str
    label: str
    opens: dt.date
    closes: dt.date | None
    due: dt.date


class Status(StrEnum):
    """How an occasion stands, from quiet to loud."""

    NOTHING = "nothing"
    NOT_YET = "not_yet"
    MET = "met"
    DUE = "due"
    BREACHED = "breached"


STATUS_LABELS = {
    Status.MET: "履行済み", Status.DUE: "期限が近い", Status.BREACHED: "違反", Status.NOT_YET: "これから", Status.NOTHING: "対象なし",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """Standing evidence as rules see it: the day it was done, and of a figure whether it was reached (None: nothing to count)."""

    on: dt.date
    reached: bool | None = True


def status(duty: Duty, occasion: Occasion, shown: Shown | None, *, today: dt.date, since: dt.date | None) -> Status:
    """How an occasion stands on a day, given its standing evidence. ``since``: what was due before is not counted; None: nothing is yet.

    Without evidence it goes from NOT_YET over DUE to BREACHED and never back as days pass. A figure is never breached by silence.
    """
    if shown is not None:
        return {True: Status.MET, False: Status.BREACHED, None: Status.NOTHING}[shown.reached]
    if kind_of(duty) is Kind.STANDING or since is None or occasion.due < since:
        return Status.NOTHING
    if kind_of(duty) is Kind.THRESHOLD:
        return Status.NOT_YET
    if today > occasion.due:
        return Status.BREACHED
    if occasion.due - today <= dt.timedelta(days=max(DUE_SOON, *duty.remind_days, 0)):
        return Status.DUE
    return Status.NOT_YET


def late(occasion: Occasion, shown: Shown | None) -> bool:
    """Whether it was done, but after it was due."""
    return shown is not None and shown.on > occasion.due


def reminder_days(duty: Duty, occasion: Occasion, *, today: dt.date) -> int | None:
    """The reminder that is to go out on a day: how many days before the due date; the latest if several were missed, None if none is due yet."""
    left = (occasion.due - today).days
    return min((days for days in duty.remind_days if 0 <= left <= days), default=None)


def duties(profile: Profile) -> tuple[Duty, ...]:
    """Every obligation of a contract: papers first."""
    return (*profile.reports, *profile.obligations)


def open_days(profile: Profile) -> Open:
    """Whether a day is one for due dates (see the module)."""
    days = BusinessCalendar(profile)
    channel = next(one for one in ("counter", "phone", "online", "web") if one in profile.channels.offered())

    @lru_cache(maxsize=4096)
    def is_open(day: dt.date) -> bool:
        return day.weekday() < 5 and any(days.day(site.code, channel, day).intervals for site in profile.sites)

    return is_open


def moved(day: dt.date, closed: str, is_open: Open, *, not_before: dt.date | None = None) -> dt.date:
    """A due day, moved off closed days as agreed. It stays where no open day lies within :data:`SEARCHED` days, or within its own period."""
    if closed == "as_is" or is_open(day):
        return day
    step = -DAY if closed == "before" else DAY
    found = day
    for _ in range(SEARCHED):
        found += step
        if not_before is not None and found < not_before:
            return day
        if is_open(found):
            return found
    return day


def occasions(duty: Duty, profile: Profile, is_open: Open) -> list[Occasion]:
    """All occasions of an obligation over the contract, by due date; none for rules of events, nor where nothing is to be proved."""
    if duty.proof.kind == "none":
        return []
    due = duty.due
    if due.report is not None:
        paper = next(one for one in profile.reports if one.code == due.report)
        due = paper.due
    return sorted((Occasion(duty.code, *one) for one in _SCHEDULES[due.rule](due, profile, is_open)), key=lambda one: one.due)


def event_occasion(duty: Duty, number: int, on: dt.date, is_open: Open) -> Occasion:
    """The occasion that an event of a day makes."""
    days = dt.timedelta(days=duty.due.days or 0)
    day = on - days if duty.due.rule == "before_change" else on + days if duty.due.rule == "on_change" else on
    opens = dt.date.min if duty.due.rule in ("before_change", "on_request", "agreed") else on
    return Occasion(duty.code, f"event-{number}", dates.show(on, weekday=False), opens, None, moved(day, duty.due.closed, is_open))


_Row = tuple[str, str, dt.date, dt.date | None, dt.date]


def _months(profile: Profile) -> Iterator[tuple[dt.date, dt.date]]:
    """(first, last) of the months of the service, cut to it."""
    term = profile.term
    first = term.service_from
    while first <= term.service_to:
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
        yield first, min(last, term.service_to)
        first = last + DAY


def _month_label(day: dt.date) -> str:
    return f"{dates.show_month(day)}分"


def _next_month(due: Due, profile: Profile, is_open: Open) -> Iterator[_Row]:
    special = {one.period: one.date for one in due.exceptions}
    for first, last in _months(profile):
        key = f"{first:%Y-%m}"
        following = (first.replace(day=28) + 4 * DAY).replace(day=1)
        wanted = min(due.day or 1, calendar.monthrange(following.year, following.month)[1])
        day = special.get(key) or moved(following.replace(day=wanted), due.closed, is_open)
        yield key, _month_label(first), min(following, last, day), None, day


def _last_business_day(due: Due, profile: Profile, is_open: Open) -> Iterator[_Row]:
    special = {one.period: one.date for one in due.exceptions}
    for first, last in _months(profile):
        key = f"{first:%Y-%m}"
        yield key, _month_label(first), first, None, special.get(key) or moved(last, "before", is_open, not_before=first)


def _month_end(due: Due, profile: Profile, is_open: Open) -> Iterator[_Row]:
    for first, last in _months(profile):
        yield f"{first:%Y-%m}", _month_label(first), first, None, last


def _on_dates(due: Due, profile: Profile, is_open: Open) -> Iterator[_Row]:
    opens = profile.term.contract_from or profile.term.service_from
    for n, day in enumerate(sorted(due.dates), 1):
        yield f"{n}", f"第{n}回" if len(due.dates) > 1 else "1回", min(opens, day), None, moved(day, due.closed, is_open)
        opens = day + DAY


def _daily(due: Due, profile: Profile, is_open: Open) -> Iterator[_Row]:
    day = profile.term.service_from
    while day <= profile.term.service_to:
        if is_open(day):
            yield day.isoformat(), dates.show(day), day, None, moved(day + DAY, "after", is_open)
        day += DAY


def _weekly(due: Due, profile: Profile, is_open: Open) -> Iterator[_Row]:
    first = profile.term.service_from
    while first <= profile.term.service_to:
        last = min(first + DAY * (6 - first.weekday()), profile.term.service_to)
        year, week, _ = first.isocalendar()
        label = f"{first.year}年{first.month}月{first.day}日からの週"
        yield f"{year}-W{week:02}", label, first, last, moved(last, due.closed, is_open, not_before=first)
        first = last + DAY


def _parts_of_years(due: Due, profile: Profile, is_open: Open) -> Iterator[_Row]:
    """The fiscal year in ``times`` equal parts, cut to the service; a part outside of it asks for nothing."""
    term, times, begins = profile.term, due.times or 1, profile.fiscal.year_starts_month
    year = term.service_from.year - (term.service_from.month < begins)
    length = 12 // times
    while dt.date(year, begins, 1) <= term.service_to:
        for n in range(times):
            first = _month(year, begins + n * length)
            last = _month(year, begins + (n + 1) * length) - DAY
            first, last = max(first, term.service_from), min(last, term.service_to)
            if first <= last:
                label = f"{dates.show_fiscal_year(year)}" if times == 1 else f"{dates.show_fiscal_year(year)} {n + 1}／{times}回目"
                yield f"{year}-{n + 1}", label, first, last, moved(last, due.closed, is_open, not_before=first)
        year += 1


def _month(year: int, month: int) -> dt.date:
    return dt.date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def _before_service(due: Due, profile: Profile, is_open: Open) -> Iterator[_Row]:
    day = profile.term.service_from - DAY * (due.days or 0)
    yield "start", "業務開始前", dt.date.min, None, moved(day, due.closed, is_open)


def _end_of_term(due: Due, profile: Profile, is_open: Open) -> Iterator[_Row]:
    day = profile.term.contract_to + DAY * (due.days or 0)
    yield "end", "契約の終了", profile.term.service_from, None, moved(day, due.closed, is_open)


def _keep(due: Due, profile: Profile, is_open: Open) -> Iterator[_Row]:
    begins, ends = profile.fiscal.year_starts_month, profile.term.contract_to
    year = ends.year - (ends.month < begins) + 1 + (due.years or 0)
    yield "keep", f"完了した年度の終了後{due.years}年", profile.term.service_from, None, dt.date(year, begins, 1) - DAY


def _none(due: Due, profile: Profile, is_open: Open) -> Iterable[_Row]:
    return ()


_SCHEDULES: dict[str, Callable[[Due, Profile, Open], Iterable[_Row]]] = {
    "day_of_next_month": _next_month,
    "last_business_day": _last_business_day,
    "month_end": _month_end,
    "on_dates": _on_dates,
    "daily": _daily,
    "weekly": _weekly,
    "yearly": _parts_of_years,
    "times_a_year": _parts_of_years,
    "before_service": _before_service,
    "end_of_term": _end_of_term,
    "keep_years": _keep,
    **dict.fromkeys(EVENT_RULES, _none),
}


def proved_by(found: Sequence[Occasion], days: Iterable[tuple[dt.date, str]], met: Iterable[str]) -> dict[str, tuple[dt.date, str]]:
    """Which open occasions (by key) facts prove: (day, reference) each. The earliest fact proves the earliest occasion that it may; one each."""
    done = set(met)
    proved: dict[str, tuple[dt.date, str]] = {}
    for day, ref in sorted(days):
        for one in found:
            if one.key not in done and one.opens <= day and (one.closes is None or day <= one.closes):
                proved[one.key] = (day, ref)
                done.add(one.key)
                break
    return proved


def rule_text(duty: Duty) -> str:
    """The due rule as people read it."""
    due = duty.due
    texts = {
        "day_of_next_month": f"翌月の{due.day}日まで", "last_business_day": "月の最終開庁日まで", "month_end": "毎月、月末に数える",
        "on_dates": "・".join(dates.show(one, weekday=False) for one in due.dates), "daily": "開庁日ごと", "weekly": "週に1回以上",
        "yearly": f"年度に{due.times}回以上", "times_a_year": f"年度に{due.times}回", "at_once": "直ちに",
        "before_service": "業務開始の前日まで" if due.days == 1 else f"業務開始の{due.days}日前まで", "before_change": f"{due.days}日前まで",
        "with_report": "報告書とあわせて", "on_request": "市が求めた日まで", "agreed": "市と合意した日まで", "on_change": f"{due.days}日以内",
        "end_of_term": f"契約終了後{due.days}日以内" if due.days else "契約の終了まで", "keep_years": f"年度の終了後{due.years}年の保存",
    }  # fmt: skip
    shift = {"before": "（閉庁日のときは前の開庁日）", "after": "（閉庁日のときは次の開庁日）"}.get(due.closed, "")
    special = "".join(f"（{one.period[:4]}年{int(one.period[5:])}月分は{one.date.month}月{one.date.day}日）" for one in due.exceptions)
    return texts[due.rule] + shift + special
