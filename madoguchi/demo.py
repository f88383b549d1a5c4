"""Synthetic data of the demo: three months of bookings and the calls of the last weeks of five contracts, made by the same deeds as real ones.

Everything is invented and deterministic: names are combined from common ones, addresses end in ``example.jp``, phone numbers are made up.
Mails of the past are marked as sent, so that the demo's mailbox starts empty. A contract's data appears all at once, when it is whole.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from madoguchi import (
    demo_billing,
    demo_cards,
    demo_cases,
    demo_counter,
    demo_forecast,
    demo_handover,
    demo_incidents,
    demo_lists,
    demo_obligations,
    demo_papers,
    demo_premises,
    demo_reports,
    demo_second,
    demo_survey,
)
from madoguchi.demo_calls import make_calls
from madoguchi.domain.booking import availability
from madoguchi.domain.booking.batch import write
from madoguchi.domain.booking.enums import FileForm, Rhythm, State, VisitState, WalkInOutcome
from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.external import Visit
from madoguchi.domain.booking.models import Booking, Pool, PoolProcedure, Slot
from madoguchi.domain.booking.party import Contact, Person
from madoguchi.domain.booking.queries.deliveries import made_deliveries
from madoguchi.domain.booking.rules import DayPart
from madoguchi.domain.booking.selection import Selection
from madoguchi.domain.booking.services import change, contingents, marks, remarks, reserve, slots, waiting, weeks
from madoguchi.domain.booking.services.deliveries import deliver_due, hand_over, order_list
from madoguchi.domain.booking.services.external import import_visits
from madoguchi.domain.booking.services.saved_lists import save_list
from madoguchi.domain.booking.services.setup import count_anew
from madoguchi.domain.callflow.models import Prompt
from madoguchi.domain.callflow.services import publish_flow, save_text
from madoguchi.domain.callflow.telephones import add_telephone
from madoguchi.domain.calls.models import Call
from madoguchi.domain.notices.services import plan_stop
from madoguchi.domain.procedures.enums import Kind
from madoguchi.domain.procedures.models import BringRule
from madoguchi.domain.procedures.services.bring import RuleValues, add_rule, confirm_rules
from madoguchi.ground.accounts.demo import DemoLogin, make_demo_staff
from madoguchi.ground.accounts.models import Assignment, Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import business_days, calendar_of
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import CITIZEN_WEB, Actor, ActorKind, Channel
from madoguchi.ground.kit.clock import JST

BACK = 46
AHEAD = 44
PER_DAY = 44
SURNAMES = [
    ("佐藤", "サトウ"), ("鈴木", "スズキ"), ("高橋", "タカハシ"), ("田中", "タナカ"), ("伊藤", "イトウ"), ("渡辺", "ワタナベ"), ("山本", "ヤマモト"),
    ("中村", "ナカムラ"), ("小林", "コバヤシ"), ("加藤", "カトウ"), ("吉田", "ヨシダ"), ("山田", "ヤマダ"), ("佐々木", "ササキ"), ("山口", "ヤマグチ"),
    ("松本", "マツモト"), ("井上", "イノウエ"), ("木村", "キムラ"), ("林", "ハヤシ"), ("斎藤", "サイトウ"), ("清水", "シミズ"), ("山崎", "ヤマサキ"),
    ("森", "モリ"), ("池田", "イケダ"), ("橋本", "ハシモト"), ("阿部", "アベ"), ("石川", "イシカワ"), ("比嘉", "ヒガ"), ("金城", "キンジョウ"),
    ("宮城", "ミヤギ"), ("大城", "オオシロ"),
]  # fmt: skip
GIVEN = [
    ("太郎", "タロウ"), ("花子", "ハナコ"), ("健一", "ケンイチ"), ("美咲", "ミサキ"), ("翔太", "ショウタ"), ("陽子", "ヨウコ"), ("大輔", "ダイスケ"),
    ("恵子", "ケイコ"), ("拓也", "タクヤ"), ("由美", "ユミ"), ("誠", "マコト"), ("久美子", "クミコ"), ("蓮", "レン"), ("葵", "アオイ"), ("和夫", "カズオ"),
    ("節子", "セツコ"), ("直樹", "ナオキ"), ("真由美", "マユミ"), ("結衣", "ユイ"), ("悠真", "ユウマ"),
]  # fmt: skip
FOREIGN = [
    ("NGUYEN VAN AN", "グエン バン アン"),
    ("LI NA", "リ ナ"),
    ("MARIA SANTOS", "マリア サントス"),
    ("RAI SITA", "ライ シタ"),
    ("KIM MINJUN", "キム ミンジュン"),
]
WEIGHTS = {
    "card_pickup": 38,
    "cert_renewal": 36,
    "pin_reset": 11,
    "card_application": 8,
    "card_renewal": 7,
    "health_insurance": 2,
    "express_issuance": 3,
    "mynaportal": 2,
    "other": 3,
}


SITUATIONS = [
    ("pin_unknown", 0.14, ("cert_renewal",)),
    ("expired", 0.08, ("cert_renewal",)),
    ("lost", 0.25, ("card_application", "express_issuance")),
    ("licence", 0.04, ("card_renewal",)),
    ("notice_lost", 0.03, ("card_pickup",)),
]
CONFIRMED = {
    "hatsukaichi": ("", "card_pickup", "cert_renewal", "pin_reset"),
    "izumi": ("", "card_pickup", "cert_renewal", "card_renewal", "card_application", "pin_reset", "other"),
    "nagaoka": ("", "card_pickup"),
    "izunokuni": ("", "cert_renewal"),
}
"""Procedures whose rows of what to bring the demo's city has approved."""


