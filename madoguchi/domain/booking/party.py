"""The people of a booking as they are typed: cleaned, checked, sealed as a whole.

Names are kept byte-exact (no Unicode normalisation: a name may hold variation selectors); only blanks at the ends go. Search
runs over the reading in katakana and the birth date, or the phone number, through blind indexes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from madoguchi.domain.procedures.enums import Situation, Who
from madoguchi.domain.procedures.rules.bring import Visitor
from madoguchi.domain.procedures.rules.validity import age_on
from madoguchi.ground.contracts.profile import FieldRule, Profile
from madoguchi.ground.contracts.profile.fields import LONGEST
from madoguchi.ground.kit import dates, kana, phones
from madoguchi.ground.privacy.guard import REFUSAL, find_individual_numbers
from madoguchi.ground.privacy.sealing import Keyring

from .answers import check_answer, check_form, narrow

PERSON = "booking.person"
CONTACT = "booking.contact"
LINE = "booking.line"
EVENT = "booking.event"

PERSON_FIELDS = ("name", "kana", "birth_date", "notice_number", "who", "situations")
LIMITS = {
    "name": 120,
    "kana": 120,
    "notice_number": 20,
    "postal_code": 10,
    "address": 200,
    "needs": 300,
    "memo": 300,
    "email": 254,
}
_MAIL = re.compile(r"[^@\s,;<>\"()\[\]\\]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}")
_NOTICE = re.compile(r"[0-9A-Za-z]{3}-?\d{6}")
_POSTAL = re.compile(r"\d{7}")


@dataclass(frozen=True)
class Person:
    """One person: field code → text as typed (``birth_date`` as ISO text)."""

    values: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.values.get("name", "")

    @property
    def kana(self) -> str:
        return self.values.get("kana", "")

    @property
    def birth_date(self) -> dt.date | None:
        value = self.values.get("birth_date")
        return dt.date.fromisoformat(value) if value else None

    def as_dict(self) -> dict[str, str]:
        return dict(self.values)

    def visitor(self, procedure: str, on: dt.date) -> Visitor:
        """What is known about this person's visit on a day: who comes, the age, what holds."""
        return Visitor(
            procedure,
            Who(self.values.get("who") or Who.SELF),
            age_on(on, self.birth_date) if self.birth_date else None,
            frozenset(Situation(one) for one in self.values.get("situations", "").split(",") if one),
        )

    def index(self, ring: Keyring) -> bytes | None:
        """Blind index of reading + birth date; None while one of them is missing."""
        return person_index(ring, self.kana, self.birth_date) if self.kana and self.birth_date else None


@dataclass(frozen=True)
class Contact:
    """How the party is reached, and what it needs."""

    values: Mapping[str, str]

    @property
    def phone(self) -> str:
        return self.values.get("phone", "")

    @property
    def email(self) -> str:
        return self.values.get("email", "")

    def as_dict(self) -> dict[str, str]:
        return dict(self.values)

    def phone_index(self, ring: Keyring) -> bytes | None:
        return ring.blind("phone", self.phone) if self.phone else None

    def mail_index(self, ring: Keyring) -> bytes | None:
        return ring.blind("mail", self.email.lower()) if self.email else None


def person_index(ring: Keyring, reading: str, born: dt.date) -> bytes:
    """Blind index under which a person is found by reading (any kana, blanks or not) and birth date."""
    return ring.blind("person", f"{kana.search_key(reading)}|{born.isoformat()}")


@dataclass
class Cleaned:
    """Result of checking input: values to keep, and messages by field code. Input with errors is not lost: ``values`` holds it too."""

    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def fields_of(profile: Profile, procedures: Collection[str] | None, *, person: bool) -> list[tuple[str, bool]]:
    """(code, required) of the fields the city asks for, of a person or of the contact, in order.

    ``procedures``: what that person comes for, or everything the party comes for; None for every field there is, none of them required.
    """
    return [
        (rule.code, procedures is not None and rule.needed_for(procedures))
        for rule in profile.booking.fields
        if (rule.code in PERSON_FIELDS) is person and (procedures is None or rule.asked_of(procedures))
    ]


def clean_person(profile: Profile, procedure: str, data: Mapping[str, Any], *, today: dt.date) -> Cleaned:
    """Check what was typed about one person."""
    return _clean(profile, fields_of(profile, [procedure], person=True), data, today)


