"""Reads of cards: the overview, lists by what is due, one card, boxes, a reservation's cards, the day's picks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet, Sum

from madoguchi.domain.booking.enums import State as BookingState
from madoguchi.domain.booking.models import Attendee, Booking
from madoguchi.domain.booking.party import person_index
from madoguchi.domain.booking.rules import show_code
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.ground.worklog.models import Fact

from ..enums import Fault, MoveKind, Reason, Spot, State
from ..models import Card, Disposal, Move
from ..rules import DUE_LABELS, LIVE, TOLD, Due, Place, due_on, show_place
from ..services.moving import PROCEDURE, terms_of
from ..words import MOVE, PERSON


@dataclass(frozen=True)
class Overview:
    """How many cards stand where; ``ended`` counts what left the stock since the first of the month."""

    stages: list[tuple[str, str, int]]
    aside: list[tuple[str, str, int]]
    ended: list[tuple[str, int]]
    total: int


def _stage_filters() -> dict[str, tuple[str, Q]]:
    stored = Q(state__in=TOLD, spot=Spot.SLOT)
    return {
        "registered": ("設定待ち", Q(state=State.REGISTERED)),
        "set_up": ("確認待ち", Q(state=State.SET_UP)),
        "checked": ("通知待ち", Q(state=State.CHECKED)),
        "unstored": ("格納待ち", Q(state__in=TOLD, spot=Spot.TRAY)),
        "stored": ("保管中", stored),
        "picked": ("取り出し中", Q(state__in=TOLD, spot=Spot.PICK)),
        "proposed": ("廃棄の承認待ち", Q(state=State.PROPOSED)),
        "lost": ("所在不明", Q(spot=Spot.LOST)),
    }


STAGES = {code: label for code, (label, _) in _stage_filters().items()}
FLOW = ("registered", "set_up", "checked", "unstored", "stored", "picked")


def overview(now: dt.datetime) -> Overview:
    """The stock of this moment and what left it this month: two statements."""
    live = Card.objects.filter(state__in=LIVE).exclude(spot=Spot.LOST)
    counts = live.aggregate(total=Count("pk"), **{code: Count("pk", filter=q) for code, (_, q) in _stage_filters().items() if code != "lost"})
    lost = Card.objects.filter(spot=Spot.LOST).count()
    local = now.astimezone(JST)
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    kinds = {"card.set_up": "交付前設定", "card.notified": "交付通知", "card.issued": "交付", "card.returned": "返戻", "card.disposed": "廃棄"}
    done = dict(Fact.objects.filter(kind__in=kinds, at__gte=first, at__lte=now).order_by().values_list("kind").annotate(n=Sum("quantity")))
    return Overview(
        stages=[(code, STAGES[code], counts[code]) for code in FLOW],
        aside=[("proposed", STAGES["proposed"], counts["proposed"]), ("lost", STAGES["lost"], lost)],
        ended=[(label, done.get(kind, 0)) for kind, label in kinds.items()],
        total=counts["total"] + lost,
    )


def at_stage(code: str) -> QuerySet[Card]:
    """The cards of a stage of :data:`STAGES`, longest there first. Raises ``KeyError``."""
    found = Card.objects.filter(state__in=LIVE).filter(_stage_filters()[code][1])
    return (found if code == "lost" else found.exclude(spot=Spot.LOST)).order_by("placed_at", "number")


@dataclass(frozen=True)
class Aged:
    """A card of the list by age: days since it arrived and since its notice, what is due and since when."""

    card: Card
    days: int
    notice_days: int | None
    due: Due | None
    due_label: str
    due_on: dt.date | None


def ageing(contract: Contract, today: dt.date, *, due: str = "") -> list[Aged]:
    """Cards for which something is due (``due``: only that), longest overdue first; ``due="all"`` lists the whole stock."""
    terms = terms_of(contract)
    rows = []
    for card in Card.objects.filter(state__in=LIVE).order_by("arrived_on", "number"):
        found = due_on(State(card.state), arrived=card.arrived_on, notified=card.notified_on, renotified=card.renotified_on, terms=terms)
        overdue = found is not None and found[1] <= today
        if due != "all" and not (overdue and found is not None and due in ("", found[0])):
            continue
        rows.append(
            Aged(
                card, (today - card.arrived_on).days, (today - card.notified_on).days if card.notified_on else None,
                found[0] if found and overdue else None, DUE_LABELS[found[0]] if found and overdue else "", found[1] if found else None,
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: (row.due is None, row.due_on or dt.date.max, row.card.number))


@dataclass(frozen=True)
class Line:
    """One line of a card's history."""

    n: int
    at: dt.datetime
    label: str
    who: str
    source: str
    target: str
    reason: str
    words: str


def history(contract: Contract, card: Card) -> list[Line]:
    """All moves of a card, newest first."""
    ring = keyring(contract)
    return [
        Line(
            one.n, one.at.astimezone(JST), MoveKind(one.kind).label, str(one.by), show_place(one.source) if one.source else "", show_place(one.target),
            reason_label(one.reason), ring.unseal_json(MOVE, one.words)["text"] if one.words else "",
        )
        for one in Move.objects.filter(card=card).select_related("by").order_by("-n")
    ]  # fmt: skip


def reason_label(code: str) -> str:
    """The words of a reason for a return, a disposal or a failed check; empty for none."""
    return str({**dict(Fault.choices), **dict(Reason.choices)}.get(code, code))