DELIVERED_TO = ("hatsukaichi",)
"""Contracts whose city gets a list of the next business day handed over each evening."""


REPORTED = {"hatsukaichi": "accepted", "izumi": "submitted", "nagaoka": "returned", "izunokuni": "signed"}
"""How far the report of last month has come."""
PAID_LATE = ("izumi",)
"""Contracts whose city has let a last day to pay go by."""
HANDED_OVER = ("urasoe",)
"""Contracts near their end, whose packages are made."""


TYPHOONS = {"urasoe": dt.date(2025, 8, 20)}
"""Days that were closed throughout by a typhoon."""


CALLS_PER_DAY = {"hatsukaichi": 72, "izumi": 34, "izunokuni": 24, "nagaoka": 20, "urasoe": 8}
"""Calls of an ordinary open day; 72 make about 1,500 a month."""


def begin_at(now: dt.datetime) -> dt.datetime:
    """The moment from which a fresh demo lives: its slots begin there."""
    return dt.datetime.combine(now.date() - dt.timedelta(days=BACK), dt.time(7), JST)


def load(*, now: dt.datetime, say: Callable[[str], None]) -> list[DemoLogin]:
    """Fill what is still empty; running it again changes nothing. Returns the logins to print."""
    contracts = list(Contract.objects.all())
    logins = make_demo_staff(contracts, now)
    for contract in contracts:
        with contract_scope(contract):
            empty = not Booking.objects.exists() and not _external_exists()
            silent = not Call.objects.exists()
        made = []
        if empty:
            with contract_scope(contract):
                made.append(_fill(contract, now))
        if silent and contract.profile.telephone is not None:
            with contract_scope(contract):
                calls = make_calls(contract, per_day=CALLS_PER_DAY.get(contract.code, 10), since=begin_at(now), now=now)
                made.append(f"通話 {calls} 件")
        if empty and "calls" in contract.profile.modules:
            with contract_scope(contract):
                made.append(demo_second.fill(contract, now))
                _mails_of_the_past(contract, now)
        if empty and contract.profile.work_lists:
            with contract_scope(contract):
                made.append(demo_lists.fill(contract, now))
        if empty and contract.profile.cards is not None:
            with contract_scope(contract):
                made.append(demo_cards.fill(contract, now))
        if empty and contract.profile.reception is not None:
            with contract_scope(contract):
                made.append(f"番号札 {demo_counter.live(contract, now)} 件")
                _mails_of_the_past(contract, now)
        if empty and "desk" in contract.profile.modules:
            with contract_scope(contract):
                made.append(demo_cases.fill(contract, now))
        if empty and (contract.profile.checklists or contract.profile.outreach.enabled):
            with contract_scope(contract):
                made.append(demo_premises.fill(contract, now))
        if empty:
            with contract_scope(contract):
                made.append(demo_incidents.fill(contract, now))
                _mails_of_the_past(contract, now)
        if empty and contract.profile.forecast.cohorts:
            with contract_scope(contract):
                demo_forecast.fill(contract, now, _staff(contract)["city"])
        if empty and contract.profile.survey is not None:
            with contract_scope(contract):
                made.append(demo_survey.fill(contract, now))
        if empty and "reports" in contract.profile.modules:
            with contract_scope(contract):
                made.append(demo_reports.fill(contract, now, end=REPORTED.get(contract.code, "")))
        if empty and "billing" in contract.profile.modules:
            with contract_scope(contract):
                made.append(demo_billing.fill(contract, now, late=contract.code in PAID_LATE, typhoon=TYPHOONS.get(contract.code)))
        if empty:
            with contract_scope(contract):
                made.append(demo_obligations.fill(contract, now))
                made.append(demo_papers.fill(contract, now))
                _mails_of_the_past(contract, now)
        if empty and contract.code in HANDED_OVER:
            made.append(demo_handover.fill(contract, now))
        if made:
            say(f"  {contract.name}: {'・'.join(made)}")
        if contract.profile.telephone is not None:
            _announcements(contract, _staff(contract)["city"], now)
    return logins


