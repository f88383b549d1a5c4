"""The rooms of the counters of the demo: lists of three weeks with today's begun, papers, days at other places, photos. By the same deeds as real ones."""

from __future__ import annotations

import datetime as dt
import random
import struct

from django.conf import settings

from madoguchi.domain.cases.models import Case
from madoguchi.domain.photos import services as photos
from madoguchi.domain.photos.places import NoPlace, place_of
from madoguchi.domain.premises.models import Run
from madoguchi.domain.premises.queries.checklists import Sheet, sheets
from madoguchi.domain.premises.services import outings, papers
from madoguchi.domain.premises.services.checklists import Hand, Word, mark
from madoguchi.ground.accounts.models import Assignment, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.queries import business_days
from madoguchi.ground.kit.actors import Actor, ActorKind, Channel
from madoguchi.ground.kit.clock import JST

DAYS = 21
PLACES = (("中央公民館", "ロビー"), ("ショッピングセンター", "1階催事場"), ("子育て支援センター", "研修室"), ("地区センター", "集会室"))


def fill(contract: Contract, now: dt.datetime) -> str:
    """Inside ``contract_scope``."""
    dice = random.Random(f"rooms of {contract.code}")  # noqa: S311
    people = {one.role: one.user for one in Assignment.objects.filter(contract=contract).select_related("user")}
    lead, hand = people[Role.SUPERVISOR], people[Role.COUNTER]
    _lists(contract, lead, hand, now, dice)
    if contract.profile.shredding is not None:
        _papers(contract, lead, people[Role.CITY], hand, now, dice)
    if contract.profile.outreach.enabled:
        _outings(contract, lead, now, dice)
    if contract.profile.photo is not None:
        _photos(contract, hand, now, dice)
    return f"点検表 {Run.objects.count()} 枚"


def _by(user: User) -> Actor:
    return Actor(ActorKind.COUNTER, Channel.COUNTER, f"user:{user.pk}", str(user))


def _lists(contract: Contract, lead: User, hand: User, now: dt.datetime, dice: random.Random) -> None:
    today = now.astimezone(JST).date()
    days = [*business_days(contract, today - dt.timedelta(days=DAYS), today - dt.timedelta(days=1)), today]
    for sheet in sheets(contract, days, now):
        if sheet.due_at is None or dice.random() < 0.02:
            continue
        begun = sheet.due_at - dt.timedelta(minutes=dice.randint(3, 14))
        if sheet.terms.kind == "weekly":
            begun = min(begun, sheet.due_at - dt.timedelta(hours=dice.randint(0, 3)))
        if dice.random() < 0.06:
            begun += dt.timedelta(minutes=22)
        if begun < now:
            _go_through(contract, sheet, begun, lead, hand, now, dice)


def _go_through(contract: Contract, sheet: Sheet, begun: dt.datetime, lead: User, hand: User, now: dt.datetime, dice: random.Random) -> None:
    """Marks of one list, one after another, up to ``now``; of today's list the last item is still to be done."""
    at = begun
    today = sheet.day == now.astimezone(JST).date()
    for line in sheet.lines[: -1 if today else None]:
        at += dt.timedelta(seconds=dice.randint(20, 90))
        if at > now:
            return
        item = line.item
        user = lead if item["by"] == "leader" else hand
        word = Word(note="予備機を使用" if dice.random() < 0.1 else "")
        if item["unit"]:
            enough = item["minimum"] or 1
            word = Word(reading=enough - 12 if item["minimum"] and dice.random() < 0.08 else enough + dice.randint(0, 4 * enough))
        elif dice.random() < 0.02:
            word = Word(why="broken", note="業者に連絡済み")
        mark(contract, sheet.terms.code, sheet.site, item["code"], word, hand=Hand(user, user == lead, _by(user)), now=at)


