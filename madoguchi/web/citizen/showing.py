"""What pages show, made from domain values: month and day in the shape of the components, names, texts of time."""

from __future__ import annotations

import calendar as months
import datetime as dt
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import segno
from babel.dates import format_date
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from madoguchi.domain.booking import availability, rules
from madoguchi.domain.booking.answers import show_answer
from madoguchi.domain.booking.queries.bringing import together
from madoguchi.domain.booking.queries.resident import ResidentBooking
from madoguchi.domain.booking.queries.waiting import Wait
from madoguchi.domain.booking.recipients import manage_path
from madoguchi.domain.booking.rules import Mark
from madoguchi.domain.notices.queries import announced
from madoguchi.domain.procedures.briefing import situation_text, who_text
from madoguchi.domain.procedures.enums import Situation, Who
from madoguchi.domain.procedures.queries import Shown, bring_rows, shown_procedures
from madoguchi.domain.procedures.rules.bring import situations_asked
from madoguchi.ground.contracts.calendar import default_holidays
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import FieldRule
from madoguchi.ground.contracts.profile.booking import Cutoff
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.kit import dates, phones
from madoguchi.ground.kit.actors import CITIZEN_WEB
from madoguchi.ground.kit.clock import JST

MARKS = {Mark.MANY: "open", Mark.FEW: "few", Mark.FULL: "full", Mark.NONE: "closed"}
LOCALES = {"zh-hans": "zh_Hans", "ja-easy": "ja"}


def language() -> str:
    """The reader's language code."""
    return get_language() or "ja"


def locale() -> str:
    """The same for CLDR."""
    return LOCALES.get(language(), language())


def day_text(date: dt.date) -> str:
    """A day with weekday in the reader's language; in plain Japanese with both calendars in one line."""
    if language() == "ja-easy":
        era, year = dates.era_of(date)
        month_and_day = f"{date.month}月{date.day}日({dates.WEEKDAYS[date.weekday()]})"
        return f"{date.year}年（{era.name}{dates.year_text(year)}年）{month_and_day}"
    return dates.show_for(date, language())


def clock_text(moment: dt.datetime | dt.time) -> str:
    """``9:30``."""
    return f"{moment.hour}:{moment.minute:02}"


def span_text(starts: dt.datetime | dt.time, ends: dt.datetime | dt.time) -> str:
    """``9:30〜10:00``."""
    dash = "〜" if language().startswith("ja") else "–"
    return f"{clock_text(starts)}{dash}{clock_text(ends)}"


def when_text(starts: dt.datetime, ends: dt.datetime | None = None) -> str:
    """Day and time of a visit."""
    return f"{day_text(starts.date())} {span_text(starts, ends) if ends else clock_text(starts)}"


def month_text(date: dt.date) -> str:
    """``令和8年11月``, or the month as the reader's language writes it."""
    if language() == "ja":
        return dates.show_month(date)
    if language() == "ja-easy":
        return f"{date.year}年{date.month}月"
    return format_date(date, "MMMM y", locale=locale())


def site_name(contract: Contract, code: str) -> str:
    """Name of a site; for readers of other languages with the Japanese name, which stands on the building."""
    site = contract.profile.site(code)
    if language().startswith("ja") or not site.name_en:
        return site.name
    return f"{site.name_en}（{site.name}）"


def bookable(contract: Contract) -> list[Shown]:
    """Procedures that residents can book somewhere, in order."""
    offered = {code for plan in availability.site_plans(contract).values() for code in plan.procedures}
    return [shown for shown in shown_procedures(language()) if shown.code in offered]


def names(shown: Sequence[Shown]) -> dict[str, Shown]:
    """By code."""
    return {one.code: one for one in shown}


@dataclass(frozen=True)
class Horizon:
    """First and last day that a resident may book now."""

    first: dt.date
    last: dt.date