def _announcements(contract: Contract, city: Actor, now: dt.datetime) -> None:
    """Two wordings of the city's own, one of them for the crowded end of the year, which callers hear; and two telephones on desks."""
    with contract_scope(contract):
        if Prompt.objects.exists():
            return
        for name, place in (("1番席", "電話室 窓側"), ("2番席", "電話室 廊下側")):
            add_telephone(contract, name=name, place=place, by=city, now=now)
        text = "ご予約は、インターネットなら、いつでもお取りいただけます。{web}をご覧ください。"
        save_text(contract, prompt="web_hint", language="ja", text=text, starts_on=now.date(), by=city, now=now)
        text = "年末は、お電話が大変混み合います。順番におつなぎしますので、このままお待ちください。{callback}"
        december = dt.date(now.year + (now.month == 12), 12, 1)
        save_text(contract, prompt="full", language="ja", text=text, starts_on=december, by=city, now=now)
        publish_flow(contract, by=city, now=now)


def _external_exists() -> bool:
    from madoguchi.domain.booking.models import ExternalLog

    return bool(ExternalLog.objects.exists())


def _staff(contract: Contract) -> dict[str, Actor]:
    users = {a.role: a.user for a in Assignment.objects.filter(contract=contract).select_related("user")}
    operator, counter, city = users[Role.OPERATOR], users[Role.COUNTER], users[Role.CITY]
    return {
        "operator": Actor(ActorKind.CALL_CENTRE, Channel.PHONE, f"user:{operator.pk}", str(operator)),
        "counter": Actor(ActorKind.COUNTER, Channel.COUNTER, f"user:{counter.pk}", str(counter)),
        "city": Actor(ActorKind.CITY, Channel.COUNTER, f"user:{city.pk}", str(city)),
    }


def _fill(contract: Contract, now: dt.datetime) -> str:
    dice = random.Random(contract.code)  # noqa: S311
    staff = _staff(contract)
    _table(contract, staff["city"], now)
    if contract.profile.booking.mode == "external":
        logged, visits = _external(contract, dice, staff["operator"], now), _visits(contract, dice, staff["city"], now)
        _walk_ins(contract, dice, staff["counter"], now)
        return f"市の予約サイトでの代行の記録 {logged} 件・市の予約 {visits} 件"
    wishes = _wishes(contract, dice, now)
    made: list[tuple[str, dt.datetime]] = []
    for day in sorted({created.date() for created, *_ in wishes}):
        docs = []
        for created, start, site, codes, by in (w for w in wishes if w[0].date() == day):
            wanted = reserve.Reservation(
                site,
                start,
                _party(dice, codes, now),
                _contact(dice),
                _language(dice),
                f"demo-{len(made)}-{len(docs)}-{day}",
            )
            try:
                docs.append(
                    (
                        created,
                        start,
                        reserve.prepare(
                            contract, wanted, by=staff.get(by, CITIZEN_WEB), now=created, hold=False, fresh=False
                        ).doc,
                    )
                )
            except Refused:
                continue
        for hour in sorted({created.hour for created, *_ in docs}):
            group = [(created, start, doc) for created, start, doc in docs if created.hour == hour]
            with contract_scope(contract):
                outcomes = write(contract.pk, group[0][0], [doc for *_, doc in group], lane=0)
            made += [
                (o.code, start) for o, (_, start, _) in zip(outcomes, group, strict=True) if o.outcome == "created"
            ]
    count_anew()
    _live(contract, dice, made, staff, now)
    if contract.code in DELIVERED_TO:
        _lists(contract, staff["city"], now)
    _mails_of_the_past(contract, now)
    _changes_of_plan(contract, staff["city"], now)
    _more_places(contract, staff["city"], now)
    _scarce(contract, dice, made, staff, now)
    _walk_ins(contract, dice, staff["counter"], now)
    _stop(contract, staff["city"], now)
    return f"予約 {len(made)} 件"