def person_of(contract: Contract, card: Card) -> tuple[str, dt.date] | None:
    """Reading and birth date of a card; None where none are kept."""
    if not card.person:
        return None
    values = keyring(contract).unseal_json(PERSON, card.person)
    return values["kana"], dt.date.fromisoformat(values["born"])


def find_by_person(contract: Contract, reading: str, born: dt.date) -> list[Card]:
    """Live cards of a reading and birth date."""
    index = person_index(keyring(contract), reading, born)
    return list(Card.objects.filter(person_index=index, state__in=LIVE).order_by("number"))


@dataclass(frozen=True)
class BookingCards:
    """The cards of a reservation: tied to it, and others of the same people that could be."""

    people: int
    tied: list[Card] = field(default_factory=list)
    suggested: list[Card] = field(default_factory=list)


def cards_of_booking(contract: Contract, booking: Booking) -> BookingCards | None:
    """Cards for a reservation of card pick-up; None where the contract has no stock or nobody of the party picks a card up."""
    if contract.profile.cards is None:
        return None
    waiting = Attendee.objects.filter(booking=booking, procedure__code=PROCEDURE)
    indexes = list(waiting.values_list("person_index", flat=True))
    if not indexes:
        return None
    tied = list(Card.objects.filter(booking=booking).order_by("number"))
    same = Card.objects.filter(person_index__in=[index for index in indexes if index], state__in=LIVE, booking=None)
    return BookingCards(len(indexes), tied, list(same.order_by("number")))


def cards_by_booking(bookings: Iterable[int]) -> dict[int, list[Card]]:
    """The cards tied to some reservations, by its id: one statement."""
    found: dict[int, list[Card]] = {}
    for card in Card.objects.filter(booking_id__in=list(bookings)).order_by("number"):
        found.setdefault(card.booking_id or 0, []).append(card)
    return found


@dataclass(frozen=True)
class Pick:
    """One card to fetch for a reservation of the day, or a reservation without its cards (``card`` None)."""

    code: str
    shown_code: str
    starts_at: dt.datetime
    card: Card | None
    place: Place | None
    picked: bool
    missing: int = 0


def picks(day: dt.date) -> list[Pick]:
    """What has to be fetched for a day, in the order of the shelves; then reservations that lack cards, by time. Three statements."""
    begin = dt.datetime.combine(day, dt.time(), JST)
    bookings = list(
        Booking.objects.filter(state=BookingState.BOOKED, starts_at__gte=begin, starts_at__lt=begin + dt.timedelta(days=1), arrived_at=None)
        .order_by("starts_at", "pk")
    )  # fmt: skip
    people: dict[int, int] = dict(
        Attendee.objects.filter(booking__in=bookings, procedure__code=PROCEDURE).order_by().values_list("booking_id").annotate(n=Count("pk"))
    )
    tied = cards_by_booking(people)
    rows, lacking = [], []
    for booking in bookings:
        if booking.pk not in people:
            continue
        cards = tied.get(booking.pk, [])
        starts = booking.starts_at.astimezone(JST)
        rows += [Pick(booking.code, show_code(booking.code), starts, card, card.place, card.spot in (Spot.PICK, Spot.GONE)) for card in cards]
        if len(cards) < people[booking.pk]:
            lacking.append(Pick(booking.code, show_code(booking.code), starts, None, None, False, people[booking.pk] - len(cards)))
    return sorted(rows, key=lambda row: (row.place, row.starts_at)) + lacking  # type: ignore[arg-type,return-value]


def left_over(now: dt.datetime) -> list[Card]:
    """Cards on the pick-up tray whose reservation is over or gone: they go back to the shelf."""
    today = dt.datetime.combine(now.astimezone(JST).date(), dt.time(), JST)
    over = Q(booking=None) | ~Q(booking__state=BookingState.BOOKED) | Q(booking__starts_at__lt=today)
    return list(Card.objects.filter(over, spot=Spot.PICK).select_related("booking").order_by("number"))


@dataclass(frozen=True)
class Box:
    """One box of a cabinet with how many cards lie in it."""

    number: int
    label: str
    cards: int
    slots: int


def boxes(contract: Contract) -> list[tuple[str, str, list[Box]]]:
    """(code, name, boxes) of every cabinet: one statement."""
    rows = Card.objects.filter(spot=Spot.SLOT).order_by().values_list("cabinet", "box").annotate(n=Count("pk"))
    counts = {(cabinet, box): n for cabinet, box, n in rows}
    return [
        (c.code, c.name, [Box(n, f"{c.label}-{n:02}", counts.get((c.code, n), 0), c.slots) for n in range(1, c.boxes + 1)])
        for c in terms_of(contract).cabinets
    ]


def in_box(cabinet: str, box: int) -> QuerySet[Card]:
    """The cards of a box in order."""
    return Card.objects.filter(spot=Spot.SLOT, cabinet=cabinet, box=box).select_related("booking").order_by("slot")


def open_disposals() -> Sequence[Disposal]:
    """Cards that wait for a decision, oldest first."""
    return list(Disposal.objects.filter(decided_at=None).select_related("card", "proposed_by"))


def recent_moves(user_id: int, kinds: Iterable[MoveKind], since: dt.datetime, most: int = 10) -> list[Move]:
    """The last moves of these kinds by one person."""
    rows = Move.objects.filter(by_id=user_id, kind__in=list(kinds), at__gte=since).select_related("card").order_by("-at", "-pk")
    return list(rows[:most])
