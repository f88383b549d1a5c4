"""Reads of the call-centre desk: finding a booking by what a caller can say, and everything about one booking.

Searches run over blind indexes only; what was typed is never stored. All functions run inside ``contract_scope``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from madoguchi.domain.procedures.enums import Situation, Who
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import dates, kana, phones
from madoguchi.ground.kit.actors import ACTOR_KIND_LABELS, CHANNEL_LABELS, ActorKind, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import Keyring, keyring

from ..answers import show_answer
from ..enums import LIVE, EventKind, State
from ..models import Affected, Attendee, Booking, Event
from ..party import CONTACT, EVENT, PERSON, Contact, Person, person_index
from ..rules import ALPHABET, CODE_LENGTH, DayPart, read_code, show_code
from .bringing import Together, together
from .waiting import PART_LABELS

KeyKind = Literal["code", "phone", "person", "mail", "unknown"]
MOST = 50

FIELD_LABELS = {
    "name": "氏名",
    "kana": "フリガナ",
    "birth_date": "生年月日",
    "notice_number": "はがきの番号",
    "who": "来る人",
    "situations": "あてはまるもの",
    "phone": "電話番号",
    "email": "メール",
    "postal_code": "郵便番号",
    "address": "住所",
    "language": "ことば",
    "needs": "配慮が必要なこと",
    "memo": "メモ",
}
"""Labels of the standard input fields on staff screens; a contract's own label wins (see ``label_of``)."""


@dataclass(frozen=True)
class SearchKey:
    """What a search text is: its kind and the cleaned parts. ``problem`` says what to type when it is unknown."""

    kind: KeyKind
    code: str = ""
    phone: str = ""
    reading: str = ""
    born: dt.date | None = None
    mail: str = ""
    problem: str = ""


def read_search(text: str) -> SearchKey:
    """Tell a reservation code, a phone number, a mail address, or a reading with a birth date apart.

    Order and spelling do not matter: full-width, hyphens, blanks, hiragana, 和暦 and 西暦 are understood.
    """
    plain = text.strip(" \t\r\n\u3000")
    if not plain:
        return SearchKey("unknown", problem="予約番号、電話番号、またはフリガナと生年月日を入力してください。")
    if "@" in plain or "＠" in plain:
        return SearchKey("mail", mail=plain.replace("＠", "@").lower())
    code = read_code(plain)
    if len(code) == CODE_LENGTH and all(c in ALPHABET for c in code):
        return SearchKey("code", code=code)
    try:
        return SearchKey("phone", phone=phones.normalise(plain))
    except ValueError:
        pass
    words = re.split(r"[\s\u3000,、]+", plain)
    for size in range(len(words), 0, -1):
        for at in range(len(words) - size + 1):
            born = _birth_date("".join(words[at : at + size]))
            if born is None:
                continue
            reading = " ".join(words[:at] + words[at + size :])
            if reading:
                return SearchKey("person", reading=kana.to_katakana(reading), born=born)
            return SearchKey(
                "unknown", problem="生年月日のほかに、フリガナも入力してください。例：ヤマダ タロウ S55.1.2"
            )
    glued = re.fullmatch(r"(\D+?)[\s\u3000]*((?:令和|平成|昭和|大正|明治|[RHSTMrhstm])?\s*[\d元].*)", plain)
    if glued and (born := _birth_date(glued[2])):
        return SearchKey("person", reading=kana.to_katakana(glued[1]), born=born)
    if kana.is_kana(kana.to_katakana(plain)):
        return SearchKey(
            "unknown", problem="フリガナだけでは探せません。続けて生年月日も入力してください。例：ヤマダ タロウ S55.1.2"
        )
    digits = re.sub(r"\D", "", plain)
    if len(digits) >= 6:
        return SearchKey(
            "unknown", problem="電話番号なら市外局番から10桁か11桁、予約番号なら英数字8文字で入力してください。"
        )
    return SearchKey(
        "unknown", problem="予約番号（8文字）、電話番号、またはフリガナと生年月日で探せます。漢字の氏名では探せません。"
    )