def _wishes(
    contract: Contract, dice: random.Random, now: dt.datetime
) -> list[tuple[dt.datetime, dt.datetime, str, list[str], str]]:
    """(created, visit, site, procedures, who) of every reservation residents would have asked for, by time of asking."""
    begin = begin_at(now)
    wishes = []
    for plan in availability.site_plans(contract).values():
        with contract_scope(contract):
            rows = list(
                Slot.objects.filter(
                    pool__site_id=plan.id, starts_at__lt=now + dt.timedelta(days=AHEAD), closed=False
                ).order_by("starts_at", "pk")
            )
        by_pool: dict[int, list[str]] = {}
        for procedure in plan.procedures.values():
            by_pool.setdefault(procedure.need.pool, []).append(procedure.code)
        per_day: dict[dt.date, int] = {}
        for slot in rows:
            start = slot.starts_at.astimezone(JST)
            per_day[start.date()] = per_day.get(start.date(), 0) + slot.planned
        for slot in rows:
            start = slot.starts_at.astimezone(JST)
            codes = by_pool.get(slot.pool_id)
            if not codes:
                continue
            share = min(_popularity(start, now), PER_DAY / per_day[start.date()]) * (
                1.25 if 10 <= start.hour < 12 else 0.9
            )
            for _ in range(slot.planned):
                if dice.random() > share * 0.8:
                    continue
                first = dice.choices(codes, [WEIGHTS.get(c, 2) for c in codes])[0]
                party = [first] + [dice.choice(codes) for _ in range(dice.choices([0, 1, 2, 3], [80, 13, 4, 3])[0])]
                lead = dt.timedelta(days=dice.randint(2, 26), hours=-dice.randint(0, 9), minutes=dice.randint(0, 59))
                created = max(start - lead, begin + dt.timedelta(minutes=dice.randint(1, 600)))
                if created >= min(now, start - dt.timedelta(days=1, hours=8)):
                    continue
                who = dice.choices(["web", "operator", "city"], [61, 31, 8])[0]
                if who != "web":
                    created = created.replace(hour=dice.randint(9, 16))
                    if created >= now:
                        continue
                wishes.append((created, start, plan.code, party[: contract.profile.booking.max_people], who))
    return sorted(wishes, key=lambda w: w[0])


def _popularity(start: dt.datetime, now: dt.datetime) -> float:
    days = (start - now).days
    if days < 0:
        return 0.85
    return 0.95 if days < 5 else 0.8 if days < 12 else 0.55 if days < 21 else 0.3


def _party(dice: random.Random, codes: Sequence[str], now: dt.datetime) -> list[tuple[str, Person | None]]:
    foreign = dice.random() < 0.04
    family = dice.choice(SURNAMES)
    people: list[tuple[str, Person | None]] = []
    for i, code in enumerate(codes):
        age = dice.choices([dice.randint(0, 17), dice.randint(18, 64), dice.randint(65, 92)], [25 if i else 2, 50, 48])[
            0
        ]
        born = now.date() - dt.timedelta(days=age * 365 + dice.randint(0, 364))
        given = dice.choice(GIVEN)
        name, reading = dice.choice(FOREIGN) if foreign else (f"{family[0]} {given[0]}", f"{family[1]} {given[1]}")
        values = {"name": name, "kana": reading, "birth_date": born.isoformat(), "who": "legal" if age < 15 else "self"}
        if age >= 80 and dice.random() < 0.2:
            values["who"] = "proxy"
        holds = [
            situation
            for situation, share, where in SITUATIONS
            if (not where or code in where) and dice.random() < share
        ]
        if foreign:
            holds.append("foreign")
        if holds:
            values["situations"] = ",".join(holds)
        people.append((code, Person(values)))
    return people