def horizon(contract: Contract, now: dt.datetime) -> Horizon:
    """Today to the end of the booking window."""
    window = contract.profile.booking.window
    last = rules.WindowRule(window.open_days_ahead, window.opens_at).last_day(now)
    return Horizon(now.date(), max(last, now.date()))


def snapshot_url(contract: Contract, site: str, procedures: Sequence[str], month: dt.date) -> str:
    """Address that keeps the marks of a month current."""
    last = (month + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
    query = {"site": site, "procedure": ",".join(procedures), "from": month.isoformat(), "to": last.isoformat()}
    return f"{reverse('citizen:snapshot', args=[contract.code])}?{urlencode(query, safe=',')}"


def read_month(text: str, default: dt.date) -> dt.date:
    """First day of the month ``YYYY-MM``; of ``default`` when it is none."""
    return dates.read_iso(f"{text}-01") or default.replace(day=1)


def read_day(text: str) -> dt.date | None:
    """A day of an address; None when it is none."""
    return dates.read_iso(text)


def all_days(
    contract: Contract,
    site: availability.SitePlan,
    procedures: Sequence[str],
    now: dt.datetime,
    freed: dict[int, int] | None = None,
) -> list[availability.DayMark]:
    """Every day of the horizon for the party; ``freed`` are the places it would give back."""
    span = horizon(contract, now)
    return availability.day_marks(contract, site, procedures, span.first, span.last, by=CITIZEN_WEB, now=now, freed=freed)


def asked(procedure: str, today: dt.date) -> list[Situation]:
    """Situations that change what to bring for a procedure."""
    return situations_asked(bring_rows(today, [procedure]), procedure, None, today)


def field_text(rule: FieldRule, value: str) -> str:
    """What was typed or chosen, as its owner checks it."""
    code = rule.code
    if rule.own:
        return show_answer(rule, value, language())
    if code == "birth_date":
        return birth_text(dt.date.fromisoformat(value))
    if code == "phone":
        return phones.show(value)
    if code == "who":
        return who_text(Who(value))
    if code == "situations":
        return _("、").join(situation_text(Situation(one)) for one in value.split(","))
    return value


def alternatives(
    contract: Contract, booking: ResidentBooking, now: dt.datetime, procedures: Sequence[str] | None = None
) -> list[tuple[str, str]]:
    """(ISO time, text) of other times near its own for a party, or for what it would become with ``procedures``; two a day at most."""
    found = availability.alternatives(
        contract,
        booking.site,
        procedures or booking.procedures,
        booking.starts_at,
        by=CITIZEN_WEB,
        now=now,
        per_day=2,
        days=21,
        freed=availability.own_places(booking.id),
    )
    return [(moment.isoformat(), when_text(moment)) for moment in found]


def next_free(days: Sequence[availability.DayMark], after: dt.date | None = None) -> dt.date | None:
    """The first day with a free time (on or after ``after``)."""
    return next((d.date for d in days if d.mark in (Mark.MANY, Mark.FEW) and (after is None or d.date >= after)), None)


def month_view(
    days: Sequence[availability.DayMark],
    month: dt.date,
    span: Horizon,
    *,
    month_url: Callable[[dt.date], str],
    day_url: Callable[[dt.date], str],
    snapshot_url: str,
    today: dt.date,
    selected: dt.date | None = None,
) -> dict[str, Any]:
    """A month in the shape of ``ui/components/calendar.html``."""
    by_date = {day.date: day for day in days}
    weeks = []
    for week in months.Calendar(firstweekday=6).monthdatescalendar(month.year, month.month):
        cells = []
        for date in week:
            found = by_date.get(date)
            holiday = default_holidays(date) or ""
            mark = MARKS[found.mark] if found else "closed"
            cells.append(
                {
                    "number": date.day,
                    "iso": date.isoformat(),
                    "label": f"{date.month}月{date.day}日 {dates.WEEKDAYS[date.weekday()]}曜日"
                    if language().startswith("ja")
                    else format_date(date, "EEEE d MMMM", locale=locale()),
                    "url": day_url(date) if found and found.slots else "",
                    "mark": mark,
                    "left": found.left if found else 0,
                    "kind": "hol" if holiday else {5: "sat", 6: "sun"}.get(date.weekday(), ""),
                    "holiday": holiday if language().startswith("ja") else "",
                    "today": date == today,
                    "selected": date == selected,
                    "out": date.month != month.month,
                }
            )
        weeks.append(cells)
    before, after = (month - dt.timedelta(days=1)).replace(day=1), (month + dt.timedelta(days=32)).replace(day=1)
    return {
        "title": month_text(month),
        "prev_url": month_url(before) if before >= span.first.replace(day=1) else "",
        "next_url": month_url(after) if after <= span.last else "",
        "snapshot_url": snapshot_url,
        "version": "",
        "weeks": weeks,
    }


def slot_rows(day: availability.DayMark, minutes: int, chosen: str = "") -> list[dict[str, Any]]:
    """Times of a day in the shape of ``ui/components/slots.html``; ``minutes`` is the length of the longest visit."""
    return [
        {
            "time": span_text(slot.starts_at, slot.starts_at + dt.timedelta(minutes=minutes)),
            "mark": MARKS[slot.mark],
            "left": slot.left,
            "value": slot.starts_at.isoformat(),
            "checked": slot.starts_at.isoformat() == chosen,
        }
        for slot in day.slots
    ]


def fit_text(times: Sequence[tuple[dt.datetime, dt.datetime]]) -> str:
    """Why a party of several people was placed as it was; empty for one person."""
    if len(times) < 2:
        return ""
    if len({starts for starts, _ends in times}) == 1:
        return _("全員が同じ時刻に、並んで手続きをします。")
    return _("同じ時刻に全員の空きがないため、続いた時刻に分かれます。")


def cutoff_text(rule: Cutoff) -> str:
    """The last moment for something, said before it is needed."""
    if rule.minutes_before is not None:
        if rule.minutes_before == 0:
            return _("予約の時刻まで")
        return _("予約の時刻の%(minutes)s分前まで") % {"minutes": rule.minutes_before}
    if rule.days_before == 0:
        return _("当日の%(time)sまで") % {"time": clock_text(rule.at)}
    if rule.days_before == 1:
        return _("前の日の%(time)sまで") % {"time": clock_text(rule.at)}
    return _("%(days)s日前の%(time)sまで") % {"days": rule.days_before, "time": clock_text(rule.at)}


def moment_text(moment: dt.datetime) -> str:
    """Day and clock of a cut-off."""
    return f"{day_text(moment.date())} {clock_text(moment)}"


STEP_LABELS: tuple[Callable[[], str], ...] = (
    lambda: _("手続きを選ぶ"),
    lambda: _("日を選ぶ"),
    lambda: _("時間を選ぶ"),
    lambda: _("入力する"),
    lambda: _("確認する"),
)


def steps(current: int) -> list[dict[str, str]]:
    """The five steps; ``current`` counts from 1."""
    state = {True: "done", False: "todo"}
    return [
        {"label": label(), "state": "current" if n == current else state[n < current]}
        for n, label in enumerate(STEP_LABELS, start=1)
    ]


def opening(contract: Contract, now: dt.datetime) -> list[dict[str, Any]]:
    """Per site: hours of the counter today, whether it is open now, and when it opens next."""
    today = now.date()
    calendar = calendar_of(contract, today, today + dt.timedelta(days=60))
    rows = []
    for site in contract.profile.sites:
        if "counter" not in contract.profile.channels_at(site.code):
            continue
        rows.append({"name": site_name(contract, site.code), **_hours(calendar, site.code, "counter", now)})
    return rows


def phone_hours(contract: Contract, now: dt.datetime) -> dict[str, Any] | None:
    """The same for the phone; None where the contract has no phone line."""
    today = now.date()
    site = contract.profile.sites[0].code
    if contract.profile.channels.phone is None or "phone" not in contract.profile.channels_at(site):
        return None
    return _hours(calendar_of(contract, today, today + dt.timedelta(days=60)), site, "phone", now)


def _hours(calendar: Any, site: str, channel: str, now: dt.datetime) -> dict[str, Any]:
    day = calendar.day(site, channel, now.date(), respect_term=True)
    status = calendar.at(site, channel, now, respect_term=True)
    japanese = language().startswith("ja")
    return {
        "open": status.open,
        "accepting": status.accepting,
        "today": "、".join(span_text(a, b) for a, b in day.intervals) if day.intervals else "",
        "reason": day.reason if japanese and not day.intervals else "",
        "next": when_text(status.next_open) if status.next_open and not status.open else "",
    }


def frame(request: HttpRequest, contract: Contract) -> dict[str, Any]:
    """What every page of the residents' site has: hours beside the phone number, the address for finding a booking."""
    now: dt.datetime = request.now  # type: ignore[attr-defined]
    phone = contract.profile.channels.phone
    office = contract.profile.city.office
    number = contract.profile.phone_number
    confirmed = phone.number_confirmed if phone and phone.number else office.phone_confirmed
    hours = phone_hours(contract, now)
    text = ""
    if hours:
        text = (_("今日 %(hours)s") % {"hours": hours["today"]}) if hours["today"] else _("今日は休みです。")
        if not hours["open"] and hours["next"]:
            text += " " + _("次は %(when)s から") % {"when": hours["next"]}
    return {
        "emergencies": [
            {
                "title": _("予約サイトの停止のお知らせ"),
                "body": _("%(begin)s から %(end)s まで、このサイトを使えません。お急ぎのときはお電話ください。")
                % {"begin": moment_text(stop.starts_at.astimezone(JST)), "end": moment_text(stop.ends_at.astimezone(JST))},
                "url": "",
            }
            for stop in announced(contract, now)
        ],
        "lookup_url": reverse("citizen:find", args=[contract.code]),
        "call_centre": {
            "phone": number,
            "phone_href": f"tel:{number.replace('-', '')}" if number else "",
            "hours": text,
            "note": "" if confirmed or not number else _("番号は市が確認中です。"),
            "label": phone.label if phone else office.name,
        },
    }


def qr_svg(text: str) -> SafeString:
    """A QR code as inline SVG without style attributes; black on white for any camera."""
    out = io.BytesIO()
    segno.make(text, error="m").save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=False,
        scale=5,
        border=3,
        dark="#000",
        light="#fff",
        svgclass="qr",
        lineclass=None,
    )
    return mark_safe(out.getvalue().decode())  # noqa: S308 (made by segno from modules, holds no text)


