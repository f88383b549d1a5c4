"""The form of a party on the desk: people, contact, time; read from one POST, never losing what was typed."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from madoguchi.domain.booking.answers import choices
from madoguchi.domain.booking.cards import refusals
from madoguchi.domain.booking.party import Contact, Person, clean_contact, clean_person, fields_of
from madoguchi.domain.booking.queries.desk import Panel, label_of
from madoguchi.domain.procedures.enums import Situation, Who
from madoguchi.domain.procedures.queries import bring_rows
from madoguchi.domain.procedures.rules.bring import situations_asked
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import FieldRule
from madoguchi.ground.kit import dates, postal

MOST_ROWS = 20
UNCONFIRMED = {
    "notice_number": "番号と生年月日の組み合わせが一覧にありません。両方を聞き直してください。",
    "birth_date": "番号と合わせて確かめます。生年月日を聞いてください。",
}
WIDE = ("address", "needs", "memo")


@dataclass
class Box:
    """One input of the form, ready to draw."""

    name: str
    code: str
    label: str
    value: str
    required: bool
    error: str = ""
    choices: list[tuple[str, str]] = field(default_factory=list)
    many: bool = False
    help: str = ""
    kind: str = "text"

    @property
    def chosen(self) -> list[str]:
        """Codes that are ticked, where several can be."""
        return self.value.split(",")

    @property
    def wide(self) -> bool:
        return self.code in WIDE or self.kind == "long"

    @property
    def hint(self) -> str:
        if self.kind == "date":
            return "R8.4.1"
        return {"birth_date": "S55.1.2", "kana": "ヤマダ タロウ", "phone": "09012345678"}.get(self.code, "")


@dataclass
class Row:
    """One person: the attendee's id when it exists already, the procedure, what was typed."""

    number: int
    id: int | None
    procedure: str
    data: dict[str, str]
    drop: bool = False
    boxes: list[Box] = field(default_factory=list)
    person: Person | None = None


@dataclass
class PartyForm:
    """What stands on the screen. ``ready`` is true when people and contact are right."""

    contract: Contract
    rows: list[Row]
    site: str
    at: str = ""
    day: str = ""
    first: str = ""
    language: str = "ja"
    key: str = ""
    version: int | None = None
    over: bool = False
    over_reason: str = ""
    duplicate_seen: bool = False
    contact_data: dict[str, str] = field(default_factory=dict)
    contact_boxes: list[Box] = field(default_factory=list)
    contact: Contact | None = None
    errors: dict[str, str] = field(default_factory=dict)
    filling: postal.Filling | None = None
    notice_skipped: bool = False
    notice_reason: str = ""
    notice_unconfirmed: bool = False
    before: dict[int, Person] = field(default_factory=dict)

    @property
    def fills_address(self) -> bool:
        """Whether the address can be filled in from the postal code."""
        return {"postal_code", "address"} <= {box.code for box in self.contact_boxes}

    def fill_address(self, chosen: str) -> None:
        """Put the address of the postal code in front of what was typed of it; ``filling`` says how it went."""
        self.filling = postal.fill(self.contact_data.get("postal_code", ""), self.contact_data.get("address", ""), chosen)
        self.contact_data["address"] = self.filling.address

    @property
    def kept(self) -> list[Row]:
        """Rows that stay."""
        return [row for row in self.rows if not row.drop]

    @property
    def procedures(self) -> list[str]:
        return [row.procedure for row in self.kept]

    @property
    def moment(self) -> dt.datetime | None:
        """The chosen time; None while nothing valid is chosen."""
        return dates.read_iso_moment(self.at)

    @property
    def ready(self) -> bool:
        return not self.errors

    def draw(self, today: dt.date) -> None:
        """Make the boxes from what was typed (and the errors found)."""
        profile = self.contract.profile
        codes = {row.procedure for row in self.rows}
        rules = bring_rows(today, codes)
        asked = {code: situations_asked(rules, code, None, today) for code in codes}
        for row in self.rows:
            row.boxes = [
                self._box(f"r{row.number}_{code}", code, row.data, required, asked.get(row.procedure, ()))
                for code, required in fields_of(profile, [row.procedure], person=True)
            ]
        self.contact_boxes = [
            self._box(f"c_{code}", code, self.contact_data, required and code == "phone", ())
            for code, required in fields_of(profile, self.procedures, person=False)
        ]

    def _box(self, name: str, code: str, data: Mapping[str, str], required: bool, asked: Sequence[Situation]) -> Box:
        rule = self.contract.profile.booking.field(code)
        assert rule is not None
        return Box(
            name,
            code,
            label_of(self.contract, code),
            data.get(code, ""),
            required,
            self.errors.get(name, ""),
            choices_of(rule, asked),
            code == "situations",
            rule.help,
            rule.kind,
        )

    def check(self, today: dt.date, *, contact: bool = True) -> None:
        """Fill ``errors``, ``person`` of every kept row and ``contact``."""
        profile = self.contract.profile
        for row in self.kept:
            cleaned = clean_person(profile, row.procedure, row.data, today=today)
            for code, text in cleaned.errors.items():
                self.errors[f"r{row.number}_{code}"] = text
            row.person = Person({k: v for k, v in cleaned.values.items() if v})
        self._check_notices(today)
        if contact:
            self.check_contact(today)

    def _check_notices(self, today: dt.date) -> None:
        """Numbers of postcards that the city's list does not confirm; staff may go on with a reason."""
        right = [
            row for row in self.kept
            if row.person and not {f"r{row.number}_notice_number", f"r{row.number}_birth_date"} & self.errors.keys()
        ]  # fmt: skip
        told = [(row.person, self.before.get(row.id or 0)) for row in right if row.person]
        found = refusals(self.contract, told, today=today)
        self.notice_unconfirmed = bool(found)
        if found and self.notice_skipped:
            if not self.notice_reason:
                self.errors["notice_reason"] = "はがきの番号を確かめずに受け付ける理由を入力してください。"
            return
        for position, problems in found.items():
            for code in problems:
                self.errors[f"r{right[position].number}_{code}"] = UNCONFIRMED[code]

    def check_contact(self, today: dt.date) -> None:
        """Fill ``errors`` of the contact, and ``contact``."""
        cleaned = clean_contact(
            self.contract.profile, self.procedures, self.contact_data, today=today, by_staff=True
        )
        for code, text in cleaned.errors.items():
            self.errors[f"c_{code}"] = text
        self.contact = Contact({k: v for k, v in cleaned.values.items() if v})

    def summary(self) -> list[dict[str, str]]:
        """Errors in the shape of the error summary: where, and what to do."""
        labels = {box.name: (row, box) for row in self.rows for box in row.boxes}
        found = []
        for name, text in self.errors.items():
            if name in labels:
                row, box = labels[name]
                label = f"{row.number}人目の{box.label}" if len(self.rows) > 1 else box.label
            else:
                label = next((box.label for box in self.contact_boxes if box.name == name), "")
            found.append({"href": f"#id_{name}", "label": label, "text": text})
        return found


