"""Reads of many bookings: the sheet of a day, filtered lists, summaries. All run inside ``contract_scope``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import ExtractHour, TruncDate

from madoguchi.domain.notices.models import Message
from madoguchi.domain.procedures.models import Procedure
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates, phones
from madoguchi.ground.kit.actors import ACTOR_KIND_LABELS, CHANNEL_LABELS, ActorKind, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.csvfile import Cell
from madoguchi.ground.privacy.sealing import keyring

from ..enums import State, WalkInOutcome
from ..models import Affected, Attendee, Booking, Event, WalkIn
from ..rules import show_code
from .desk import label_of, show_value, state_label, state_tone, unseal_contact, unseal_person, value_of

StateFilter = Literal["", "booked", "arrived", "no_show", "cancelled", "held", "all"]


@dataclass(frozen=True)
class Conditions:
    """Which people of which bookings; empty means no condition. Dates include both ends."""

    first: dt.date
    last: dt.date
    hour: int | None = None
    procedure: str = ""
    site: str = ""
    actor: str = ""
    channel: str = ""
    state: StateFilter = ""
    created_first: dt.date | None = None
    created_last: dt.date | None = None
    changed_first: dt.date | None = None
    changed_last: dt.date | None = None

    def as_dict(self) -> dict[str, str]:
        """The conditions that are set, as text."""
        return {key: str(value) for key, value in self.__dict__.items() if value not in (None, "")}


def _midnight(date: dt.date) -> dt.datetime:
    return dt.datetime.combine(date, dt.time(), JST)


def _span(name: str, first: dt.date | None, last: dt.date | None) -> Q:
    found = Q()
    if first:
        found &= Q(**{f"{name}__gte": _midnight(first)})
    if last:
        found &= Q(**{f"{name}__lt": _midnight(last + dt.timedelta(days=1))})
    return found


def people(conditions: Conditions) -> QuerySet[Attendee]:
    """The people that meet the conditions, one row each, by time."""
    c = conditions
    found: QuerySet[Attendee] = Attendee.objects.filter(_span("starts_at", c.first, c.last))
    match c.state:
        case "" | "booked":
            found = found.filter(booking__state=State.BOOKED)
        case "arrived":
            found = found.filter(booking__state=State.BOOKED, booking__arrived_at__isnull=False)
        case "no_show":
            found = found.filter(booking__state=State.BOOKED, booking__no_show=True)
        case "cancelled" | "held":
            found = found.filter(booking__state=c.state)
        case "all":
            found = found.exclude(booking__state=State.EXPIRED)
    if c.hour is not None:
        found = found.annotate(hour=ExtractHour("starts_at", tzinfo=JST)).filter(hour=c.hour)
    if c.procedure:
        found = found.filter(procedure__code=c.procedure)
    if c.site:
        found = found.filter(booking__site__code=c.site)
    if c.actor:
        found = found.filter(booking__actor_kind=c.actor)
    if c.channel:
        found = found.filter(booking__channel=c.channel)
    found = found.filter(_span("booking__created_at", c.created_first, c.created_last))
    if c.changed_first or c.changed_last:
        changed = Event.objects.exclude(kind__in=["held", "created", "expired"]).filter(
            _span("at", c.changed_first, c.changed_last)
        )
        found = found.filter(booking_id__in=changed.values("booking_id"))
    return found.select_related("booking", "booking__site", "procedure").order_by("starts_at", "booking_id", "position")


COLUMNS = (
    "予約番号",
    "日付",
    "時刻",
    "終了",
    "手続き",
    "場所",
    "人",
    "人数",
    "状態",
    "入力した人",
    "経路",
    "予約した日時",
    "定員超過",
)
PERSONAL_COLUMNS = ("氏名", "フリガナ", "生年月日", "電話番号", "メール", "郵便番号", "住所", "配慮が必要なこと")


def personal_columns(contract: Contract) -> tuple[str, ...]:
    """``PERSONAL_COLUMNS`` and a column for each further field that only this city asks for."""
    return (*PERSONAL_COLUMNS, *(label_of(contract, code) for code in _own_columns(contract)))


def _own_columns(contract: Contract) -> list[str]:
    return [rule.code for rule in contract.profile.booking.fields if rule.own or rule.code == "notice_number"]


def lines(
    contract: Contract, found: Sequence[Attendee] | QuerySet[Attendee], *, personal: bool
) -> Iterator[list[Cell]]:
    """Rows under ``COLUMNS`` (and ``personal_columns``), one per person; moments in Japan's time."""
    ring = keyring(contract) if personal else None
    own = _own_columns(contract)
    for a in found:
        booking = a.booking
        starts = a.starts_at.astimezone(JST)
        row: list[Cell] = [
            show_code(booking.code),
            starts.date(),
            starts.time(),
            a.ends_at.astimezone(JST).time(),
            a.procedure.legal_name,
            booking.site.name,
            a.position,
            booking.people,
            state_label(booking),
            ACTOR_KIND_LABELS[ActorKind(booking.actor_kind)],
            CHANNEL_LABELS[Channel(booking.channel)],
            booking.created_at.astimezone(JST),
            "超過" if booking.overbooked else "",
        ]
        if ring is not None:
            who, contact = unseal_person(ring, a), unseal_contact(ring, booking).as_dict()
            born = who.birth_date
            row += [who.name, who.kana, born, phones.show(contact.get("phone", "")), contact.get("email", "")]
            row += [contact.get("postal_code", ""), contact.get("address", ""), contact.get("needs", "")]
            told = {**contact, **who.as_dict()}
            row += [value_of(contract, code, told.get(code)) for code in own]
        yield row


