"""Deeds of contacts: the record of a conversation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, Channel
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.ground.worklog.services import amend, note

from .. import rules
from ..enums import Result, Source, Topic
from ..errors import CallsRefused
from ..models import Call, Contact
from ..words import CONTACT, plain_number

LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Words:
    """What is sealed of a contact."""

    question: str = ""
    answer: str = ""
    name: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What the operator writes. ``bookings`` are codes without separators."""

    topic: Topic
    result: Result
    language: str = "ja"
    source: Source = Source.PHONE
    faq: str = ""
    bookings: Sequence[str] = field(default=())
    words: Words = field(default=Words())


def record(
    contract: Contract, said: Said, *, call: Call | None = None, at: dt.datetime | None = None, user: User, by: Actor, now: dt.datetime
) -> Contact:
    """Write the record of a conversation; of a call that this person recorded already, the record is replaced by the new text.

    ``at`` is when they spoke, for a record written later. Raises :class:`CallsRefused` for text that is too long, or a time to come.
    """
    _check(said, at, now)
    with contract_scope(contract):
        found = None
        if call is not None:
            call = Call.objects.select_for_update(of=("self",)).get(pk=call.pk)
            found = Contact.objects.select_for_update().filter(call=call, operator=user).first()
        if found is not None:
            return _change(contract, found, said, by=by, now=now)
        ring = keyring(contract)
        words, index = _sealed(contract, said)
        if index is None and call is not None:
            index = bytes(call.number_index) if call.number_index else None
        contact = Contact.objects.create(
            contract=contract,
            call=call,
            at=at or (call.answered_at or call.opened_at if call else now),
            source=said.source,
            operator=user,
            topic=said.topic,
            result=said.result,
            language=said.language,
            faq=said.faq,
            bookings=list(dict.fromkeys(said.bookings)),
            words=ring.seal_json(CONTACT, words),
            number_index=index,
            wrapup_seconds=rules.wrapup(call.ended_at, now) if call else None,
        )
        note(
            contract, "contact.recorded", by=by.through(Channel.PHONE), now=contact.at, ref=f"contact:{contact.pk}",
            language=said.language, outcome=said.result, handle_seconds=contact.wrapup_seconds,
        )  # fmt: skip
        audit.record(contract, "contact.recorded", f"contact:{contact.pk}", by=by, now=now, topic=said.topic, result=said.result)
        return contact


def change(contract: Contract, contact_id: int, said: Said, *, by: Actor, now: dt.datetime) -> Contact:
    """Correct a record. Raises :class:`CallsRefused` when its words are erased."""
    _check(said, None, now)
    with contract_scope(contract):
        contact = Contact.objects.select_for_update().filter(pk=contact_id).first()
        if contact is None:
            raise CallsRefused("この応対の記録は見つかりません。")
        return _change(contract, contact, said, by=by, now=now)


def _change(contract: Contract, contact: Contact, said: Said, *, by: Actor, now: dt.datetime) -> Contact:
    if contact.erased_at is not None:
        raise CallsRefused("保存期間を過ぎて内容を消去した記録は、直せません。")
    words, index = _sealed(contract, said)
    contact.topic, contact.result, contact.language, contact.faq = said.topic, said.result, said.language, said.faq
    contact.source = said.source
    contact.bookings = list(dict.fromkeys(said.bookings))
    contact.words = keyring(contract).seal_json(CONTACT, words)
    contact.number_index = index or contact.number_index
    contact.changed_at = now
    contact.save()
    amend("contact.recorded", ref=f"contact:{contact.pk}", language=said.language, outcome=said.result)
    audit.record(contract, "contact.changed", f"contact:{contact.pk}", by=by, now=now, topic=said.topic, result=said.result)
    return contact


def _check(said: Said, at: dt.datetime | None, now: dt.datetime) -> None:
    for label, text in (("質問", said.words.question), ("回答", said.words.answer)):
        if len(text) > LONGEST:
            raise CallsRefused(f"{label}は{LONGEST:,}文字までです。いまは{len(text):,}文字です。")
    if at is not None and at > now:
        raise CallsRefused("受けた日時は、いまより前にしてください。")


def _sealed(contract: Contract, said: Said) -> tuple[dict[str, str], bytes | None]:
    words = {key: value for key in ("question", "answer", "name") if (value := getattr(said.words, key).strip())}
    if not said.words.number.strip():
        return words, None
    number = plain_number(said.words.number)
    return {**words, "number": number}, keyring(contract).blind("phone", number)
