"""The business calendar: is a channel of a site open at a moment, until when, and when does it open next.

Layers, a later one wins:

1. ``weekly``      hours by weekday, with an evening extension that belongs to the weekday
2. ``nth``         rules for the n-th weekday of a month: a longer evening, or an opening on a day of rest
3. ``holiday``     holidays of the law of 1948, with substitute and citizens' holidays
4. ``year_end``    the closure around New Year
5. ``designated``  days named by the city in the profile
6. ``override``    one-day changes by staff, in the order given
7. ``stop``        stops of systems: they cut the hours (``closed``), or the channel stays open and some procedures
   cannot be finished (``degraded``)

Decisions where the sources leave room:

* A holiday takes the whole day from a weekday, its evening included: "every Thursday but holidays to 19:00" and "1st
  and 3rd Thursday to 19:00" are both said of days that are open anyway. The evening does not move to another Thursday.
* An opening on an n-th Saturday or Sunday that is a holiday itself stays open (``on_holidays = "open"``): the sources
  say the exception for holidays of Monday to Friday only. A profile may say ``closed``.
* The closure around New Year closes such an opening too. A designated day and a change by staff win over both.
* The national systems end at 20:00 and stand still on the Sunday after the third Saturday. A counter can still take
  applications and answer questions then, and a city moves its Sunday on its own word; so the usual effect is
  ``degraded`` for the procedures that write to the card, and a move is two one-day changes.

All times are Japan's; an end of ``24:00`` is :data:`~.profile.END_OF_DAY`. Nothing here reads the clock or a database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

import jpholiday

from .profile import CHANNELS, END_OF_DAY, WEEKDAYS, Hours, Profile, clock_of, clock_text, minute_of
from .profile.hours import Designated, NthWeekday, StopRule, Weekly

JST = ZoneInfo("Asia/Tokyo")

Interval = tuple[time, time]
Intervals = tuple[Interval, ...]
Layer = Literal[
    "weekly", "nth", "holiday", "year_end", "designated", "override", "stop", "rest", "not_offered", "outside_term"
]

OUTSIDE_TERM = "契約期間外"
NOT_OFFERED = "取扱いなし"
OUT_OF_HOURS = "時間外"

_SEARCH_DAYS = 400
_UNTIL_DAYS = 7
_KANJI = "月火水木金土日"
_MIDNIGHT = time(0, 0)


class CalendarError(ValueError):
    """A question the calendar cannot answer: an unknown site or channel, or a moment without time zone."""


@dataclass(frozen=True, slots=True)
class Override:
    """A one-day change by staff. ``site`` ``None`` means all sites; ``channel`` ``None`` all channels but ``web``,
    which a closed house does not close: reservation stops only when ``web`` is named.

    ``open`` adds ``intervals`` to the day (none given: the usual hours of such a day, without an evening extension);
    ``hours`` replaces the day's hours; ``closed`` cuts ``intervals`` out of the day (none given: the whole day).
    Raises :class:`CalendarError` for an interval that does not start before it ends.
    """

    date: date
    kind: Literal["open", "closed", "hours"]
    site: str | None = None
    channel: str | None = None
    intervals: Intervals = ()
    last_reception: time | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        for begin, end in self.intervals:
            if begin >= end:
                raise CalendarError(f"{self.date}: {begin:%H:%M}-{end:%H:%M} does not start before it ends")

    def hits(self, site: str, channel: str) -> bool:
        """Whether the change concerns ``channel`` at ``site``."""
        return self.site in (None, site) and (self.channel == channel or (self.channel is None and channel != "web"))


@dataclass(frozen=True, slots=True)
class Stop:
    """An announced stop from ``start`` (inclusive) to ``end``, both aware. Empty ``channels`` / ``sites`` means all.

    ``degraded`` leaves the channel open without ``services`` (none given: all procedures).
    """

    start: datetime
    end: datetime
    channels: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    effect: Literal["closed", "degraded"] = "closed"
    services: tuple[str, ...] = ()
    reason: str = "システム停止"


@dataclass(frozen=True, slots=True)
class Degraded:
    """A span of an open day in which ``services`` cannot be finished (empty: none can)."""

    span: Interval
    services: tuple[str, ...]
    reason: str

    def hits(self, procedure: str) -> bool:
        """Whether ``procedure`` is among those that cannot be finished."""
        return not self.services or procedure in self.services


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a channel at a site: ``intervals`` in order (empty: closed), and a short Japanese ``reason``."""

    date: date
    intervals: Intervals
    last_reception: time | None
    reason: str
    layer: Layer = "weekly"
    degraded: tuple[Degraded, ...] = field(default=())

    @property
    def counts_as_working_day(self) -> bool:
        """For billing by the day: a day that was open for any part is one day, a day closed throughout is none."""
        return bool(self.intervals)

    def covers(self, start: time, end: time) -> bool:
        """Whether ``start``–``end`` lies within one opening."""
        return any(begin <= start and end <= finish for begin, finish in self.intervals)

    def withheld(self, procedure: str, start: time, end: time) -> str | None:
        """The reason why ``procedure`` cannot be done within ``start``–``end``, or ``None``."""
        for part in self.degraded:
            if part.hits(procedure) and part.span[0] < end and start < part.span[1]:
                return part.reason
        return None