@dataclass(frozen=True)
class Group:
    """One grouping of a summary: heading, and (label, people, bookings) rows."""

    title: str
    rows: list[tuple[str, int, int]]


def totals(conditions: Conditions) -> tuple[int, int]:
    """(people, bookings) that meet the conditions."""
    found = people(conditions).order_by().aggregate(people=Count("id"), bookings=Count("booking", distinct=True))
    return found["people"], found["bookings"]


def summary(contract: Contract, conditions: Conditions) -> list[Group]:
    """People and bookings by day, hour, procedure, site, actor kind and channel: one statement each."""
    names = {p.code: p.title for p in contract.profile.procedures}
    sites = {s.code: s.name for s in contract.profile.sites}
    found = people(conditions).select_related(None).order_by()

    def group(title: str, key: Any, show: Any) -> Group:
        by = found.annotate(group_key=key) if not isinstance(key, str) else found
        name = key if isinstance(key, str) else "group_key"
        rows = by.values(name).annotate(n=Count("id"), bookings=Count("booking", distinct=True)).order_by(name)
        return Group(title, [(show(row[name]), row["n"], row["bookings"]) for row in rows])

    return [
        group("日別", TruncDate("starts_at", tzinfo=JST), dates.show_short),
        group("時間帯別", ExtractHour("starts_at", tzinfo=JST), lambda hour: f"{hour}時"),
        group("手続き別", "procedure__code", lambda code: names.get(code, code)),
        group("場所別", "booking__site__code", lambda code: sites.get(code, code)),
        group("入力した人別", "booking__actor_kind", lambda kind: ACTOR_KIND_LABELS[ActorKind(kind)]),
        group("経路別", "booking__channel", lambda channel: CHANNEL_LABELS[Channel(channel)]),
    ]


@dataclass(frozen=True)
class SheetPerson:
    """One person of a booking on the sheet of a day."""

    name: str
    kana: str
    procedure: str
    starts_at: dt.datetime


@dataclass(frozen=True)
class SheetRow:
    """One booking on the sheet of a day."""

    id: int
    code: str
    shown_code: str
    starts_at: dt.datetime
    site: str
    people: list[SheetPerson]
    phone: str
    told: str
    needs: str
    state: str
    tone: str
    arrived: bool
    no_show: bool
    overbooked: bool
    affected: bool
    begun: bool


def day_sheet(contract: Contract, date: dt.date, *, site: str = "", now: dt.datetime) -> list[SheetRow]:
    """Confirmed bookings of a day by time, with names and what to mind; three statements however many there are."""
    bookings: QuerySet[Booking] = Booking.objects.filter(
        state=State.BOOKED, starts_at__gte=_midnight(date), starts_at__lt=_midnight(date + dt.timedelta(days=1))
    ).select_related("site")
    if site:
        bookings = bookings.filter(site__code=site)
    rows = list(bookings.order_by("starts_at", "pk"))
    ring = keyring(contract)
    party: dict[int, list[SheetPerson]] = {}
    attendees = Attendee.objects.filter(booking__in=rows).select_related("procedure").order_by("booking_id", "position")
    for a in attendees:
        who = unseal_person(ring, a)
        shown = SheetPerson(who.name, who.kana, a.procedure.legal_name, a.starts_at.astimezone(JST))
        party.setdefault(a.booking_id, []).append(shown)
    affected = set(Affected.objects.filter(booking__in=rows, settled_at=None).values_list("booking_id", flat=True))
    found = []
    for booking in rows:
        contact = unseal_contact(ring, booking).as_dict()
        label = state_label(booking)
        found.append(
            SheetRow(
                id=booking.pk,
                code=booking.code,
                shown_code=show_code(booking.code),
                starts_at=booking.starts_at.astimezone(JST),
                site=booking.site.name,
                people=party.get(booking.pk, []),
                phone=show_value("phone", contact.get("phone")),
                told=booking.medium.label if booking.medium else "",
                needs=contact.get("needs", ""),
                state=label,
                tone=state_tone(label),
                arrived=booking.arrived_at is not None,
                no_show=booking.no_show,
                overbooked=booking.overbooked,
                affected=booking.pk in affected,
                begun=booking.starts_at <= now,
            )
        )
    return found