def clean_contact(
    profile: Profile, procedures: Collection[str], data: Mapping[str, Any], *, today: dt.date, by_staff: bool = False
) -> Cleaned:
    """Check what was typed about contact, needs and the city's own questions of a party that comes for ``procedures``.

    Staff may leave out what a resident could not tell, except the phone.
    """
    fields = fields_of(profile, procedures, person=False)
    if by_staff:
        fields = [(code, required and code == "phone") for code, required in fields]
    return _clean(profile, fields, data, today)


def missing_of_contact(profile: Profile, procedures: Collection[str], contact: Contact) -> list[str]:
    """Codes that a party must answer and has not, e.g. after one of its people came to another procedure."""
    asked = fields_of(profile, procedures, person=False)
    return [code for code, required in asked if required and not contact.values.get(code)]


def _clean(profile: Profile, fields: list[tuple[str, bool]], data: Mapping[str, Any], today: dt.date) -> Cleaned:
    cleaned = Cleaned()
    for code, required in fields:
        raw = data.get(code)
        text = "" if raw is None else str(raw).strip(" \t\r\n\u3000")
        if not text:
            if required:
                cleaned.errors[code] = _("入力してください。")
            continue
        cleaned.values[code] = text
        if code not in ("phone", "birth_date") and len(text) >= 12 and find_individual_numbers(text):
            cleaned.values[code] = ""
            cleaned.errors[code] = str(REFUSAL)
            continue
        rule = profile.booking.field(code)
        assert rule is not None
        limit = min(LIMITS.get(code, LONGEST), rule.max_length or LONGEST)
        if len(text) > limit:
            cleaned.errors[code] = _("%(limit)s文字以内で入力してください。いまは%(length)s文字です。") % {
                "limit": limit,
                "length": len(text),
            }
            continue
        try:
            cleaned.values[code] = _checked(profile, rule, text, today)
        except ValueError as wrong:
            cleaned.errors[code] = str(wrong)
    return cleaned


def _checked(profile: Profile, rule: FieldRule, text: str, today: dt.date) -> str:
    if rule.own:
        return check_answer(rule, text, today)
    check = _CHECKS.get(rule.code)
    if rule.code == "notice_number" and profile.booking.notice_check == "none":
        check = None
    return check_form(rule, check(text, today) if check else text)


def _kana(text: str, today: dt.date) -> str:
    reading = kana.to_katakana(text)
    if kana.is_kana(reading):
        return reading
    reading = " ".join(narrow(text).split())
    if not kana.is_latin(reading):
        raise ValueError(
            _("ひらがな・カタカナで入力してください。外国のお名前は、在留カードのローマ字でも入力できます。")
        )
    return reading


def _phone(text: str, today: dt.date) -> str:
    return phones.normalise(text)


def _email(text: str, today: dt.date) -> str:
    plain = narrow(text).replace(" ", "")
    if not _MAIL.fullmatch(plain):
        raise ValueError(_("メールアドレスの形になっていません。例：taro@example.jp"))
    return plain


def _birth_date(text: str, today: dt.date) -> str:
    born = dates.parse(text)
    if born > today:
        raise ValueError(_("生年月日が先の日付になっています。年を確かめてください。"))
    if born < dates.FIRST_DAY:
        raise ValueError(_("生年月日を確かめてください。"))
    return born.isoformat()


def _postal_code(text: str, today: dt.date) -> str:
    digits = narrow(text).replace("-", "").replace(" ", "").replace("〒", "")
    if not _POSTAL.fullmatch(digits):
        raise ValueError(_("郵便番号は7桁の数字で入力してください。例：738-8501"))
    return f"{digits[:3]}-{digits[3:]}"


def read_notice_number(text: str) -> str:
    """The number of a postcard as it is kept, ``A1B-123456``. Raises ``ValueError`` with what to do."""
    plain = narrow(text).replace(" ", "").upper()
    if not _NOTICE.fullmatch(plain):
        raise ValueError(_("はがきの番号は、英数字3桁と数字6桁です。例：A1B-123456"))
    return plain if "-" in plain else f"{plain[:3]}-{plain[3:]}"


def _who(text: str, today: dt.date) -> str:
    if text not in Who.values:
        raise ValueError(_("窓口に来る人を選び直してください。"))
    return text


def _situations(text: str, today: dt.date) -> str:
    chosen = set(text.split(","))
    if not chosen <= set(Situation.values):
        raise ValueError(_("あてはまるものを選び直してください。"))
    return ",".join(one for one in Situation.values if one in chosen)


_CHECKS = {
    "kana": _kana,
    "phone": _phone,
    "email": _email,
    "birth_date": _birth_date,
    "postal_code": _postal_code,
    "notice_number": lambda text, today: read_notice_number(text),
    "who": _who,
    "situations": _situations,
}