def _contact(dice: random.Random) -> Contact:
    values = {"phone": f"0{dice.choice('789')}0{dice.randint(1000, 9999)}{dice.randint(0, 9999):04d}"}
    if dice.random() < 0.74:
        values["email"] = (
            f"shimin{dice.randint(1000, 99999)}@{'bounce.invalid' if dice.random() < 0.004 else 'example.jp'}"
        )
    if dice.random() < 0.05:
        values["needs"] = dice.choice(
            ["車いすで行きます。", "筆談をお願いします。", "ベビーカーで行きます。", "通訳の人といっしょに行きます。"]
        )
    return Contact(values)


def _language(dice: random.Random) -> str:
    return dice.choices(["ja", "ja-easy", "en", "vi", "zh-hans", "pt"], [94, 1, 2, 1, 1, 1])[0]


def _live(
    contract: Contract,
    dice: random.Random,
    made: Sequence[tuple[str, dt.datetime]],
    staff: dict[str, Actor],
    now: dt.datetime,
) -> None:
    """What happened to the bookings since: cancelled, moved, came, did not come."""
    for code, start in made:
        luck = dice.random()
        when = min(now, start - dt.timedelta(days=1, hours=dice.randint(10, 30)))
        by = staff["operator"] if luck * 1000 % 1 < 0.4 else CITIZEN_WEB
        try:
            if luck < 0.05:
                change.cancel(contract, code, by=by, now=when)
            elif luck < 0.075 and start > now + dt.timedelta(days=3):
                _move(contract, code, start, by, when)
            elif start < now:
                if luck > 0.955:
                    marks.mark_no_show(contract, code, by=staff["city"], now=start + dt.timedelta(hours=1))
                else:
                    marks.mark_arrived(
                        contract, code, by=staff["city"], now=start - dt.timedelta(minutes=dice.randint(0, 12))
                    )
        except Refused:
            continue


def _move(contract: Contract, code: str, start: dt.datetime, by: Actor, when: dt.datetime) -> None:
    from madoguchi.domain.booking.models import Attendee

    with contract_scope(contract):
        members = [
            change.Member(a.pk, a.procedure.code)
            for a in Attendee.objects.filter(booking__code=code).select_related("procedure").order_by("position")
        ]
    change.revise(contract, code, members=members, starts_at=start + dt.timedelta(days=7), by=by, now=when)


def _lists(contract: Contract, city: Actor, now: dt.datetime) -> None:
    """Saved lists, and one that is handed over by 17:00 of each business day; all but the last were received."""
    begun = now - dt.timedelta(days=8)
    tomorrow = save_list(
        contract, name="次の開庁日の来庁予定", selection=Selection(visit="next_open", personal=True), shared=True, by=city, now=begun
    )
    by_phone = Selection(visit="next_week", channel="phone")
    save_list(contract, name="来週の電話予約", selection=by_phone, shared=True, by=city, now=begun)
    order_list(
        contract, saved_list=tomorrow.pk, form=FileForm.CSV, rhythm=Rhythm.BUSINESS_DAYS, due_time=dt.time(17), by=city, now=begun
    )
    for back in range(8, 0, -1):
        deliver_due(contract, now=dt.datetime.combine(now.date() - dt.timedelta(days=back), dt.time(16, 35), JST))
    with contract_scope(contract):
        files = list(made_deliveries())
        user = Assignment.objects.select_related("user").get(contract=contract, role=Role.CITY).user
    for file in files[1:]:
        hand_over(contract, file.pk, user=user, by=city, now=file.due_at + dt.timedelta(minutes=7))


def _mails_of_the_past(contract: Contract, now: dt.datetime) -> None:
    with contract_scope(contract), connection.cursor() as cursor:
        cursor.execute(
            "update notices_message set state = 'sent', attempts = 1, sent_at = due_at + interval '3 seconds'"
            " where contract_id = %s and state = 'queued' and due_at <= %s",
            [contract.pk, now],
        )