@dataclass(frozen=True)
class Line:
    """One line of the visible history."""

    when: str
    text: str


def history_lines(booking: ResidentBooking, shown: dict[str, Shown]) -> list[Line]:
    """The history in plain words: what happened, and by whom when it was not the resident."""
    words = {
        "created": _("予約しました。"),
        "changed": _("内容を変更しました。"),
        "moved": _("日時を変更しました。"),
        "added": _("人数を増やしました。"),
        "removed": _("人数を減らしました。"),
        "cancelled": _("予約を取り消しました。"),
        "attended": _("窓口にお越しになりました。"),
        "no_show": _("お越しになりませんでした。"),
        "affected": _("窓口の都合で、この予約の調整が必要になりました。"),
    }
    who = {
        "call_centre": _("コールセンター"),
        "city": _("市役所"),
        "counter": _("窓口"),
    }
    lines = []
    for event in booking.history:
        text = words[event.kind]
        moved = event.change.get("starts_at")
        if moved and moved[0] and moved[1]:
            text += " " + _("%(before)s から %(after)s へ。") % {
                "before": when_text(dt.datetime.fromisoformat(moved[0])),
                "after": when_text(dt.datetime.fromisoformat(moved[1])),
            }
        if event.actor_kind in who:
            text += f"（{who[event.actor_kind]}）"
        lines.append(Line(when_text(event.at), text))
    return lines


