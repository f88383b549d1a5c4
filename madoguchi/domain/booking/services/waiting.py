"""Waiting for an earlier time: who is booked already may ask for an earlier day and is offered one when it becomes free.

Fairness: the list is asked in the order in which parties joined it; a place goes to the first party that it suits. An offer is a
hold of its own, so nobody else can take it; it runs out by day, never by night (``rules.offer_deadline``). Whoever lets an offer
pass keeps the place in the line until the contract's number of unanswered offers is reached. The booking that exists stays
untouched until the offer is accepted.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q, QuerySet

from madoguchi.domain.notices.models import Kind
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor, Channel
from madoguchi.ground.kit.clock import JST

from .. import availability, rules
from ..batch import write
from ..enums import Answer, EventKind, State, WaitingEnd
from ..errors import Refused
from ..models import Attendee, Booking, Claim, Offer, Rest, Slot, Waiting
from ..rules import Bands, DayPart, Refusal, Visit
from .change import Member, check_deadline, claims_of, give_back, part_rests, store, take
from .history import write_line
from .reserve import Reservation, document, lock_booking, tell

MOST_AT_ONCE = 500


@transaction.atomic
def wait(
    contract: Contract, code: str, *, from_date: dt.date, parts: Sequence[DayPart], by: Actor, now: dt.datetime
) -> Waiting:
    """Join the line for a day from ``from_date`` on and before the booking's; who waits already changes the wishes and keeps the place.

    Raises ``Refused``.
    """
    with contract_scope(contract):
        if not contract.profile.booking.waiting.enabled:
            raise Refused(Refusal.NO_WAITING)
        booking = lock_booking(code)
        check_deadline(contract, booking, by=by, now=now, cancelling=False)
        if booking.state != State.BOOKED:
            raise Refused(Refusal.NOT_LIVE)
        if from_date >= booking.starts_at.astimezone(JST).date():
            raise Refused(Refusal.NOT_EARLIER)
        wishes = {"from_date": from_date, "parts": sorted(set(parts), key=list(DayPart).index)}
        row, made = Waiting.objects.get_or_create(
            contract=contract,
            booking=booking,
            ended_at=None,
            defaults={**wishes, "created_at": now, "created_channel": by.channel},
        )
        if not made:
            Waiting.objects.filter(pk=row.pk).update(**wishes)
        _line(contract, booking, by, now, from_date=[None, from_date.isoformat()], parts=[None, wishes["parts"]])
        audit.record(contract, "waiting.begun", f"booking:{booking.pk}", by=by, now=now, from_date=from_date)
        return row


@transaction.atomic
def stop(contract: Contract, code: str, *, by: Actor, now: dt.datetime) -> None:
    """Leave the line; an open offer goes to the next. Leaving twice changes nothing."""
    with contract_scope(contract):
        lock_booking(code)
        row = Waiting.objects.filter(booking__code=code, ended_at=None).first()
        if row is None:
            return
        offer = Offer.objects.filter(waiting=row, answered_at=None).first()
        if offer:
            _close(contract, offer, Answer.DECLINED, by=by, now=now)
        _end(contract, row, WaitingEnd.STOPPED, by=by, now=now)


@transaction.atomic
def decline(contract: Contract, code: str, *, by: Actor, now: dt.datetime) -> None:
    """Let the open offer pass and keep waiting; the same time is not offered again. Raises ``Refused``."""
    with contract_scope(contract):
        lock_booking(code)
        offer = Offer.objects.filter(waiting__booking__code=code, answered_at=None).first()
        if offer is None:
            raise Refused(Refusal.OFFER_GONE)
        _close(contract, offer, Answer.DECLINED, by=by, now=now)


@transaction.atomic
def accept(contract: Contract, code: str, *, by: Actor, now: dt.datetime) -> Booking:
    """Move the booking to the time that is kept for it. Its old places rest or are free at once. Raises ``Refused``."""
    with contract_scope(contract):
        offer = Offer.objects.filter(waiting__booking__code=code, answered_at=None).first()
        ids = [] if offer is None else sorted([offer.waiting.booking_id, offer.hold_id])
        locked = {
            row.pk: row
            for row in Booking.objects.filter(pk__in=ids)
            .select_for_update(of=("self",), no_key=True)
            .select_related("site")
            .order_by("pk")
        }
        offer = Offer.objects.filter(pk=offer.pk, answered_at=None).select_related("waiting").first() if offer else None
        if offer is None:
            raise Refused(Refusal.OFFER_GONE)
        booking, hold = locked[offer.waiting.booking_id], locked[offer.hold_id]
        before = {
            a.pk: a for a in Attendee.objects.filter(booking=booking).select_related("procedure").order_by("position")
        }
        if hold.state != State.HELD or _misfit(offer, booking, list(before.values())):
            raise Refused(Refusal.OFFER_GONE)
        check_deadline(contract, booking, by=by, now=now, cancelling=False)
        places = list(Attendee.objects.filter(booking=hold).order_by("position"))
        given, kept = claims_of(booking, before), claims_of(hold, [place.pk for place in places])
        # Before the old places are given back, which rest only for others; the audit entries come after all locks of slots.
        Waiting.objects.filter(pk=offer.waiting_id).update(ended_at=now, outcome=WaitingEnd.ACCEPTED)
        _lock_slots([slot for claims in (*given.values(), *kept.values()) for slot, _ in claims])
        Claim.objects.filter(attendee__booking=hold).delete()
        Booking.objects.filter(pk=hold.pk).update(state=State.EXPIRED, hold_expires_at=None)
        shares: dict[int, list[int]] = {}
        for slot, share in (claim for claims in kept.values() for claim in claims):
            shares.setdefault(slot, []).append(share)
        change, rests = part_rests(
            contract, rules.shift([claim for claims in given.values() for claim in claims], [], 0).change, now=now
        )
        if change:
            take(contract, change, now=now)
        Rest.objects.bulk_create(rests)
        visits = [
            Visit(tuple(slot for slot, _ in kept[a.pk]), int(a.starts_at.timestamp()), int(a.ends_at.timestamp()))
            for a in places
        ]
        members = [Member(a.pk, a.procedure.code) for a in before.values()]
        moved = store(contract, booking, before, members, visits, given, shares, by=by, now=now, over=False)
        _answer(contract, offer, Answer.ACCEPTED, by=by, now=now)
        _end(contract, offer.waiting, WaitingEnd.ACCEPTED, by=by, now=now)
        return moved


def make_offers(contract: Contract, *, now: dt.datetime) -> int:
    """End offers that ran out or fit no more, then offer what is free to those who wait, in order. How many offers were made."""
    with contract_scope(contract):
        if not contract.profile.booking.waiting.enabled or not Waiting.objects.filter(ended_at=None).exists():
            return 0
    _tidy(contract, now=now)
    with contract_scope(contract):
        line = list(
            Waiting.objects.filter(ended_at=None)
            .exclude(pk__in=Offer.objects.filter(answered_at=None).values("waiting_id"))
            .select_related("booking", "booking__site")
            .order_by("created_at", "pk")[:MOST_AT_ONCE]
        )
    made = 0
    months: dict[tuple[int, int, int], dict[int, Bands]] = {}
    for row in line:
        with contract_scope(contract):
            found = _first_that_suits(contract, row, months, now=now)
            if found is None:
                continue
            try:
                with transaction.atomic():
                    _offer(contract, row, *found, now=now)
            except _Gone:
                continue  # taken meanwhile, or offered by another worker: the next round asks again
            finally:
                months.clear()
            made += 1
    return made


class _Gone(Exception):
    pass


Found = tuple[dt.datetime, list[str], list[Visit], dt.datetime]


def _first_that_suits(
    contract: Contract, row: Waiting, months: dict[tuple[int, int, int], dict[int, Bands]], *, now: dt.datetime
) -> Found | None:
    """The earliest time that the party asked for and that has room, with its placement and the end of the offer."""
    booking, rule = row.booking, contract.profile.booking
    codes = list(Attendee.objects.filter(booking=booking).order_by("position").values_list("procedure__code", flat=True))
    try:
        site = availability.site_plan(contract, booking.site.code)
        needs = site.needs(codes)
    except availability.Unknown:
        return None
    by = _for(row)
    known = set(Offer.objects.filter(waiting=row).values_list("starts_at", flat=True))
    resting: Counter[int] = Counter()
    for slot, places in _rests(by).values_list("slot_id", "places"):
        resting[slot] += places
    window = rules.WindowRule(rule.window.open_days_ahead, rule.window.opens_at)
    last = booking.starts_at.astimezone(JST).date() - dt.timedelta(days=1)
    day = max(row.from_date, now.date())
    month = day.replace(day=1)
    while month <= last:
        key = (site.id, month.year, month.month)
        if key not in months:
            months[key] = availability.month_grid(contract, *key, fresh=True).grid
        grid = availability.seen_by(months[key], by=by, now=now)
        for start in rules.starts_of(grid, needs):
            moment = dt.datetime.fromtimestamp(start, JST)
            if not day <= moment.date() <= last or moment in known:
                continue
            if row.parts and rules.part_of(moment) not in row.parts:
                continue
            latest = min(rule.window.web_lead.latest(moment), rule.window.change_until.latest(booking.starts_at.astimezone(JST)))
            if rules.may_book(moment, now=now, window=window, latest=latest, staff=False):
                continue
            visits = rules.fit(grid, needs, start, spread=rule.spread, freed=resting)
            deadline = rules.offer_deadline(now, rule.waiting.answer_minutes, latest) if visits else None
            if visits and deadline:
                return moment, codes, visits, deadline
        month = (month + dt.timedelta(days=32)).replace(day=1)
    return None


def _offer(
    contract: Contract,
    row: Waiting,
    moment: dt.datetime,
    codes: list[str],
    visits: list[Visit],
    deadline: dt.datetime,
    *,
    now: dt.datetime,
) -> None:
    """Hold the places for the party and tell it. Raises ``_Gone`` when they were taken, or the party was asked, meanwhile.

    The booking is locked first: its own answers and other workers wait, or were before.
    """
    booking = lock_booking(row.booking.code)
    waits = Waiting.objects.filter(pk=row.pk, ended_at=None).exists()
    if not waits or booking.state != State.BOOKED or Offer.objects.filter(waiting=row, answered_at=None).exists():
        raise _Gone
    wanted = Counter(slot for visit in visits for slot in visit.slots)
    _lock_slots(list(wanted))
    awake: Counter[tuple[int, int]] = Counter()
    by = _for(row)
    mine = _rests(by).filter(slot__in=wanted).select_for_update(of=("self",), skip_locked=True)
    for rest in mine.order_by("until", "pk"):
        n = min(rest.places, wanted[rest.slot_id])
        if not n:
            continue
        wanted[rest.slot_id] -= n
        awake[rest.slot_id, rest.share] -= n
        if n == rest.places:
            rest.delete()
        else:
            Rest.objects.filter(pk=rest.pk).update(places=rest.places - n)
    if awake:
        take(contract, awake, now=now)
    asked = Reservation(
        site=booking.site.code,
        starts_at=moment,
        people=[(code, None) for code in codes],
        contact=None,
        language=booking.language,
        key=f"offer:{row.pk}:{int(moment.timestamp())}",
    )
    site = availability.site_plan(contract, booking.site.code)
    doc = document(contract, asked, site, visits, deadline=deadline, by=by)
    outcome = write(contract.pk, now, [doc], lane=audit.LANE_DEEDS)[0]
    if outcome.outcome != "created":
        raise _Gone
    Offer.objects.create(
        contract=contract, waiting=row, hold_id=outcome.id, starts_at=moment, made_at=now, expires_at=deadline
    )
    tell(contract, booking, Kind.OFFER, now=now)
    _line(
        contract, booking, by, now, kind=EventKind.OFFERED, offer=[None, moment.isoformat()], until=[None, deadline.isoformat()]
    )
    audit.record(
        contract, "waiting.offered", f"booking:{booking.pk}", by=by, now=now, starts_at=moment, expires_at=deadline
    )


def _tidy(contract: Contract, *, now: dt.datetime) -> None:
    """End what is over: offers unanswered or no longer fitting, and the waiting of parties that came, moved or cancelled."""
    with contract_scope(contract):
        offers = list(Offer.objects.filter(answered_at=None).order_by("pk").values_list("pk", flat=True))
    for pk in offers:
        with contract_scope(contract), transaction.atomic():
            offer = Offer.objects.filter(pk=pk).select_related("waiting__booking").first()
            if offer is None:
                continue
            booking = lock_booking(offer.waiting.booking.code)
            offer = Offer.objects.filter(pk=pk, answered_at=None).select_related("waiting", "hold").first()
            if offer is None:
                continue
            people = list(Attendee.objects.filter(booking=booking).select_related("procedure").order_by("position"))
            if _misfit(offer, booking, people):
                _close(contract, offer, Answer.WITHDRAWN, by=SYSTEM, now=now)
            elif offer.expires_at <= now or offer.hold.state != State.HELD:
                _close(contract, offer, Answer.MISSED, by=SYSTEM, now=now)
                missed = offer.waiting.missed + 1
                Waiting.objects.filter(pk=offer.waiting_id).update(missed=missed)
                if missed >= contract.profile.booking.waiting.most_missed:
                    _end(contract, offer.waiting, WaitingEnd.MISSED, by=SYSTEM, now=now)
    with contract_scope(contract), transaction.atomic():
        over = Waiting.objects.filter(ended_at=None).exclude(booking__state=State.BOOKED, booking__starts_at__gt=now)
        for row in over.exclude(pk__in=Offer.objects.filter(answered_at=None).values("waiting_id")).order_by("pk"):
            _end(contract, row, WaitingEnd.OVER, by=SYSTEM, now=now)


def _misfit(offer: Offer, booking: Booking, people: Sequence[Attendee]) -> bool:
    """Whether the offer is no earlier any more, or for another party than the booking's of now."""
    held = Attendee.objects.filter(booking_id=offer.hold_id).order_by("position").values_list("procedure_id", flat=True)
    same = [person.procedure_id for person in people] == list(held)
    return booking.state != State.BOOKED or offer.starts_at >= booking.starts_at or not same