def _birth_date(text: str) -> dt.date | None:
    try:
        return dates.parse(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class Found:
    """One line of a search result."""

    id: int
    code: str
    shown_code: str
    state: str
    state_label: str
    live: bool
    starts_at: dt.datetime
    site: str
    people: int
    names: str
    procedures: str
    phone: str
    has_mail: bool
    overbooked: bool


def find(contract: Contract, key: SearchKey, *, now: dt.datetime) -> list[Found]:
    """Bookings that match, those still to come first (soonest first), then past ones; at most ``MOST``."""
    ring = keyring(contract)
    bookings = Booking.objects.exclude(state=State.EXPIRED).select_related("site")
    if key.kind == "code":
        bookings = bookings.filter(code=key.code)
    elif key.kind == "phone":
        bookings = bookings.filter(phone_index=ring.blind("phone", key.phone))
    elif key.kind == "mail":
        bookings = bookings.filter(mail_index=ring.blind("mail", key.mail))
    elif key.kind == "person" and key.born is not None:
        index = person_index(ring, key.reading, key.born)
        bookings = bookings.filter(pk__in=Attendee.objects.filter(person_index=index).values("booking_id"))
    else:
        return []
    rows = list(bookings.order_by("-starts_at")[:MOST])
    rows.sort(key=lambda b: (b.state not in LIVE or b.ends_at < now, abs((b.starts_at - now).total_seconds())))
    return found_rows(ring, rows)


def found_rows(ring: Keyring, rows: Sequence[Booking]) -> list[Found]:
    """Result lines for these bookings, with two statements however many there are."""
    people: dict[int, list[Attendee]] = {}
    attendees = Attendee.objects.filter(booking__in=rows).select_related("procedure").order_by("booking_id", "position")
    for attendee in attendees:
        people.setdefault(attendee.booking_id, []).append(attendee)
    found = []
    for row in rows:
        party = people.get(row.pk, [])
        contact = unseal_contact(ring, row)
        found.append(
            Found(
                id=row.pk,
                code=row.code,
                shown_code=show_code(row.code),
                state=row.state,
                state_label=state_label(row),
                live=row.state in LIVE,
                starts_at=row.starts_at.astimezone(JST),
                site=row.site.name,
                people=row.people,
                names="、".join(filter(None, (name_of(unseal_person(ring, a)) for a in party))),
                procedures="、".join(dict.fromkeys(a.procedure.legal_name for a in party)),
                phone=phones.show(contact.phone) if contact.phone else "",
                has_mail=row.has_mail,
                overbooked=row.overbooked,
            )
        )
    return found


def state_label(booking: Booking) -> str:
    """State with the marks of the day: 予約済み, 来庁済み, 不来庁, 取消済み, 仮押さえ."""
    if booking.state == State.BOOKED and booking.arrived_at:
        return "来庁済み"
    if booking.state == State.BOOKED and booking.no_show:
        return "不来庁"
    return str(State(booking.state).label)


def state_tone(label: str) -> str:
    """Tone of the badge of a ``state_label``."""
    tones = {"来庁済み": "ok", "不来庁": "bad", "取消済み": "done", "期限切れ": "done", "仮押さえ": "warn"}
    return tones.get(label, "info")


def name_of(person: Person) -> str:
    """The name, else the reading."""
    return person.name or person.kana


def unseal_person(ring: Keyring, attendee: Attendee) -> Person:
    """The details of one person; empty when there are none (a hold, or erased)."""
    return Person(ring.unseal_json(PERSON, bytes(attendee.person)) if attendee.person else {})


def unseal_contact(ring: Keyring, booking: Booking) -> Contact:
    """Contact of a booking; empty when there is none (a hold, or erased)."""
    return Contact(ring.unseal_json(CONTACT, bytes(booking.contact)) if booking.contact else {})


@dataclass(frozen=True)
class Guest:
    """One person of a booking for the panel: the row, the details, what to bring."""

    id: int
    position: int
    procedure: str
    procedure_name: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    person: Person
    details: list[tuple[str, str]]


@dataclass(frozen=True)
class Line:
    """One line of the history: when, what, who through which channel, and before → after per field."""

    at: dt.datetime
    kind: str
    label: str
    who: str
    channel: str
    changes: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Panel:
    """Everything the desk shows about one booking."""

    booking: Booking
    code: str
    shown_code: str
    state: str
    tone: str
    live: bool
    site: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    people: list[Guest]
    contact: Contact
    contact_details: list[tuple[str, str]]
    history: list[Line]
    briefings: list[tuple[str, Together]]
    affected: Affected | None
    notes: list[Line] = field(default_factory=list)


def label_of(contract: Contract, code: str) -> str:
    """Japanese label of an input field: the contract's own, else the standard one."""
    rule = contract.profile.booking.field(code)
    return (rule.label if rule else None) or FIELD_LABELS.get(code, code)


def value_of(contract: Contract, code: str, value: Any) -> str:
    """A stored value of a field of the contract as staff read it."""
    rule = contract.profile.booking.field(code)
    return show_answer(rule, str(value), "ja") if rule and rule.own and value else show_value(code, value)


def show_value(code: str, value: Any) -> str:
    """A stored value of a standard field as people read it: phone with hyphens, birth date in both calendars."""
    if value in (None, "", []):
        return ""
    if code == "phone":
        return phones.show(str(value))
    if code == "birth_date":
        born = dt.date.fromisoformat(str(value))
        return f"{dates.show(born, weekday=False)}（{born.year}年）"
    if code == "who":
        return str(Who(str(value)).label)
    if code == "situations":
        return "、".join(str(Situation(one).label) for one in str(value).split(","))
    return str(value)


def panel(contract: Contract, code: str) -> Panel:
    """One booking with people, contact, history and texts. Raises ``Booking.DoesNotExist``."""
    booking = Booking.objects.select_related("site").get(code=read_code(code))
    ring = keyring(contract)
    attendees = list(Attendee.objects.filter(booking=booking).select_related("procedure").order_by("position"))
    guests = []
    for a in attendees:
        person = unseal_person(ring, a)
        guests.append(
            Guest(
                id=a.pk,
                position=a.position,
                procedure=a.procedure.code,
                procedure_name=a.procedure.legal_name,
                starts_at=a.starts_at.astimezone(JST),
                ends_at=a.ends_at.astimezone(JST),
                person=person,
                details=[(label_of(contract, k), value_of(contract, k, v)) for k, v in person.as_dict().items() if v],
            )
        )
    contact = unseal_contact(ring, booking)
    names = {p.code: p.title for p in contract.profile.procedures}
    events = list(Event.objects.filter(booking=booking).order_by("-at", "-id"))
    history = [_line(contract, ring, event, names) for event in events]
    label = state_label(booking)
    return Panel(
        booking=booking,
        code=booking.code,
        shown_code=show_code(booking.code),
        state=label,
        tone=state_tone(label),
        live=booking.state in LIVE,
        site=booking.site.name,
        starts_at=booking.starts_at.astimezone(JST),
        ends_at=booking.ends_at.astimezone(JST),
        people=guests,
        contact=contact,
        contact_details=[(label_of(contract, k), value_of(contract, k, v)) for k, v in contact.as_dict().items() if v],
        history=history,
        briefings=[
            (names[one.procedure], one)
            for one in together(
                [(g.position, g.procedure, g.person) for g in guests], booking.starts_at.astimezone(JST).date(), "ja"
            )
        ],
        affected=Affected.objects.filter(booking=booking, settled_at=None).first(),
        notes=[
            line for line in history if any(label in _SEALED.values() for label, _, _ in line.changes)
        ],
    )


_PLAIN = {"starts_at": "日時", "procedures": "手続き", "state": "状態", "reason": "理由", "outcome": "対応結果",
          "from_date": "この日から来られる", "parts": "時間帯", "offer": "案内した日時", "until": "返事の期限"}  # fmt: skip
_SEALED = {"note": "対応メモ", "over_reason": "超過受付の理由", "notice_reason": "はがきの番号を確かめなかった理由"}


def _line(contract: Contract, ring: Keyring, event: Event, names: dict[str, str]) -> Line:
    changes = []
    for key, pair in event.change.items():
        if key == "personal":
            continue
        before, after = pair
        changes.append((_PLAIN.get(key, key), _show_plain(key, before, names), _show_plain(key, after, names)))
    if event.sealed:
        for key, (before, after) in ring.unseal_json(EVENT, bytes(event.sealed)).items():
            changes += _sealed_changes(contract, key, before, after)
    elif event.change.get("personal"):
        changes.append(("個人情報", "", "（消去済み）"))
    return Line(
        at=event.at.astimezone(JST),
        kind=event.kind,
        label=str(EventKind(event.kind).label),
        who=event.actor_label or ACTOR_KIND_LABELS[ActorKind(event.actor_kind)],
        channel=f"{ACTOR_KIND_LABELS[ActorKind(event.actor_kind)]}・{CHANNEL_LABELS[Channel(event.channel)]}",
        changes=changes,
    )


def _show_plain(key: str, value: Any, names: dict[str, str]) -> str:
    if value is None:
        return ""
    if key in ("starts_at", "offer", "until"):
        moment = dt.datetime.fromisoformat(value).astimezone(JST)
        return f"{dates.show_short(moment.date())} {moment:%H:%M}"
    if key == "procedures":
        return "、".join(names.get(code, code) for code in value)
    if key == "state":
        return str(State(value).label)
    if key == "from_date":
        return dates.show_short(dt.date.fromisoformat(value))
    if key == "parts":
        return "、".join(PART_LABELS[DayPart(part)] for part in value) or "いつでも"
    return str(value)


def _sealed_changes(contract: Contract, key: str, before: Any, after: Any) -> list[tuple[str, str, str]]:
    if key in _SEALED:
        return [(_SEALED[key], "", str(after or ""))]
    if isinstance(before, dict) or isinstance(after, dict):
        was, new = before or {}, after or {}
        who = f"{int(re.sub(r'[^0-9]', '', key) or 0)}人目 "
        return [
            (who + label_of(contract, k), value_of(contract, k, was.get(k)), value_of(contract, k, new.get(k)) or "（なし）")
            for k in dict.fromkeys([*was, *new])
            if was.get(k) != new.get(k)
        ]
    return [(label_of(contract, key), value_of(contract, key, before), value_of(contract, key, after) or "（なし）")]


def likely_duplicates(
    contract: Contract, people: Sequence[Person], contact: Contact, *, now: dt.datetime, besides: str = ""
) -> list[Found]:
    """Live bookings to come of the same persons (reading + birth date), or of the same phone with the same reading."""
    ring = keyring(contract)
    indexes = [index for index in (p.index(ring) for p in people) if index]
    coming = Booking.objects.filter(state=State.BOOKED, starts_at__gt=now).exclude(code=besides).select_related("site")
    hits = {
        b.pk: b for b in coming.filter(pk__in=Attendee.objects.filter(person_index__in=indexes).values("booking_id"))
    }
    readings = {kana.search_key(p.kana) for p in people if p.kana}
    phone = contact.phone_index(ring)
    if phone and readings:
        same_phone = list(coming.filter(phone_index=phone)[:MOST])
        for attendee in Attendee.objects.filter(booking__in=same_phone):
            if kana.search_key(unseal_person(ring, attendee).kana) in readings:
                hits.setdefault(attendee.booking_id, next(b for b in same_phone if b.pk == attendee.booking_id))
    return found_rows(ring, sorted(hits.values(), key=lambda b: b.starts_at))


TOUCHED = {
    EventKind.CREATED: "created",
    EventKind.CHANGED: "changed",
    EventKind.MOVED: "changed",
    EventKind.ADDED: "changed",
    EventKind.REMOVED: "changed",
    EventKind.CANCELLED: "cancelled",
}


def touched(actor: str, since: dt.datetime, until: dt.datetime) -> list[tuple[str, str]]:
    """Bookings that a member of staff (``user:<id>``) made, changed or cancelled in a time: (code, last deed), in the order of the deeds."""
    rows = Event.objects.filter(actor=actor, at__gte=since, at__lte=until, kind__in=TOUCHED).order_by("at", "id")
    deeds: dict[str, str] = {}
    for code, kind in rows.values_list("booking__code", "kind"):
        deed = TOUCHED[EventKind(kind)]
        deeds[code] = "created" if deeds.get(code) == "created" and deed == "changed" else deed
    return list(deeds.items())