def _changes_of_plan(contract: Contract, city: Actor, now: dt.datetime) -> None:
    """An extra evening and a closure that some bookings fall on, so that the work list has something to show."""
    day = now.date() + dt.timedelta(days=10)
    while day.weekday() != 1:
        day += dt.timedelta(days=1)
    evening = slots.CalendarChange(
        day, "open", "", "counter", ((dt.time(17, 15), dt.time(19, 0)),), dt.time(18, 30), "臨時の夜間開庁"
    )
    slots.change_calendar(contract, evening, by=city, now=now)
    busy = Counter(
        start.astimezone(JST).date()
        for start in Booking.objects.filter(
            state=State.BOOKED, starts_at__gt=now + dt.timedelta(days=3), starts_at__lt=now + dt.timedelta(days=13)
        ).values_list("starts_at", flat=True)
        if start.astimezone(JST).hour >= 14 and start.astimezone(JST).date() != day
    )
    closed = busy.most_common(1)[0][0] if busy else day + dt.timedelta(days=9)
    hours = ((dt.time(14, 0), dt.time(20, 0)),)
    shut = slots.CalendarChange(closed, "closed", "", "counter", hours, None, "庁舎設備の緊急点検")
    slots.change_calendar(contract, shut, by=city, now=now)


def _more_places(contract: Contract, city: Actor, now: dt.datetime) -> None:
    """Two places more in the mornings of two weeks, put in by one change of many days."""
    with contract_scope(contract):
        pool = Pool.objects.order_by("pk").first()
    assert pool is not None
    monday = now.date() + dt.timedelta(days=21 - now.weekday())
    mornings = weeks.Chosen(
        frozenset({pool.code}), monday, monday + dt.timedelta(days=11), frozenset(range(5)), (dt.time(9), dt.time(12))
    )
    weeks.edit_bands(contract, mornings, weeks.Act.ADD, places=2, reason="応援の職員が入るため", by=city, now=now)