def choices_of(rule: FieldRule, asked: Sequence[Situation]) -> list[tuple[str, str]]:
    """What can be chosen in a box; empty for a box that is typed into. The city's own questions may stay unanswered."""
    if rule.code == "who":
        return [(str(one), str(one.label)) for one in Who]
    if rule.code == "situations":
        return [(str(one), str(one.label)) for one in asked]
    own = [(code, text) for code, text, _language in choices(rule, "ja")]
    return [("", "（未回答）"), *own] if own else []


def blank(contract: Contract, procedure: str, site: str) -> PartyForm:
    """A new booking of one person."""
    form = PartyForm(contract, [Row(1, None, procedure, {})], site, key=uuid.uuid4().hex)
    form.language = contract.profile.default_language
    return form


def of_panel(contract: Contract, panel: Panel) -> PartyForm:
    """The party of an existing booking, to be changed."""
    rows = [
        Row(number, guest.id, guest.procedure, typed_values(guest.person.as_dict(), contract))
        for number, guest in enumerate(panel.people, 1)
    ]
    form = PartyForm(contract, rows, panel.booking.site.code, at=panel.starts_at.isoformat())
    form.version = panel.booking.version
    form.day = panel.starts_at.date().isoformat()
    form.language = panel.booking.language
    form.contact_data = typed_values(panel.contact.as_dict(), contract)
    return form


def typed_values(values: Mapping[str, str], contract: Contract) -> dict[str, str]:
    """Stored values as staff would type them: dates in their era."""
    on = {"birth_date"} | {rule.code for rule in contract.profile.booking.fields if rule.kind == "date"}
    days = {code: dates.read_iso(value) for code, value in values.items() if code in on}
    return {**values, **{code: dates.show(day, weekday=False) for code, day in days.items() if day}}


def _typed(data: Mapping[str, Any], name: str) -> str:
    """What was typed into a box, or ticked (codes with commas)."""
    values = data.getlist(name) if isinstance(data, QueryDict) else [data.get(name)]
    return ",".join(str(value) for value in values if value)


def read(contract: Contract, data: Mapping[str, Any], procedures: Sequence[str]) -> PartyForm:
    """The form as posted, with rows added or taken away by its buttons."""
    try:
        count = max(1, min(MOST_ROWS, int(data.get("rows") or 1)))
    except ValueError:
        count = 1
    rows = []
    for number in range(1, count + 1):
        prefix = f"r{number}_"
        procedure = str(data.get(f"{prefix}procedure") or procedures[0])
        if procedure not in procedures:
            procedure = procedures[0]
        typed = {code: _typed(data, prefix + code) for code, _ in fields_of(contract.profile, None, person=True)}
        raw_id = str(data.get(f"{prefix}id") or "")
        rows.append(Row(number, int(raw_id) if raw_id.isdigit() else None, procedure, typed, f"{prefix}drop" in data))
    form = PartyForm(contract, rows, str(data.get("site") or ""))
    removed = str(data.get("remove") or "")
    if removed and len(form.rows) > 1:
        form.rows = [row for row in form.rows if str(row.number) != removed or row.id is not None]
    if data.get("step") == "add" and len(form.rows) < MOST_ROWS:
        form.rows.append(Row(0, None, form.rows[-1].procedure, {}))
    for number, row in enumerate(form.rows, 1):
        row.number = number
    form.at = str(data.get("pick") or data.get("at") or "")
    form.day = str(data.get("day") or data.get("on") or "")
    form.first = str(data.get("from") or data.get("first") or "")
    if data.get("pick") and form.moment:
        form.day = form.moment.date().isoformat()
    elif form.moment and form.day != form.moment.date().isoformat():
        form.at = ""
    language = str(data.get("language") or "")
    form.language = language if language in contract.profile.languages else contract.profile.default_language
    form.key = str(data.get("key") or "")[:64] or uuid.uuid4().hex
    version = str(data.get("version") or "")
    form.version = int(version) if version.isdigit() else None
    form.over = "over" in data
    form.over_reason = str(data.get("over_reason") or "").strip()[:200]
    form.duplicate_seen = "duplicate_seen" in data
    form.notice_skipped = "notice_skipped" in data
    form.notice_reason = str(data.get("notice_reason") or "").strip()[:200]
    form.contact_data = {
        code: str(data.get(f"c_{code}") or "") for code, _ in fields_of(contract.profile, None, person=False)
    }
    if data.get("step") == "fill":
        form.fill_address(str(data.get("area") or ""))
    return form