def booking_view(contract: Contract, booking: ResidentBooking, now: dt.datetime) -> dict[str, Any]:
    """Everything a page about a booking shows."""
    shown = names(shown_procedures(language()))
    link = manage_path(contract, booking.code)
    window = contract.profile.booking.window
    booked = booking.state == "booked"
    affected = booked and booking.affected
    change_until = window.change_until.latest(booking.starts_at)
    cancel_until = window.cancel_until.latest(booking.starts_at)
    if affected:
        change_until = cancel_until = booking.ends_at + rules.AFFECTED_GRACE
    site = contract.profile.site(booking.site)
    people = [(one.position, one.procedure, one.person) for one in booking.people]
    bring = together(people, booking.starts_at.date(), language()) if booked else []
    return {
        "booking": booking,
        "number": rules.show_code(booking.code),
        "when": when_text(booking.starts_at, booking.ends_at),
        "site": site_name(contract, booking.site),
        "address": f"〒{site.postal_code} {site.address}" if site.postal_code else site.address,
        "companions": [
            {
                "id": one.id,
                "position": one.position,
                "name": one.person.name if one.person else "",
                "shown": shown[one.procedure],
                "time": span_text(one.starts_at, one.ends_at),
            }
            for one in booking.people
        ],
        "times_differ": len({one.starts_at for one in booking.people}) > 1,
        "fit": fit_text([(one.starts_at, one.ends_at) for one in booking.people]),
        "bring": [(shown[one.procedure], one) for one in bring],
        "references": list(dict.fromkeys(item for one in bring for item in one.briefing.references)),
        "phone": phones.show(booking.contact.phone) if booking.contact and booking.contact.phone else "",
        "email": booking.contact.email if booking.contact else "",
        "link": link,
        "link_full": f"{settings.PUBLIC_URL}{link}",
        "is_booked": booked,
        "is_cancelled": booking.state == "cancelled",
        "is_past": booking.ends_at < now and not (affected and now <= change_until),
        "is_affected": affected,
        "affected_reason": booking.affected_reason,
        "may_change": booked and now <= change_until,
        "may_cancel": booked and now <= cancel_until,
        "change_until": moment_text(change_until),
        "cancel_until": moment_text(cancel_until),
        "history": history_lines(booking, shown),
        "may_wait": booked
        and not affected
        and now <= change_until
        and contract.profile.booking.waiting.enabled
        and bool(earlier_days(booking, now)),
        "room_for_more": len(booking.people) < contract.profile.booking.max_people,
    }