def _walk_ins(contract: Contract, dice: random.Random, by: Actor, now: dt.datetime) -> None:
    """Parties that came to the counter without a booking, on every day since the beginning, today's until now."""
    begin, outcomes = begin_at(now).date(), list(WalkInOutcome)
    with contract_scope(contract):
        calendar = calendar_of(contract, begin, now.date())
    for site in contract.profile.sites:
        for day in calendar.days(site.code, "counter", begin, now.date()):
            minutes = [m for a, b in day.intervals for m in range(a.hour * 60 + a.minute, b.hour * 60 + b.minute)]
            for minute in sorted(dice.sample(minutes, dice.randint(2, 6))) if minutes else ():
                at = dt.datetime.combine(day.date, dt.time(minute // 60, minute % 60), JST)
                if at > now:
                    break
                code = dice.choices(site.services, [WEIGHTS.get(code, 2) for code in site.services])[0]
                marks.record_walk_in(
                    contract, site=site.code, people={code: dice.choices([1, 2, 3], [82, 14, 4])[0]},
                    language=_language(dice), outcome=dice.choices(outcomes, [70, 16, 9, 5])[0], by=by, now=at,
                )  # fmt: skip


def _scarce(
    contract: Contract,
    dice: random.Random,
    made: Sequence[tuple[str, dt.datetime]],
    staff: dict[str, Actor],
    now: dt.datetime,
) -> None:
    """Places kept for the telephone, parties that wait for an earlier time, and one booked beyond the plan."""
    with contract_scope(contract):
        pool = Pool.objects.order_by("pk").first()
    assert pool is not None
    contingents.set_contingents(
        contract, pool, {Channel.PHONE: contingents.Kept(1, 1, dt.time(12))}, by=staff["city"], now=now
    )
    late = [code for code, start in made if now + dt.timedelta(days=12) < start < now + dt.timedelta(days=30)]
    tomorrow, wishes = now.date() + dt.timedelta(days=1), [[DayPart.EVENING], [], [DayPart.MORNING], [DayPart.EVENING]]
    for code, parts in zip(dice.sample(late, min(len(late), len(wishes))), wishes, strict=False):
        by = staff["operator"] if dice.random() < 0.4 else CITIZEN_WEB
        try:
            waiting.wait(contract, code, from_date=tomorrow, parts=parts, by=by, now=now)
        except Refused:
            continue
    waiting.make_offers(contract, now=now)
    with contract_scope(contract):
        coming = Slot.objects.filter(closed=False, taken__gt=0, starts_at__range=(now + dt.timedelta(days=1), now + dt.timedelta(days=7)))
        slot = coming.select_related("pool__site").order_by(F("planned") - F("taken"), "starts_at").first()
        if slot is None:
            return
        code = PoolProcedure.objects.filter(pool=slot.pool).order_by("pk").values_list("procedure__code", flat=True)[0]
    party = _party(dice, [code] * (slot.planned - slot.taken + 1), now)
    wanted = reserve.Reservation(
        slot.pool.site.code, slot.starts_at.astimezone(JST), party, _contact(dice), "ja", "demo-over", over=True
    )
    with transaction.atomic():
        done = reserve.reserve(contract, wanted, by=staff["city"], now=now)
        text = "車いすで来庁。付き添いの方がこの日しか来られないため"
        remarks.remark(contract, done.code, text=text, kind="over_reason", by=staff["city"], now=now)


def _stop(contract: Contract, city: Actor, now: dt.datetime) -> None:
    """A night in which the residents' site will stand still, announced already."""
    night = dt.datetime.combine(now.date() + dt.timedelta(days=12), dt.time(23), JST)
    plan_stop(
        contract, starts_at=night, ends_at=night + dt.timedelta(hours=6), announce_at=now, reason="サーバーの入替え", by=city, now=now
    )  # fmt: skip


def _table(contract: Contract, city: Actor, now: dt.datetime) -> None:
    """The city has approved part of the table of what to bring, has a row of its own, and a change that is to come."""
    rules = list(BringRule.objects.filter(procedure__in=CONFIRMED.get(contract.code, ())))
    confirm_rules(contract, {rule.code: rule.valid_from for rule in rules}, on=now.date(), by=city, now=now)
    coming = (now.date().replace(day=1) + dt.timedelta(days=62)).replace(day=1)
    own = RuleValues(
        Kind.STEP,
        "card_pickup",
        {
            "ja": "着いたら、1階の受付機に予約番号を入力して、番号札をお取りください。",
            "ja-easy": "着いたら、1階（かい）の 機械（きかい）に 予約番号（よやくばんごう）を 入れて、番号札（ばんごうふだ）を 取ってください。",
            "en": "When you arrive, enter your booking number at the machine on the first floor and take a numbered ticket.",
        },
        "市の窓口運用（試験データ）",
    )
    add_rule(contract, own, starts=coming, by=city, now=now)


def _external(contract: Contract, dice: random.Random, by: Actor, now: dt.datetime) -> int:
    codes: list[Any] = [p.code for p in contract.profile.procedures if p.bookable]
    count = 0
    for back in range(BACK, 0, -1):
        day = now - dt.timedelta(days=back)
        if day.weekday() > 4:
            continue
        for _ in range(dice.randint(6, 14)):
            at = day.replace(hour=dice.randint(9, 16), minute=dice.randint(0, 59))
            marks.log_external(
                contract,
                kind=dice.choices(["created", "changed", "cancelled"], [84, 10, 6])[0],
                procedure=dice.choice(codes),
                visit_date=(at + dt.timedelta(days=dice.randint(2, 20))).date(),
                reference=f"{dice.randint(100000, 999999)}",
                people=dice.choices([1, 2, 3], [85, 11, 4])[0],
                note="",
                by=by,
                now=at,
            )
            count += 1
    return count


def _visits(contract: Contract, dice: random.Random, by: Actor, now: dt.datetime) -> int:
    """Two imports of what the city's site holds from a week ago to three weeks ahead: the second knows who came."""
    codes = [p.code for p in contract.profile.procedures if p.bookable]
    site = contract.profile.sites[0].code
    begin = now.date() - dt.timedelta(days=7)
    booked: list[Visit] = []
    for day in business_days(contract, begin, begin + dt.timedelta(days=28)):
        for _ in range(dice.randint(5, 12)):
            starts = dt.datetime.combine(day, dt.time(dice.randint(9, 16), dice.choice([0, 30])), JST)
            procedure = dice.choices(codes, [WEIGHTS.get(c, 2) for c in codes])[0]
            people = dice.choices([1, 2, 3], [85, 11, 4])[0]
            actor, channel = dice.choice([("citizen", "web"), ("citizen", "web"), ("call_centre", "phone")])
            reference = f"R8-{len(booked) + 1:05}"
            booked.append(Visit(reference, starts, procedure, site, people, VisitState.BOOKED, actor, channel))
    import_visits(contract, booked, by=by, now=now - dt.timedelta(days=7))
    states = [VisitState.ARRIVED, VisitState.NO_SHOW, VisitState.CANCELLED]
    known = [replace(v, state=dice.choices(states, [92, 5, 3])[0]) if v.starts_at < now else v for v in booked]
    import_visits(contract, known, by=by, now=now - dt.timedelta(minutes=40))
    return len(known)