@dataclass(frozen=True, slots=True)
class Status:
    """The answer for a moment.

    ``until`` is the end of the opening, across midnight (``None`` when closed, or when no end comes within 7 days);
    ``next_open`` the start of the next opening after it, or after the moment when closed (``None`` when none comes
    within 400 days); ``last_reception`` that of the day, while open; ``accepting`` is false after it.
    """

    open: bool
    until: datetime | None
    last_reception: datetime | None
    next_open: datetime | None
    reason: str
    accepting: bool = False
    degraded: tuple[Degraded, ...] = ()


@dataclass(frozen=True, slots=True)
class Overrun:
    """Work on one case against the hours: ``allowed`` when it began while open; minutes outside of them, rounded up."""

    allowed: bool
    minutes: int


@lru_cache(maxsize=64)
def _holidays_of(year: int) -> dict[date, str]:
    return dict(jpholiday.year_holidays(year))


def default_holidays(day: date) -> str | None:
    """The name of a national holiday, substitute and citizens' holidays included; ``None`` on other days."""
    return _holidays_of(day.year).get(day)


class BusinessCalendar:
    """The calendar of one contract.

    ``overrides`` are changes by staff in the order they were made, ``stops`` announced stops beside the profile's
    rules, ``holidays`` names the holiday of a date or gives ``None``. Instances are immutable but for a cache of days.
    """

    def __init__(
        self,
        profile: Profile,
        overrides: Iterable[Override] = (),
        stops: Iterable[Stop] = (),
        holidays: Callable[[date], str | None] = default_holidays,
    ) -> None:
        self.profile = profile
        self._sites = tuple(site.code for site in profile.sites)
        self._holidays = holidays
        self._overrides: dict[date, list[Override]] = defaultdict(list)
        for override in overrides:
            self._overrides[override.date].append(override)
        self._stops = tuple(stops)
        self._cache: dict[tuple[str, str, date], Day] = {}

    def day(self, site: str, channel: str, on: date, *, respect_term: bool = False) -> Day:
        """The day of a channel at a site. A channel the contract does not offer there is closed, never an error.

        With ``respect_term`` days outside of the service period are closed. Raises :class:`CalendarError` for an
        unknown site or channel.
        """
        self._known(site, channel)
        if respect_term and not self.profile.term.service_from <= on <= self.profile.term.service_to:
            return Day(on, (), None, OUTSIDE_TERM, "outside_term")
        key = (site, channel, on)
        if key not in self._cache:
            self._cache[key] = self._compute(site, channel, on)
        return self._cache[key]

    def days(self, site: str, channel: str, first: date, last: date, *, respect_term: bool = False) -> list[Day]:
        """Each day from ``first`` to ``last``, both inclusive. Raises :class:`CalendarError`."""
        span = range((last - first).days + 1)
        return [self.day(site, channel, first + timedelta(days=n), respect_term=respect_term) for n in span]

    def at(self, site: str, channel: str, moment: datetime, *, respect_term: bool = False) -> Status:
        """The state at ``moment`` (aware); an opening contains its start and not its end.

        Raises :class:`CalendarError`.
        """
        moment = _local(moment)
        today = self.day(site, channel, moment.date(), respect_term=respect_term)
        clock = moment.time()
        now_in = next((span for span in today.intervals if span[0] <= clock and _before_end(clock, span[1])), None)
        if now_in is None:
            reason = OUT_OF_HOURS if today.intervals else today.reason
            return Status(False, None, None, self._next_open(site, channel, moment, respect_term), reason)
        until = self._until(site, channel, today, now_in, respect_term)
        last = datetime.combine(today.date, today.last_reception, JST) if today.last_reception else None
        return Status(
            open=True,
            until=until,
            last_reception=last,
            next_open=self._next_open(site, channel, until, respect_term) if until else None,
            reason=today.reason,
            accepting=last is None or moment <= last,
            degraded=tuple(d for d in today.degraded if d.span[0] <= clock and _before_end(clock, d.span[1])),
        )

    def overrun(self, site: str, channel: str, begun_at: datetime, now: datetime) -> Overrun:
        """How far work on a case begun at ``begun_at`` runs outside the hours by ``now`` (both aware).

        Work begun within hours may run past closing until it is done; work begun outside of them was not allowed, and
        its minutes outside count all the same. Raises :class:`CalendarError`.
        """
        begun_at, now = _local(begun_at), _local(now)
        if now < begun_at:
            raise CalendarError("work cannot end before it began")
        inside = timedelta()
        for day in self.days(site, channel, begun_at.date(), now.date()):
            for begin, end in day.intervals:
                opened, closed = datetime.combine(day.date, begin, JST), _instant(day.date, end)
                inside += max(timedelta(), min(now, closed) - max(begun_at, opened))
        outside = now - begun_at - inside
        return Overrun(self.at(site, channel, begun_at).open, -(-outside // timedelta(minutes=1)))

    def usual_hours(self, site: str, channel: str, on: date) -> Intervals:
        """The hours an extra opening on ``on`` would have: of a designated day, the weekday, an n-th weekday opening,
        else of the first weekly rule. Empty when the channel is not offered there. Raises :class:`CalendarError`.
        """
        self._known(site, channel)
        block = self.profile.hours_for(site, channel)
        return _usual(block, on) if block else ()

    def _known(self, site: str, channel: str) -> None:
        if site not in self._sites:
            raise CalendarError(f"unknown site {site!r}: expected one of {', '.join(self._sites)}")
        if channel not in CHANNELS:
            raise CalendarError(f"unknown channel {channel!r}: expected one of {', '.join(CHANNELS)}")

    def _compute(self, site: str, channel: str, on: date) -> Day:
        block = self.profile.hours_for(site, channel)
        if block is None:
            return Day(on, (), None, NOT_OFFERED, "not_offered")
        day = self._planned(block, on)
        for override in self._overrides.get(on, ()):
            if override.hits(site, channel):
                day = _overridden(day, override, block)
        return self._stopped(day, block, site, channel)

    def closed_by(self, site: str, channel: str, on: date, begin: time, end: time) -> str:
        """The reason of staff's last change that closed, or set other hours than, ``begin``–``end``; empty where none did."""
        for override in reversed(self._overrides.get(on, ())):
            if override.kind == "open" or not override.hits(site, channel):
                continue
            cut = any(a < end and begin < b for a, b in override.intervals)
            if override.kind == "hours" or cut or not override.intervals:
                return override.reason
        return ""

    def _planned(self, block: Hours, on: date) -> Day:
        weekday = WEEKDAYS[on.weekday()]
        weekly = next((rule for rule in block.weekly if weekday in rule.days), None)
        nth = next((r for r in block.nth if r.weekday == weekday and (on.day + 6) // 7 in r.nth), None)
        holiday = self._holidays(on)
        day = _base(block, weekly, nth, on, bool(holiday))
        if holiday:
            stays_open = nth.on_holidays == "open" if nth and nth.open else block.national_holidays == "open"
            if not stays_open:
                day = Day(on, (), None, f"祝日（{holiday}）", "holiday")
        if block.year_end == "closed" and self._in_year_end(on):
            day = Day(on, (), None, "年末年始", "year_end")
        if block.designated and on in block.designated.dates:
            rule = block.designated
            day = Day(on, rule.open, _last(rule, rule.open, block), rule.reason, "designated")
        return day

    def _in_year_end(self, on: date) -> bool:
        text = f"{on:%m-%d}"
        return text >= self.profile.year_end.begins or text <= self.profile.year_end.ends

    def _stopped(self, day: Day, block: Hours, site: str, channel: str) -> Day:
        if not day.intervals:
            return day
        for span, effect, services, reason in self._stops_of(day.date, site, channel):
            kept = subtract(day.intervals, (span,))
            if kept == day.intervals:
                continue
            if effect == "degraded":
                day = replace(day, degraded=(*day.degraded, Degraded(span, services, reason)))
            else:
                last = _moved_last(day, kept, block)
                day = replace(day, intervals=kept, last_reception=last, reason=reason, layer="stop")
        return day

    def _stops_of(self, on: date, site: str, channel: str) -> Iterable[tuple[Interval, str, tuple[str, ...], str]]:
        for rule in self.profile.stops:
            if channel in rule.channels and (not rule.sites or site in rule.sites) and _falls_on(rule, on):
                yield rule.span, rule.effect, rule.services, rule.reason
        for stop in self._stops:
            if (stop.channels and channel not in stop.channels) or (stop.sites and site not in stop.sites):
                continue
            start, end = _local(stop.start), _local(stop.end)
            if start < end and start.date() <= on <= end.date():
                begin = start.time() if start.date() == on else _MIDNIGHT
                finish = end.time() if end.date() == on else END_OF_DAY
                if begin < finish:
                    yield (begin, finish), stop.effect, stop.services, stop.reason

    def _until(self, site: str, channel: str, day: Day, span: Interval, respect_term: bool) -> datetime | None:
        last_day = day.date + timedelta(days=_UNTIL_DAYS)
        while span[1] == END_OF_DAY:
            tomorrow = day.date + timedelta(days=1)
            if tomorrow > last_day:
                return None
            following = self.day(site, channel, tomorrow, respect_term=respect_term)
            if not following.intervals or following.intervals[0][0] != _MIDNIGHT:
                break
            day, span = following, following.intervals[0]
        return _instant(day.date, span[1])

    def _next_open(self, site: str, channel: str, after: datetime, respect_term: bool) -> datetime | None:
        if self.profile.hours_for(site, channel) is None:
            return None
        for n in range(_SEARCH_DAYS):
            day = self.day(site, channel, after.date() + timedelta(days=n), respect_term=respect_term)
            for begin, _ in day.intervals:
                start = datetime.combine(day.date, begin, JST)
                if start >= after:
                    return start
        return None


def bands(
    day: Day, minutes: int, *, breaks: Sequence[Interval] = (), respect_last_reception: bool = True
) -> list[Interval]:
    """Cut a day into bands of ``minutes`` from the start of each opening; a rest shorter than a band is dropped.

    No band touches a break; with ``respect_last_reception`` none starts after the last reception.
    """
    cut: list[Interval] = []
    for begin, end in subtract(day.intervals, breaks):
        start, finish = minute_of(begin), minute_of(end)
        while start + minutes <= finish:
            if respect_last_reception and day.last_reception is not None and start > minute_of(day.last_reception):
                break
            cut.append((clock_of(start), clock_of(start + minutes)))
            start += minutes
    return cut


def day_as_json(day: Day) -> dict[str, Any]:
    """``{"date", "open": [["08:30","17:15"]], "last_reception": "17:00" | null, "reason"}``; midnight is ``24:00``."""
    return {
        "date": day.date.isoformat(),
        "open": [[clock_text(begin), clock_text(end)] for begin, end in day.intervals],
        "last_reception": clock_text(day.last_reception) if day.last_reception else None,
        "reason": day.reason,
    }


def union(first: Sequence[Interval], second: Sequence[Interval]) -> Intervals:
    """All times in either, in order, adjoining spans joined."""
    merged: list[Interval] = []
    for begin, end in sorted([*first, *second]):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return tuple(merged)


def subtract(spans: Sequence[Interval], cuts: Sequence[Interval]) -> Intervals:
    """The times of ``spans`` outside all ``cuts``, in order."""
    left = list(spans)
    for cut_begin, cut_end in cuts:
        kept: list[Interval] = []
        for begin, end in left:
            if cut_end <= begin or end <= cut_begin:
                kept.append((begin, end))
                continue
            if begin < cut_begin:
                kept.append((begin, cut_begin))
            if cut_end < end:
                kept.append((cut_end, end))
        left = kept
    return tuple(left)


def _base(block: Hours, weekly: Weekly | None, nth: NthWeekday | None, on: date, holiday: bool) -> Day:
    if nth is not None and nth.open is not None:
        return Day(on, nth.open, _last(nth, nth.open, block), nth.reason, "nth")
    if weekly is None:
        return Day(on, (), None, f"休業日（{_KANJI[on.weekday()]}曜）", "rest")
    if holiday:
        return Day(on, weekly.open, _last(weekly, weekly.open, block), weekly.reason, "weekly")
    spans = _extended(weekly.open, weekly.extended_until)
    day = Day(on, spans, _last(weekly, spans, block), weekly.reason, "weekly")
    if nth is not None:
        spans = _extended(spans, nth.extended_until)
        day = Day(on, spans, _last(nth, spans, block), nth.reason, "nth")
    return day


def _extended(spans: Intervals, until: time | None) -> Intervals:
    if until is None or until <= spans[-1][1]:
        return spans
    return (*spans[:-1], (spans[-1][0], until))


def _last(rule: Weekly | NthWeekday | Designated, spans: Intervals, block: Hours) -> time | None:
    if rule.last_reception is not None:
        return rule.last_reception
    return _earlier(spans, block.last_reception_minutes)


def _earlier(spans: Intervals, minutes: int | None) -> time | None:
    if not spans or minutes is None:
        return None
    begin, end = spans[-1]
    return clock_of(max(minute_of(begin), minute_of(end) - minutes))


def _usual(block: Hours, on: date) -> Intervals:
    weekday = WEEKDAYS[on.weekday()]
    if block.designated and weekday in block.designated.weekdays:
        return block.designated.open
    for weekly in block.weekly:
        if weekday in weekly.days:
            return weekly.open
    for nth in block.nth:
        if nth.weekday == weekday and nth.open:
            return nth.open
    return block.weekly[0].open


def _lead(day: Day, block: Hours) -> int | None:
    """Minutes from last reception to closing: the block's, else the day's own, else of the first rule that has one."""
    if block.last_reception_minutes is not None:
        return block.last_reception_minutes
    if day.intervals and day.last_reception is not None:
        return minute_of(day.intervals[-1][1]) - minute_of(day.last_reception)
    for rule in block.weekly:
        if rule.last_reception is not None:
            return minute_of(rule.extended_until or rule.open[-1][1]) - minute_of(rule.last_reception)
    return None


def _moved_last(day: Day, spans: Intervals, block: Hours) -> time | None:
    """The last reception once the hours of ``day`` become ``spans``: unchanged with the end, else as long before it."""
    if not spans:
        return None
    if day.intervals and day.intervals[-1][1] == spans[-1][1] and day.last_reception is not None:
        return day.last_reception
    return _earlier(spans, _lead(day, block))


def _overridden(day: Day, override: Override, block: Hours) -> Day:
    if override.kind == "closed":
        spans = subtract(day.intervals, override.intervals) if override.intervals else ()
        word = "一部閉庁" if spans else "臨時閉庁"
    elif override.kind == "hours":
        spans = union((), override.intervals)
        word = "時間変更" if spans else "臨時閉庁"
    else:
        spans, word = union(day.intervals, override.intervals or _usual(block, day.date)), "臨時開庁"
    last = _moved_last(day, spans, block)
    if spans and override.last_reception is not None:
        last = override.last_reception
    reason = f"{word}：{override.reason}" if override.reason else word
    return Day(day.date, spans, last, reason, "override")


def _falls_on(rule: StopRule, on: date) -> bool:
    if rule.rule == "daily":
        return True
    if rule.rule == "dates":
        return on in rule.dates
    saturday = on - timedelta(days=1)
    return on.weekday() == 6 and (saturday.day + 6) // 7 == 3


def _local(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise CalendarError("a moment needs a time zone")
    return moment.astimezone(JST)


def _before_end(clock: time, end: time) -> bool:
    return clock < end or end == END_OF_DAY


def _instant(on: date, end: time) -> datetime:
    if end == END_OF_DAY:
        return datetime.combine(on + timedelta(days=1), _MIDNIGHT, JST)
    return datetime.combine(on, end, JST)