PARTS = {
    rules.DayPart.MORNING: gettext_lazy("午前"),
    rules.DayPart.AFTERNOON: gettext_lazy("午後（17時まで）"),
    rules.DayPart.EVENING: gettext_lazy("夕方（17時から）"),
}


def wait_view(wait: Wait | None) -> dict[str, Any] | None:
    """How a booking waits for an earlier time, in words; None when it does not."""
    if wait is None:
        return None
    offered = wait.offered
    return {
        "from_date": day_text(wait.from_date),
        "parts": _("・").join(str(PARTS[part]) for part in wait.parts) or _("いつでも"),
        "offered": when_text(offered.starts_at) if offered else "",
        "until": moment_text(offered.expires_at) if offered else "",
    }


def earlier_days(booking: ResidentBooking, now: dt.datetime) -> list[dt.date]:
    """The days before the booking's, from tomorrow on."""
    first = now.date() + dt.timedelta(days=1)
    return [first + dt.timedelta(days=n) for n in range((booking.starts_at.date() - first).days)]


def birth_text(date: dt.date) -> str:
    """A birth date to be checked by its owner: both calendars in Japanese."""
    if language().startswith("ja"):
        return f"{dates.show(date, weekday=False)}（{date.year}年）"
    return format_date(date, "long", locale=locale())