@dataclass(frozen=True)
class WalkInRow:
    """A party that came without a booking."""

    id: int
    at: dt.datetime
    site: str
    people: int
    procedures: str
    language: str
    outcome: str
    withdrawn: bool


def walk_ins_of(date: dt.date, *, site: str = "") -> list[WalkInRow]:
    """Parties without a booking of a day by time; those taken back are marked. Two statements."""
    rows = WalkIn.objects.filter(at__gte=_midnight(date), at__lt=_midnight(date + dt.timedelta(days=1))).select_related("site")
    if site:
        rows = rows.filter(site__code=site)
    names = dict(Procedure.objects.values_list("code", "legal_name"))
    languages = dict(settings.LANGUAGES)
    return [
        WalkInRow(
            id=row.pk,
            at=row.at.astimezone(JST),
            site=row.site.name,
            people=sum(row.people.values()),
            procedures="、".join(f"{name} {row.people[code]}人" for code, name in names.items() if code in row.people),
            language=languages.get(row.language, row.language),
            outcome=WalkInOutcome(row.outcome).label,
            withdrawn=row.withdrawn_at is not None,
        )
        for row in rows
    ]


@dataclass(frozen=True)
class AffectedRow:
    """One line of the work list of bookings that a change of slots broke."""

    id: int
    booking_id: int
    code: str
    shown_code: str
    names: str
    phone: str
    starts_at: dt.datetime
    site: str
    people: int
    reason: str
    listed_at: dt.datetime
    told: str
    by_phone: bool
    settled_at: dt.datetime | None
    outcome: str


def affected_rows(contract: Contract, *, settled: bool = False, most: int = 200) -> list[AffectedRow]:
    """Open lines, the nearest visit first; or the settled ones, the latest first. Five statements however many."""
    lines_: QuerySet[Affected] = Affected.objects.filter(settled_at__isnull=not settled).select_related(
        "booking", "booking__site"
    )
    rows = list(lines_.order_by("-settled_at" if settled else "booking__starts_at", "pk")[:most])
    ring = keyring(contract)
    names: dict[int, list[str]] = {}
    for a in Attendee.objects.filter(booking__in=[r.booking_id for r in rows]).order_by("booking_id", "position"):
        who = unseal_person(ring, a)
        names.setdefault(a.booking_id, []).append(who.name or who.kana)
    refs = [f"booking:{r.booking_id}" for r in rows]
    last = dict(
        Message.objects.filter(ref__in=refs, kind="affected").order_by().values_list("ref").annotate(newest=Max("pk"))
    )
    states = dict(Message.objects.filter(pk__in=last.values()).values_list("ref", "state"))
    found = []
    for row in rows:
        booking = row.booking
        told, by_phone = _told(booking, states.get(f"booking:{booking.pk}"))
        contact = unseal_contact(ring, booking)
        found.append(
            AffectedRow(
                id=row.pk,
                booking_id=booking.pk,
                code=booking.code,
                shown_code=show_code(booking.code),
                names="、".join(filter(None, names.get(booking.pk, []))),
                phone=phones.show(contact.phone) if contact.phone else "",
                starts_at=booking.starts_at.astimezone(JST),
                site=booking.site.name,
                people=booking.people,
                reason=row.reason or "枠の変更",
                listed_at=row.created_at.astimezone(JST),
                told=told,
                by_phone=by_phone,
                settled_at=row.settled_at.astimezone(JST) if row.settled_at else None,
                outcome=row.outcome,
            )
        )
    return found


def _told(booking: Booking, state: str | None) -> tuple[str, bool]:
    if booking.medium is None:
        return "電話が必要（メールなし）", True
    way = booking.medium.label
    if state in ("bounced", "failed"):
        return f"電話が必要（{way}が届かない）", True
    return (f"{way}送信済み" if state == "sent" else f"{way}送信待ち"), False