def _close(contract: Contract, offer: Offer, answer: Answer, *, by: Actor, now: dt.datetime) -> None:
    """Give the kept places back, to the next in the line first, and note the answer."""
    hold = Booking.objects.select_for_update(of=("self",), no_key=True).get(pk=offer.hold_id)
    if hold.state == State.HELD:
        give_back(contract, [hold.pk], now=now, rest=True)
        Booking.objects.filter(pk=hold.pk).update(state=State.EXPIRED, hold_expires_at=None)
    _answer(contract, offer, answer, by=by, now=now)


def _answer(contract: Contract, offer: Offer, answer: Answer, *, by: Actor, now: dt.datetime) -> None:
    Offer.objects.filter(pk=offer.pk).update(answered_at=now, answer=answer)
    audit.record(
        contract, "waiting.answered", f"booking:{offer.waiting.booking_id}", by=by, now=now, answer=answer,
        starts_at=offer.starts_at.astimezone(JST),
    )  # fmt: skip


def _end(contract: Contract, row: Waiting, outcome: WaitingEnd, *, by: Actor, now: dt.datetime) -> None:
    Waiting.objects.filter(pk=row.pk).update(ended_at=now, outcome=outcome)
    audit.record(contract, "waiting.ended", f"booking:{row.booking_id}", by=by, now=now, outcome=outcome)


def _for(row: Waiting) -> Actor:
    """The system, acting in the channel (and from the contingent) of the party that waits."""
    return SYSTEM.through(Channel(row.created_channel))


def _rests(by: Actor) -> QuerySet[Rest]:
    """Resting places that ``by`` could take: those of its own contingent, and of slots without any."""
    return Rest.objects.filter(Q(slot__kept=None) | Q(share=rules.share_of(by.channel)))


def _lock_slots(slots: Sequence[int]) -> None:
    """Lock every slot that the deed touches, in order of id, before it touches the first."""
    list(Slot.objects.filter(pk__in=slots).select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))


def _line(
    contract: Contract,
    booking: Booking,
    by: Actor,
    now: dt.datetime,
    kind: EventKind = EventKind.WAITING,
    **change: list[object],
) -> None:
    write_line(contract, booking.pk, kind, by=by, now=now, change=change)
