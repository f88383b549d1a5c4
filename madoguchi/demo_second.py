"""Synthetic contacts, call-backs and matters of the second line for the demo, made by the same deeds as real ones.

Everything is invented; the calls beneath them are told as a telephone system would tell them, under names of their own.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field

from madoguchi.domain.calls.enums import CallbackEnd, Line, Result, Source, Topic, TryOutcome
from madoguchi.domain.calls.models import Call, Callback
from madoguchi.domain.calls.services import callbacks, contacts, escalations
from madoguchi.domain.calls.services.record import record_events
from madoguchi.ground.accounts.models import ACTOR_KIND_OF_ROLE, Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import business_days
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.voice.events import CallEvent

PROVIDER = "demo"
DAYS = 10
PER_DAY = 7
MINUTE = dt.timedelta(minutes=1)
TALKS = [
    (Topic.BOOK, Result.BOOKED, "カードの受取りを予約したい。", "平日の午前で予約を入れ、持ち物を案内した。"),
    (Topic.BOOK, Result.BOOKED, "家族3人でいっしょに受け取れるか。", "3人の予約を同じ時間に入れた。"),
    (Topic.CHANGE, Result.CHANGED, "来週の予約を別の日にしたい。", "希望の日に変更した。"),
    (Topic.CANCEL, Result.CANCELLED, "都合が悪くなったので取り消したい。", "取り消した。あらためて予約する方法を案内した。"),
    (Topic.BRING, Result.SOLVED, "子どものカードを受け取るとき、何を持っていけばよいか。", "本人と法定代理人の確認書類、交付通知書を案内した。"),
    (Topic.PICKUP, Result.SOLVED, "申請から1か月たつが、通知が届かない。", "通知が届くまでの目安を案内した。"),
    (Topic.CERTIFICATE, Result.SOLVED, "有効期限のお知らせが届いた。カードも新しくなるのか。", "電子証明書の更新で、カードはそのまま使えることを説明した。"),
    (Topic.PIN, Result.SOLVED, "暗証番号を忘れた。", "窓口での再設定を案内した。"),
    (Topic.LOST, Result.REFERRED, "カードをなくした。", "一時停止のコールセンター（24時間）を案内した。"),
    (Topic.HOURS, Result.SOLVED, "土曜日に開いているか。", "開庁日を案内した。"),
    (Topic.ONLINE, Result.REFERRED, "スマートフォンでの申請がうまくいかない。", "国のコールセンターを案内した。"),
    (Topic.OTHER, Result.WRONG, "", ""),
]
WEIGHTS = [22, 4, 9, 5, 12, 10, 14, 8, 3, 6, 3, 4]


@dataclass
class _Demo:
    """One contract of the demo with its people, and the moment it lives in."""

    contract: Contract
    now: dt.datetime
    dice: random.Random
    people: dict[str, User] = field(default_factory=dict)

    def by(self, role: Role) -> Actor:
        user = self.people[role]
        return Actor(ACTOR_KIND_OF_ROLE[role], Channel.PHONE, f"user:{user.pk}", str(user))

    def number(self) -> str:
        return f"0{self.dice.choice('789')}0{self.dice.randint(1000, 9999)}{self.dice.randint(0, 9999):04d}"


def fill(contract: Contract, now: dt.datetime) -> str:
    """Ten business days of contacts, call-backs in every state, and the second line at each stage; what was made, in words."""
    with contract_scope(contract):
        people = {a.role: a.user for a in Assignment.objects.filter(contract=contract).select_related("user").order_by("-pk")}
        demo = _Demo(contract, now, random.Random(f"second-{contract.code}"), people)  # noqa: S311
        days = business_days(contract, now.date() - dt.timedelta(days=DAYS * 3), now.date())[-DAYS:]
        written = _contacts(demo, days)
        owed = _callbacks(demo, days)
        matters = _second_line(demo, days)
    return f"応対 {written} 件・折り返し {owed} 件・二次対応 {matters} 件"


def _contacts(demo: _Demo, days: list[dt.date]) -> int:
    user, by, written = demo.people[Role.OPERATOR], demo.by(Role.OPERATOR), 0
    for day in days:
        for n in range(PER_DAY):
            start = dt.datetime.combine(day, dt.time(9 + n, demo.dice.randint(0, 50)), JST)
            if start + 15 * MINUTE > demo.now:
                continue
            topic, result, question, answer = demo.dice.choices(TALKS, WEIGHTS)[0]
            said = contacts.Said(
                topic, result, demo.dice.choices(["ja", "en", "vi", "pt"], [92, 4, 2, 2])[0], words=contacts.Words(question, answer)
            )  # fmt: skip
            if n == 3:
                source = demo.dice.choice([Source.RELAY, Source.FAX])
                said = contacts.Said(topic, result, source=source, words=contacts.Words(question, answer, number=demo.number()))
                contacts.record(demo.contract, said, at=start, user=user, by=by, now=start + 5 * MINUTE)
                written += 1
                continue
            call = _answered(demo, f"{day:%m%d}-{n}", start, talk=demo.dice.randint(70, 420))
            if n == 5 and day == days[-2]:
                continue
            assert call.ended_at is not None
            contacts.record(demo.contract, said, call=call, user=user, by=by, now=call.ended_at + dt.timedelta(seconds=demo.dice.randint(15, 90)))
            written += 1
    return written


def _answered(demo: _Demo, ref: str, start: dt.datetime, *, talk: int) -> Call:
    wait = demo.dice.randint(3, 40)
    steps = (("queued", 12, {}), ("answered", 12 + wait, {}), ("ended", 12 + wait + talk, {"by": "caller"}))
    agent = f"user:{demo.people[Role.OPERATOR].pk}"
    told = [_event(ref, "offered", start, caller=demo.number(), data={"state": "open"})]
    told.append(_event(ref, "menu", start + dt.timedelta(seconds=10), data={"choice": demo.dice.choice(["book", "change", "other"]), "language": "ja"}))
    told += [_event(ref, kind, start + dt.timedelta(seconds=at), agent=agent if kind == "answered" else "", data=data) for kind, at, data in steps]
    return _recorded(demo, told)


def _recorded(demo: _Demo, told: list[CallEvent]) -> Call:
    done = record_events(demo.contract, told, by=SYSTEM, now=told[-1].at)
    return Call.objects.get(pk=done.calls[0])


def _event(ref: str, kind: str, at: dt.datetime, *, caller: str = "", agent: str = "", data: dict[str, str] | None = None) -> CallEvent:
    return CallEvent(PROVIDER, f"second-{ref}", kind, at, caller=caller, agent=agent, data=data or {})  # type: ignore[arg-type]


def _callbacks(demo: _Demo, days: list[dt.date]) -> int:
    """Wishes from the menu and promises: done, given up, late, in hand, and fresh."""
    user, by = demo.people[Role.OPERATOR], demo.by(Role.OPERATOR)
    wished = [_wish(demo, f"w{n}", dt.datetime.combine(day, dt.time(10 + n, 20), JST)) for n, day in enumerate(days[-5:-1])]
    spoken, hopeless, late, busy = wished
    callbacks.tried(demo.contract, spoken.pk, outcome=TryOutcome.REACHED, user=user, by=by, now=spoken.asked_at + 35 * MINUTE)
    for hours in (1, 3):
        callbacks.tried(demo.contract, hopeless.pk, outcome=TryOutcome.NO_ANSWER, user=user, by=by, now=hopeless.asked_at + hours * 60 * MINUTE)
    callbacks.end(demo.contract, hopeless.pk, outcome=CallbackEnd.GIVEN_UP, by=by, now=hopeless.asked_at + 240 * MINUTE)
    callbacks.tried(demo.contract, late.pk, outcome=TryOutcome.BUSY, user=user, by=by, now=late.asked_at + 30 * MINUTE)
    callbacks.tried(demo.contract, busy.pk, outcome=TryOutcome.MESSAGE, user=user, by=by, now=busy.asked_at + 50 * MINUTE)
    fresh = demo.now - 25 * MINUTE
    callbacks.promise(
        demo.contract, number=demo.number(), name="高橋 恵子", about="母のカードの受取りについて、施設と相談してから折り返しを希望。", by=by, now=fresh
    )  # fmt: skip
    held = callbacks.promise(demo.contract, number=demo.number(), about="通訳と3人で話したい。", language="vi", by=by, now=fresh)
    callbacks.take(demo.contract, held.pk, user=user, by=by, now=demo.now - 2 * MINUTE)
    return len(wished) + 2


def _wish(demo: _Demo, ref: str, start: dt.datetime) -> Callback:
    told = [
        _event(ref, "offered", start, caller=demo.number(), data={"state": "open"}),
        _event(ref, "menu", start + dt.timedelta(seconds=9), data={"choice": demo.dice.choice(["book", "change"]), "language": "ja"}),
        _event(ref, "queued", start + dt.timedelta(seconds=12)),
        _event(ref, "callback_requested", start + dt.timedelta(seconds=75)),
        _event(ref, "ended", start + dt.timedelta(seconds=90), data={"by": "caller"}),
    ]
    return Callback.objects.get(call=_recorded(demo, told))


def _second_line(demo: _Demo, days: list[dt.date]) -> int:
    """A settled question, a late one, one taken by the leader, one that waits for the city, and a complaint at the city."""
    contract, operator, leader, city = demo.contract, Role.OPERATOR, Role.SUPERVISOR, Role.CITY

    def opened(day: dt.date, hour: int, topic: Topic, summary: str, *, complaint: bool = False, call_back: bool = False, name: str = "") -> int:
        at = dt.datetime.combine(day, dt.time(hour, 10), JST)
        made = escalations.hand_over(
            contract, topic=topic, summary=summary, name=name, number=demo.number() if call_back else "", complaint=complaint,
            call_back=call_back, user=demo.people[operator], by=demo.by(operator), now=at,
        )  # fmt: skip
        return made.pk

    def take(pk: int, role: Role, at: dt.datetime) -> None:
        escalations.take(contract, pk, user=demo.people[role], by=demo.by(role), now=at)

    def write(pk: int, role: Role, at: dt.datetime, text: str, *, called: bool = False) -> None:
        escalations.write(contract, pk, text=text, called=called, user=demo.people[role], by=demo.by(role), now=at)

    def at(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(hour, minute), JST)

    old, before, yesterday = days[-6], days[-3], days[-2]
    settled = opened(old, 10, Topic.PICKUP, "転入前の市で申請したカードを、こちらで受け取れるか。", call_back=True, name="中村 誠")
    take(settled, leader, at(old, 10, 20))
    write(settled, leader, at(old, 11), "転入の継続利用の手続きになることを電話で説明した。", called=True)
    escalations.close(contract, settled, text="納得された。FAQの候補として登録する。", user=demo.people[leader], by=demo.by(leader), now=at(old, 11, 5))
    opened(yesterday, 15, Topic.BRING, "住所が確認書類と違う場合に、ほかに何で確認できるか。", call_back=True, name="林 由美")
    legal = opened(before, 13, Topic.CERTIFICATE, "成年後見人が来庁する場合の登記事項証明書の期限について。", call_back=True, name="松本 直樹")
    take(legal, leader, at(before, 13, 30))
    escalations.pass_on(
        contract, legal, to=Line.CITY, text="市の取扱いの確認が必要。", user=demo.people[leader], by=demo.by(leader), now=at(before, 14)
    )  # fmt: skip
    anger = opened(
        yesterday, 11, Topic.COMPLAINT, "窓口で1時間待たされ、説明もなかったとのこと。責任者からの説明を求めている。", complaint=True, call_back=True,
        name="佐々木 和夫",
    )  # fmt: skip
    take(anger, leader, at(yesterday, 11, 20))
    escalations.pass_on(
        contract, anger, to=Line.CITY, text="窓口の運用についてのご意見のため。おわびは済み。", user=demo.people[leader], by=demo.by(leader),
        now=at(yesterday, 11, 50),
    )  # fmt: skip
    take(anger, city, at(yesterday, 13, 5))
    write(anger, city, at(yesterday, 13, 40), "窓口の待ち時間の記録を確認中。明朝までに電話する。")
    fresh = escalations.hand_over(
        contract, topic=Topic.MOVED, summary="結婚で氏名が変わる。予約の日と届出の日が前後するが、このままでよいか。", user=demo.people[operator],
        by=demo.by(operator), now=demo.now - 12 * MINUTE,
    )  # fmt: skip
    take(fresh.pk, leader, demo.now - 5 * MINUTE)
    return 5