def _papers(contract: Contract, lead: User, city: User, hand: User, now: dt.datetime, dice: random.Random) -> None:
    terms = contract.profile.shredding
    assert terms is not None
    today = now.astimezone(JST).date()

    def put_away(day: dt.date) -> int:
        kind = dice.choice(terms.kinds).code
        sheets_ = papers.Papers(kind, dice.choice(("box", "bag")), dice.randint(3, 40) * 50, "sheets", dice.choice(terms.places), day)
        return papers.keep(contract, sheets_, user=hand, by=_by(hand), now=dt.datetime.combine(day, dt.time(17), JST)).pk

    past = next(iter(business_days(contract, today - dt.timedelta(days=45), today)), None)
    if past is not None:
        bundles = [put_away(past - dt.timedelta(days=7 * n)) for n in range(1, 5)]
        at = dt.datetime.combine(past, dt.time(15), JST)
        done = papers.plan(contract, past, user=lead, by=_by(lead), now=at - dt.timedelta(days=10))
        papers.tell_volume(contract, done.pk, by=_by(lead), now=at - dt.timedelta(days=3))
        papers.collect(contract, done.pk, bundles, user=lead, by=_by(lead), now=at)
        by_city = Actor(ActorKind.CITY, Channel.COUNTER, f"user:{city.pk}", str(city))
        papers.confirm(contract, done.pk, "廃棄証明 2026-0714", user=city, by=by_city, now=at + dt.timedelta(hours=1))
    for n in range(4):
        put_away(today - dt.timedelta(days=7 * (n + 1)))
    coming = papers.plan(contract, today + dt.timedelta(days=24), user=lead, by=_by(lead), now=now)
    papers.tell_volume(contract, coming.pk, by=_by(lead), now=now)


def _outings(contract: Contract, lead: User, now: dt.datetime, dice: random.Random) -> None:
    today = now.astimezone(JST).date()
    city = contract.profile.city.name.removesuffix("市")
    past = business_days(contract, today - dt.timedelta(days=40), today - dt.timedelta(days=5))
    coming = business_days(contract, today + dt.timedelta(days=6), today + dt.timedelta(days=60))
    chosen = [past[2], past[-3], coming[0], coming[-4]] if len(past) > 4 and len(coming) > 4 else []
    codes = [one.code for one in contract.profile.procedures_at(contract.profile.sites[0].code)]
    for (name, room), day in zip(PLACES, chosen, strict=False):
        before = dt.datetime.combine(min(day, today), dt.time(8), JST) - dt.timedelta(days=14)
        plan = outings.Plan(f"{city}{name}", f"{contract.profile.city.name}内　{name}{room}", day, dt.time(10), dt.time(15), 2, 30)
        made = outings.plan_outing(contract, plan, by=_by(lead), now=before)
        if day >= today:
            continue
        at = dt.datetime.combine(day, dt.time(9), JST)
        for position in range(len(made.equipment)):
            outings.tick(contract, made.pk, position, "out", now=at)
            outings.tick(contract, made.pk, position, "back", now=at + dt.timedelta(hours=7))
        people = {code: dice.randint(1, 14) for code in codes[:3]}
        outings.report(contract, made.pk, people, sum(people.values()) // 2, by=_by(lead), now=at + dt.timedelta(hours=7))
        if day == past[2]:
            outings.hand_over(contract, made.pk, f"受領 {day:%m%d}-1", user=lead, by=_by(lead), now=at + dt.timedelta(hours=8))


def _photos(contract: Contract, hand: User, now: dt.datetime, dice: random.Random) -> None:
    """Some photos of today's cases at the folder that stands for the city's share; of the last one the place was away."""
    terms = contract.profile.photo
    assert terms is not None
    if settings.PHOTO_FOLDER is not None:
        (settings.PHOTO_FOLDER / contract.code).mkdir(parents=True, exist_ok=True)
    cases = list(Case.objects.order_by("-pk").select_related("site")[:5])
    for n, case in enumerate(cases):
        at = now - dt.timedelta(minutes=11 * (len(cases) - n))
        photo = photos.start(contract, f"case:{case.pk}", case.site.code, user=hand, by=_by(hand), now=at)
        place = NoPlace() if n == len(cases) - 1 else place_of(contract)
        photos.receive(contract, photo.pk, grey(terms.width, terms.height), place, by=_by(hand), now=at + dt.timedelta(seconds=dice.randint(40, 90)))
        photos.confirm_cleared(contract, photo.pk, by=_by(hand), now=at + dt.timedelta(seconds=95))


def grey(width: int, height: int) -> bytes:
    """A grey picture as JPEG (ITU-T T.81, baseline): every block is the middle grey. Nobody is in it."""
    blocks = -(-width // 8) * -(-height // 8)
    bits = "000" * blocks
    coded = int(bits + "1" * (-len(bits) % 8), 2).to_bytes((len(bits) + 7) // 8, "big").replace(b"\xff", b"\xff\x00")
    dc = b"\x00" + bytes([0, 1]) + bytes(14) + b"\x00"
    ac = b"\x10" + bytes([1]) + bytes(15) + b"\x00"
    parts = (
        (0xDB, b"\x00" + bytes([16] * 64)),
        (0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"),
        (0xC4, dc),
        (0xC4, ac),
        (0xDA, b"\x01\x01\x00\x00\x3f\x00"),
    )
    head = b"".join(bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body for marker, body in parts)
    return b"\xff\xd8" + head + coded + b"\xff\xd9"
